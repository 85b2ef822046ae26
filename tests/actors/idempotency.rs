//! Idempotency keys, and many clients while contexts panic at random.

use super::bench::{Bench, bookrent, eventually, guarded, hasty, rent, under, value};
use futures_util::future::join_all;
use holdfast::{
    actors::{Chaos, CommandRequest, Fault, Injected, NodeSettings},
    store::MemoryStore,
};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

async fn bench() -> Bench {
    Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await
}

#[actix_rt::test]
async fn a_hundred_at_once_under_one_key_are_one_rent_and_get_one_answer() {
    let bench = bench().await;
    let book = bench.register().await;
    let answers =
        join_all((0..100).map(|_| bench.order("bookrent.rent", under("key", &rent(book, 1)))))
            .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| (answer.number, &answer.body) == (1, &answers[0].body)));
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(bench.total("bookrent.rent", &[]), 1);
}

#[actix_rt::test]
async fn a_key_keeps_its_answer_over_a_restart_and_takes_no_other_payload() {
    let bench = bench().await;
    let book = bench.register().await;
    let first = bench.order("bookrent.rent", under("key", &rent(book, 1))).await.unwrap();
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    let again = bench.order("bookrent.rent", under("key", &rent(book, 1))).await.unwrap();
    assert_eq!((again.number, &again.body, again.replayed), (first.number, &first.body, true));
    let other = bench.order("bookrent.rent", under("key", &rent(book, 2))).await;
    assert_eq!(other, Err(Fault::KeyReused));
}

#[actix_rt::test]
async fn who_comes_again_after_a_crash_before_it_was_settled_gets_what_settles_it() {
    let settings = || guarded("bookrent.book", hasty(2000));
    let bench = Bench::on(MemoryStore::new(), settings()).ready().await;
    let book = bench.register().await;
    bench
        .context("bookrent.book")
        .set_fault(Some(Injected { delay_ms: (60_000, 60_000), failure_rate: 0.0 }));
    actix_rt::spawn(bench.send("bookrent.rent", under("key", &rent(book, 1))));
    eventually(|| bench.see("bookrent.rent", 1).is_some_and(|rent| rent["status"] == "Requested"))
        .await;
    let bench = bench.crashed(settings(), bookrent).await;
    let again = bench.order("bookrent.rent", under("key", &rent(book, 1))).await.unwrap();
    assert_eq!(
        (again.number, again.replayed, value(&again)["status"].as_str()),
        (1, true, Some("Rent"))
    );
    assert_eq!(bench.total("bookrent.rent", &[]), 1);
}

#[actix_rt::test]
async fn what_was_not_even_begun_is_not_kept_under_its_key() {
    let guard = holdfast::actors::GuardSettings { concurrency: 1, ..hasty(1000) };
    let bench = Bench::on(MemoryStore::new(), guarded("bookrent.book", guard)).ready().await;
    let book = bench.register().await;
    bench
        .context("bookrent.book")
        .set_fault(Some(Injected { delay_ms: (100, 100), failure_rate: 0.0 }));
    let keys = ["one", "two"].map(|key| under(key, &rent(book, 1)));
    let answers =
        join_all(keys.iter().map(|order| bench.order("bookrent.rent", order.clone()))).await;
    assert!(answers[0].is_ok() && matches!(answers[1], Err(Fault::Busy { .. })));
    let again = bench.order("bookrent.rent", keys[1].clone()).await.unwrap();
    assert!(!again.replayed && again.number == 2);
}

#[actix_rt::test]
async fn while_contexts_panic_at_random_every_order_is_answered_and_takes_effect_once() {
    let turns = Arc::new(AtomicU64::new(0));
    let chaos: Chaos = Arc::new(move |_, _| {
        // Every 29th turn of whichever context, so that no context meets its limit of restarts by that alone.
        if turns.fetch_add(1, Relaxed) % 29 == 28 {
            panic!("as asked");
        }
    });
    let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    for place in 0..8 {
        let title =
            CommandRequest { body: json!({ "title": "title" }), ..CommandRequest::default() };
        while bench.order("bookrent.book", under(&format!("book {place}"), &title)).await.is_err() {
        }
    }
    for round in 0..10_u64 {
        let orders =
            (0..8).map(|place| under(&format!("rent {round} {place}"), &rent(place + 1, round)));
        let bench = &bench;
        let answers = join_all(orders.map(|order| async move {
            loop {
                match bench.order("bookrent.rent", order.clone()).await {
                    Err(Fault::Crashed | Fault::Busy { .. }) => {}
                    Err(Fault::Away(_)) => bench.context("bookrent.rent").start().await,
                    certain => return certain,
                }
            }
        }))
        .await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    for context in ["book", "rent", "delivery", "view"] {
        bench.context(&format!("bookrent.{context}")).start().await;
    }
    eventually(|| bench.is_quiet() && bench.total("bookrent.view", &[]) == 80).await;
    assert_eq!(bench.total("bookrent.rent", &[]), 80);
    for number in 1..=80 {
        let events = bench.events("bookrent.rent", number);
        for event in
            ["RentRequested", "BookRented", "RentFailed", "StatusChanged", "DeliveryStarted"]
        {
            assert!(
                events.iter().filter(|each| *each == event).count() <= 1,
                "rent {number}: {events:?}"
            );
        }
        assert_eq!(
            events.iter().filter(|each| *each == "BookRented" || *each == "RentFailed").count(),
            1,
            "{events:?}"
        );
    }
}
