//! Parts of a store in which nothing can be read, as a block that is lost leaves them: they cost what was there, and not what
//! lies behind.

use super::{
    bench::{Bench, bookrent, eventually, under},
    damage::{found, keys},
    test_system::kiosk,
    versioned_system::{lockers, seat},
};
use holdfast::{
    actors::{CommandRequest, ListQuery, Node, NodeSettings, Phase},
    store::{
        MemoryStore,
        keys::{KeyBuf, Space},
    },
};
use serde_json::json;
use std::time::Duration;

fn place(seat: &str, seconds: u64) -> CommandRequest {
    CommandRequest {
        body: json!({ "seat": seat, "desk": 1, "asks": 0, "seconds": seconds }),
        ..CommandRequest::default()
    }
}

fn lose(bench: &Bench, context: &str, keys: &[Vec<u8>]) {
    assert!(!keys.is_empty(), "there is nothing to lose in {context}");
    keys.iter().for_each(|key| bench.store.lose_row(context, key));
}

#[actix_rt::test]
async fn timers_after_lost_ones_run_also_after_a_restart() {
    for restarted in [false, true] {
        let mut bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
        for number in 1..=9 {
            bench
                .order("kiosk.order", place(&format!("A{number}"), number * number * 60))
                .await
                .unwrap();
        }
        let timers = keys(&bench, "kiosk.order", Space::Timer);
        lose(&bench, "kiosk.order", &timers[1..3]);
        lose(&bench, "kiosk.order", &timers[5..6]);
        if restarted {
            bench = bench.crashed(NodeSettings::default(), kiosk).await;
        }
        let is_over =
            |number: u64| bench.see("kiosk.order", number).unwrap()["status"] == "Expired";
        bench.node.advance_clock(Duration::from_secs(16 * 60 + 1)).unwrap();
        eventually(|| is_over(1) && is_over(4)).await;
        bench.node.advance_clock(Duration::from_secs(65 * 60)).unwrap();
        eventually(|| [1, 4, 5, 7, 8, 9].into_iter().all(is_over)).await;
        assert!(!is_over(2) && !is_over(3) && !is_over(6) && found(&bench, "kiosk.order") > 0);
    }
}

#[actix_rt::test]
async fn notes_of_what_expires_that_are_lost_hold_up_neither_timers_nor_other_notes() {
    let settings = NodeSettings { kept: Duration::from_secs(2), ..NodeSettings::default() };
    let bench = Bench::of(MemoryStore::new(), settings, kiosk).ready().await;
    bench.order("kiosk.order", under("one", &place("A1", 600))).await.unwrap();
    let lost = keys(&bench, "kiosk.order", Space::Expiry);
    lose(&bench, "kiosk.order", &lost);
    bench.order("kiosk.order", under("two", &place("A2", 600))).await.unwrap();
    eventually(|| keys(&bench, "kiosk.order", Space::Expiry) == lost).await;
    assert_eq!(keys(&bench, "kiosk.order", Space::Idempotency).len(), 1);
    bench.node.advance_clock(Duration::from_secs(601)).unwrap();
    eventually(|| {
        [1, 2]
            .iter()
            .all(|number| bench.see("kiosk.order", *number).unwrap()["status"] == "Expired")
    })
    .await;
    assert!(found(&bench, "kiosk.order") > 0);
}

#[actix_rt::test]
async fn a_context_starts_without_any_of_its_parked_and_open_rows() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    bench.order("kiosk.order", place("choke-71", 600)).await.unwrap();
    bench.order("kiosk.order", place("choke-72", 600)).await.unwrap();
    eventually(|| bench.context("kiosk.slip").health().parked == 2).await;
    bench.context("kiosk.desk").stop().await;
    let changes: Vec<_> = [1, 2]
        .map(|number| CommandRequest {
            route: 1,
            number: Some(number),
            body: json!(null),
            ..CommandRequest::default()
        })
        .map(|order| actix_rt::spawn(bench.send("kiosk.order", order)))
        .into();
    eventually(|| {
        [1, 2]
            .iter()
            .all(|number| bench.see("kiosk.order", *number).unwrap()["status"] == "Changing")
    })
    .await;
    changes.iter().for_each(actix_rt::task::JoinHandle::abort);
    let listed = |bench: &Bench| bench.context("kiosk.slip").list_parked(None, 9).unwrap();
    eventually(|| listed(&bench).len() == 4).await;
    let all: Vec<_> = listed(&bench).into_iter().map(|event| event.id).collect();
    lose(&bench, "kiosk.slip", &keys(&bench, "kiosk.slip", Space::Parked)[..1]);
    lose(&bench, "kiosk.order", &keys(&bench, "kiosk.order", Space::Question));
    let bench = bench.crashed(NodeSettings::default(), kiosk).await;
    assert!(found(&bench, "kiosk.slip") > 0 && found(&bench, "kiosk.order") > 0);
    // Of four, two of them after the others.
    assert_eq!(bench.context("kiosk.slip").health().parked, 3);
    // Lists have the others.
    let left: Vec<_> = listed(&bench).into_iter().map(|event| event.id).collect();
    assert_eq!(left, all[1..]);
    let among = bench.context("kiosk.slip").parked_among(all).unwrap();
    assert_eq!(among.len(), 3);
    bench.order("kiosk.order", place("A3", 600)).await.unwrap();
    eventually(|| bench.see("kiosk.slip", 1).is_some()).await;
    // Its time comes without what is set aside.
    bench.node.advance_clock(Duration::from_secs(601)).unwrap();
    eventually(|| bench.see("kiosk.order", 3).unwrap()["status"] == "Expired").await;
}

#[actix_rt::test]
async fn a_lost_end_of_a_log_does_not_keep_the_node_from_starting() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    for user in 1..=4 {
        let book = bench.register().await;
        bench.rent(book, user).await.unwrap();
    }
    bench.becomes_consistent(|_| Ok(())).await;
    let log = keys(&bench, "bookrent.rent", Space::Log);
    let last = bench.context("bookrent.rent").health().last_sequence;
    lose(&bench, "bookrent.rent", &log[log.len() - 2..]);
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    let book = bench.register().await;
    assert!(bench.rent(book, 5).await.unwrap().settled);
    assert!(
        bench.context("bookrent.rent").health().last_sequence > last,
        "no number is given out twice"
    );
    assert!(bench.context("bookrent.rent").event_log().unwrap().read_page(last + 1).is_ok());
    eventually(|| bench.see("bookrent.view", 5).is_some()).await;
}

#[actix_rt::test]
async fn lost_rows_of_an_index_are_made_anew_by_the_next_write() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    for user in 1..=3 {
        let book = bench.register().await;
        bench.rent(book, user).await.unwrap();
    }
    bench.becomes_consistent(|_| Ok(())).await;
    lose(&bench, "bookrent.rent", &keys(&bench, "bookrent.rent", Space::Index));
    let book = bench.register().await;
    bench.rent(book, 4).await.unwrap();
    let query = ListQuery { size: 100, ..ListQuery::default() };
    let shown = bench.context("bookrent.rent").list_items(&query).unwrap();
    assert_eq!(shown.items.iter().map(|item| item.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(found(&bench, "bookrent.rent") > 0);
}

#[actix_rt::test]
async fn rows_are_written_anew_around_what_is_lost() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), lockers::<1>).ready().await;
    for number in 1..=20 {
        let body = json!({ "key": format!("K{number}"), "until": seat::LATER });
        bench.enter("lockers.locker", 0, None, body).await.unwrap();
    }
    bench
        .enter("lockers.locker", 0, None, json!({ "key": "77", "until": seat::LATER }))
        .await
        .unwrap();
    bench.becomes_consistent(|_| Ok(())).await;
    let state = |number: u64| KeyBuf::new(Space::State).number(0).number(number).build();
    lose(&bench, "lockers.locker", &[state(1), state(7), state(8), state(21)]);
    lose(&bench, "lockers.locker", &keys(&bench, "lockers.locker", Space::Timer)[3..5]);
    let bench = Bench::of(bench.store.crash(), NodeSettings::default(), lockers::<2>).ready().await;
    let health = bench.context("lockers.locker").health();
    assert!(health.state == Phase::Running && health.damaged > 0, "{health:?}");
    assert_eq!(bench.total("lockers.locker", &[("first", "k")]), 17);
    // Nor is a key free whose holder cannot say any more that it holds it.
    for key in ["k20", "77"] {
        let taken = bench
            .enter("lockers.locker", 0, None, json!({ "key": key, "until": seat::LATER }))
            .await;
        assert!(taken.is_err(), "{key}: {taken:?}");
    }
}
