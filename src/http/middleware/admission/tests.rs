//! Who makes room for whom.

use super::*;

fn crowd(most: usize) -> (Arc<Crowd>, Vec<Arc<Stay>>) {
    let mut crowd = Crowd::new(most, 1000);
    // Whoever comes now has come behind those below.
    Arc::get_mut(&mut crowd).unwrap().start -= std::time::Duration::from_secs(1);
    let stays: Vec<_> = (1..=most as u64)
        .map(|n| {
            let stay = crowd.enter().unwrap();
            stay.since.store(n, Relaxed);
            stay
        })
        .collect();
    (crowd, stays)
}

fn leaving(stays: &[Arc<Stay>]) -> Vec<usize> {
    (0..stays.len()).filter(|n| stays[*n].told() == Told::Leave).collect()
}

#[test]
fn who_has_been_idle_for_longest_makes_room() {
    let (crowd, stays) = crowd(20);
    let request = UnderWay::begin(stays[0].clone(), false);
    let newcomers: Vec<_> = (0..5).map(|_| crowd.enter().unwrap()).collect();
    assert_eq!(leaving(&stays), [1, 2, 3, 4, 5]);
    drop(request);
    stays[0].settle();
    stays[6].since.store(100_000_000_000, Relaxed);
    let _later: Vec<_> = (0..3).map(|_| crowd.enter().unwrap()).collect();
    assert_eq!(
        leaving(&stays),
        [1, 2, 3, 4, 5, 7, 8, 9],
        "who was busy since is not among the oldest"
    );
    assert_eq!(leaving(&newcomers), [0; 0]);
    stays.iter().filter(|stay| stay.told() == Told::Leave).for_each(|stay| stay.gone());
    assert_eq!(crowd.health().open, 20);
    let all = crowd.all();
    assert_eq!((all.leaving, all.stays.len()), (0, 20));
    assert!(all.stays.iter().enumerate().all(|(n, stay)| stay.place.load(Relaxed) == n));
}

#[test]
fn nobody_with_a_request_under_way_is_closed() {
    let (crowd, stays) = crowd(3);
    let mut requests: Vec<_> =
        stays.iter().map(|stay| UnderWay::begin(stay.clone(), true)).collect();
    assert!(crowd.enter().is_none());
    let body = Awaiting::begin(stays[1].clone());
    let newcomer = crowd.enter().expect("whose body has not come yet can be spared");
    requests.push(UnderWay::begin(newcomer, false));
    assert_eq!(leaving(&stays), [1]);
    drop(body);
    requests.remove(0);
    stays[0].block(10);
    assert!(crowd.enter().is_none(), "an answer waits for it");
    stays[0].settle();
    assert!(crowd.enter().is_some());
    assert_eq!(crowd.health().refused, 2);
}

#[test]
fn a_request_that_comes_just_then_is_served_and_another_one_goes() {
    let (crowd, stays) = crowd(3);
    let _newcomer = crowd.enter().unwrap();
    stays[0].keep();
    assert_eq!(leaving(&stays), [1]);
    assert_eq!(crowd.all().leaving, 1);
}

#[test]
fn what_waits_is_bounded_and_given_back() {
    let (crowd, stays) = crowd(3);
    stays[0].block(400);
    let mut answer = UnderWay::begin(stays[1].clone(), false);
    answer.left(500);
    stays[2].block(99);
    assert!(stays.iter().all(|stay| stay.told() == Told::Stay));
    stays[1].block(10);
    assert_eq!(stays[0].told(), Told::Break, "it has not read for longest");
    drop(answer);
    stays.iter().for_each(|stay| stay.gone());
    assert_eq!(crowd.health().unsent, 0);
}

#[test]
fn what_comes_to_wait_later_is_bounded_too_and_as_many_are_broken_off_as_it_takes() {
    let (_crowd, stays) = crowd(5);
    let broken = || (0..5).filter(|n| stays[*n].told() == Told::Break).collect::<Vec<_>>();
    for (stay, bytes) in stays.iter().zip([100, 200, 10, 200, 200]) {
        stay.block(bytes);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    stays[2].block(400);
    assert_eq!(broken(), [0], "100 is enough");
    stays[2].block(400);
    assert_eq!(broken(), [0], "it has not gone yet, and nothing else has come");
    let mut answer = UnderWay::begin(stays[1].clone(), false);
    answer.left(300);
    stays[3].block(300);
    assert_eq!(broken(), [0, 1], "what is not handed over yet goes with it");
    stays[4].block(600);
    assert_eq!(broken(), [0, 1, 2]);
}
