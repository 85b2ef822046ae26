//! Which connections are closed, and which are kept.

use super::*;

fn open_connections(most: usize) -> (Arc<ConnectionLimit>, Vec<Arc<ConnectionSlot>>) {
    let mut connections = ConnectionLimit::new(most, 1000);
    // What is admitted from now on is idle for a shorter time than the slots below.
    let mut totals = Totals::new();
    totals.start -= std::time::Duration::from_secs(1);
    Arc::get_mut(&mut connections).unwrap().totals = Arc::new(totals);
    let slots: Vec<_> = (1..=most as u64)
        .map(|n| {
            let slot = connections.admit_connection().unwrap();
            slot.idle_since.store(n, Relaxed);
            slot
        })
        .collect();
    (connections, slots)
}

fn closing_slots(slots: &[Arc<ConnectionSlot>]) -> Vec<usize> {
    (0..slots.len()).filter(|n| slots[*n].signal() == Signal::Close).collect()
}

#[test]
fn the_connection_idle_for_longest_is_closed_first() {
    let (connections, slots) = open_connections(20);
    let request = ActiveRequest::begin(slots[0].clone(), false);
    let all_admitted: Vec<_> = (0..5).map(|_| connections.admit_connection().unwrap()).collect();
    assert_eq!(closing_slots(&slots), [1, 2, 3, 4, 5]);
    drop(request);
    slots[0].mark_flushed();
    slots[6].idle_since.store(100_000_000_000, Relaxed);
    let _later: Vec<_> = (0..3).map(|_| connections.admit_connection().unwrap()).collect();
    assert_eq!(
        closing_slots(&slots),
        [1, 2, 3, 4, 5, 7, 8, 9],
        "one that was busy since is not among the oldest"
    );
    assert_eq!(closing_slots(&all_admitted), [0; 0]);
    slots
        .iter()
        .filter(|slot| slot.signal() == Signal::Close)
        .for_each(|slot| connections.remove(slot));
    assert_eq!(connections.read_stats().open, 20);
    let all = connections.lock_slots();
    assert_eq!((all.closing, all.all.len()), (0, 20));
    assert!(all.all.iter().enumerate().all(|(n, slot)| slot.index.load(Relaxed) == n));
}

#[test]
fn a_connection_with_an_active_request_is_not_closed() {
    let (connections, slots) = open_connections(3);
    let mut requests: Vec<_> =
        slots.iter().map(|slot| ActiveRequest::begin(slot.clone(), true)).collect();
    assert!(connections.admit_connection().is_none());
    let body = BodyWait::begin(slots[1].clone());
    let admitted =
        connections.admit_connection().expect("one that waits for a body counts as idle");
    requests.push(ActiveRequest::begin(admitted, false));
    assert_eq!(closing_slots(&slots), [1]);
    drop(body);
    requests.remove(0);
    connections.mark_blocked(&slots[0], 10);
    assert!(connections.admit_connection().is_none(), "an answer waits for it");
    slots[0].mark_flushed();
    assert!(connections.admit_connection().is_some());
    assert_eq!(connections.read_stats().refused, 2);
}

#[test]
fn a_request_that_arrives_after_the_signal_is_served_and_another_connection_closes() {
    let (connections, slots) = open_connections(3);
    let _admitted = connections.admit_connection().unwrap();
    connections.keep_open(&slots[0]);
    assert_eq!(closing_slots(&slots), [1]);
    assert_eq!(connections.lock_slots().closing, 1);
}

#[test]
fn unsent_bytes_are_bounded_and_released() {
    let (connections, slots) = open_connections(3);
    connections.mark_blocked(&slots[0], 400);
    let mut answer = ActiveRequest::begin(slots[1].clone(), false);
    answer.set_unsent_body(500);
    connections.mark_blocked(&slots[2], 99);
    assert!(slots.iter().all(|slot| slot.signal() == Signal::KeepOpen));
    connections.mark_blocked(&slots[1], 10);
    assert_eq!(slots[0].signal(), Signal::Abort, "it has not read for longest");
    drop(answer);
    slots.iter().for_each(|slot| connections.remove(slot));
    assert_eq!(connections.read_stats().unsent, 0);
}

#[test]
fn later_unsent_bytes_are_bounded_too_and_no_more_connections_abort_than_needed() {
    let (connections, slots) = open_connections(5);
    let aborted = || (0..5).filter(|n| slots[*n].signal() == Signal::Abort).collect::<Vec<_>>();
    for (slot, bytes) in slots.iter().zip([100, 200, 10, 200, 200]) {
        connections.mark_blocked(slot, bytes);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    connections.mark_blocked(&slots[2], 400);
    assert_eq!(aborted(), [0], "100 are enough");
    connections.mark_blocked(&slots[2], 400);
    assert_eq!(aborted(), [0], "it has not ended yet, and nothing was added");
    let mut answer = ActiveRequest::begin(slots[1].clone(), false);
    answer.set_unsent_body(300);
    connections.mark_blocked(&slots[3], 300);
    assert_eq!(aborted(), [0, 1], "the body that is not handed over yet counts too");
    connections.mark_blocked(&slots[4], 600);
    assert_eq!(aborted(), [0, 1, 2]);
}
