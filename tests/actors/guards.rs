//! Guards, admission, stops, and the word that waits for the disk.

use super::bench::{Bench, eventually, guarded, hasty, rent, value};
use futures_util::future::join_all;
use holdfast::{
    actors::{BreakerSettings, CommandRequest, Fault, GuardSettings, Injected, Node, NodeSettings},
    identity::Principal,
    store::{MemoryStore, Store},
};
use std::{sync::Arc, time::Duration};

async fn with(guard: GuardSettings) -> Bench {
    Bench::on(MemoryStore::new(), guarded("bookrent.book", guard)).ready().await
}

fn late(millis: u64, failure_rate: f64) -> Option<Injected> {
    Some(Injected { delay_ms: (millis, millis), failure_rate })
}

#[actix_rt::test]
async fn over_the_quota_nothing_is_recorded_and_no_number_is_spent() {
    let bench = with(GuardSettings { quota_per_second: 1, ..GuardSettings::default() }).await;
    let book = bench.register().await;
    let answers = join_all((0..10).map(|user| bench.rent(book, user))).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    let busy =
        answers.iter().filter(|answer| matches!(answer, Err(Fault::Busy { .. }))).count() as u64;
    assert!(taken >= 1 && busy >= 1 && taken + busy == 10, "{taken} taken, {busy} not even begun");
    assert_eq!(bench.total("bookrent.rent", &[]), taken);
    assert!(
        (taken + 1..=10).all(|number| bench.see("bookrent.rent", number).is_none()),
        "numbers have no gaps"
    );
}

#[actix_rt::test]
async fn more_questions_at_once_than_may_be_are_not_even_begun() {
    let bench = with(GuardSettings { concurrency: 2, ..hasty(500) }).await;
    let book = bench.register().await;
    bench.context("bookrent.book").set_fault(late(100, 0.0));
    let answers = join_all((0..6).map(|user| bench.rent(book, user))).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Fault::Busy { .. }))).count();
    assert_eq!(busy, 4);
    eventually(|| {
        bench.context("bookrent.book").health().guard.is_some_and(|guard| guard.in_flight == 0)
    })
    .await;
}

#[actix_rt::test]
async fn the_breaker_opens_without_answers_lets_three_probes_through_and_closes() {
    let breaker = BreakerSettings {
        minimum: 4,
        open_for: Duration::from_millis(300),
        ..BreakerSettings::default()
    };
    let bench = with(GuardSettings { breaker, ..hasty(50) }).await;
    let book = bench.register().await;
    let books = bench.context("bookrent.book");
    let state = || books.health().guard.expect("a guard").breaker;
    books.set_fault(late(0, 1.0));
    for user in 0..4 {
        assert_eq!(value(&bench.rent(book, user).await.unwrap())["reason"], "no-answer");
    }
    eventually(|| state() != "closed").await;
    books.set_fault(late(20, 0.0));
    eventually(|| state() == "halfOpen").await;
    let answers = join_all((0..6).map(|user| bench.rent(book, user))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3, "three probes");
    eventually(|| state() == "closed").await;
    assert_eq!(bench.total("bookrent.rent", &[]), 7);
}

#[actix_rt::test]
async fn with_two_tries_a_late_answer_to_the_first_counts() {
    let bench = with(GuardSettings { tries: 2, ..hasty(200) }).await;
    let book = bench.register().await;
    bench.context("bookrent.book").set_fault(late(300, 0.0));
    assert_eq!(value(&bench.rent(book, 1).await.unwrap())["status"], "Rent");
    assert_eq!(
        bench.events("bookrent.rent", 1).iter().filter(|event| *event == "StatusChanged").count(),
        1
    );
}

#[actix_rt::test]
async fn a_request_beyond_the_limit_is_refused_with_retry_after() {
    let settings = NodeSettings { admission: 2, ..guarded("bookrent.book", hasty(500)) };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    bench.context("bookrent.book").set_fault(late(100, 0.0));
    let answers = join_all((0..5).map(|user| bench.rent(book, user))).await;
    assert_eq!(
        answers.iter().filter(|answer| matches!(answer, Err(Fault::Busy { .. }))).count(),
        3
    );
    bench.context("bookrent.book").set_fault(None);
    assert!(bench.rent(book, 9).await.is_ok(), "the places are free again");
}

/// A customer of an OpenID provider rents this book.
fn rent_as(subject: &str, book: u64) -> CommandRequest {
    let principal = Principal {
        issuer: "https://id.example".into(),
        subject: subject.into(),
        ..Principal::default()
    };
    CommandRequest { principal: Some(principal.into()), ..rent(book, 1) }
}

#[actix_rt::test]
async fn one_principal_does_not_take_the_places_of_all_others() {
    let settings = NodeSettings { admission: 100, ..guarded("bookrent.book", hasty(2_000)) };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    // Each keeps its place until the book has not answered in time.
    bench.context("bookrent.book").set_fault(late(0, 1.0));
    let greedy: Vec<_> =
        (0..70).map(|_| bench.send("bookrent.rent", rent_as("greedy", book))).collect();
    let modest = bench.send("bookrent.rent", rent_as("modest", book));
    let developer = bench.send("bookrent.rent", rent(book, 2));
    let refused = Err(Fault::TooManyAtOnce { limit: 64 });
    let answers = join_all(greedy).await;
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), 6, "{answers:?}");
    assert!(modest.await.is_ok() && developer.await.is_ok());
    bench.context("bookrent.book").set_fault(None);
    assert_ne!(bench.send("bookrent.rent", rent_as("greedy", book)).await, refused);
}

#[actix_rt::test]
async fn a_stop_sends_away_who_waits_and_who_looks_and_a_start_takes_the_question_up() {
    let bench = with(hasty(1000)).await;
    let book = bench.register().await;
    let rents = bench.context("bookrent.rent");
    bench.context("bookrent.book").set_fault(late(200, 0.0));
    let waiting = actix_rt::spawn(rents.execute_command(rent(book, 1)));
    eventually(|| rents.health().waiting == 1).await;
    rents.stop().await;
    rents.stop().await;
    let told = waiting.await.unwrap().unwrap();
    assert_eq!(
        (told.number, told.settled),
        (1, false),
        "it is recorded, and goes on when the context does"
    );
    assert_eq!(rents.read_item(1), Err(Fault::Away("bookrent.rent")));
    assert_eq!(bench.rent(book, 2).await, Err(Fault::Away("bookrent.rent")));
    bench.context("bookrent.book").set_fault(None);
    rents.start().await;
    bench.becomes_consistent(super::bookrent_failures::is_consistent).await;
    assert_eq!(bench.see("bookrent.rent", 1).unwrap()["status"], "Rent");
}

#[actix_rt::test]
async fn nothing_is_answered_before_it_is_durable() {
    let bench = with(hasty(1000)).await;
    let book = bench.register().await;
    bench.store.hold_durability();
    let mut answer = bench.send("bookrent.rent", rent(book, 1));
    eventually(|| bench.see("bookrent.rent", 1).is_some_and(|rent| rent["status"] == "Rent")).await;
    assert!(futures_util::FutureExt::now_or_never(&mut answer).is_none());
    let seen = bench.context("bookrent.rent").read_item(1).unwrap();
    assert!(seen.commit > bench.store.durable_commit() && !bench.node.is_durable(seen.commit));
    bench.store.release_durability();
    assert_eq!(value(&answer.await.unwrap())["status"], "Rent");
    assert!(bench.node.is_durable(seen.commit));
}

#[actix_rt::test]
async fn a_list_that_has_just_lost_its_last_entry_waits_for_the_disk_too() {
    let bench = with(hasty(1000)).await;
    bench.register().await;
    bench.store.hold_durability();
    let taken = bench.send("bookrent.rent", rent(1, 1));
    actix_rt::spawn(taken);
    eventually(|| bench.total("bookrent.book", &[("status", "true")]) == 0).await;
    let query = holdfast::actors::ListQuery {
        filters: vec![("status".into(), "true".into())],
        ..Default::default()
    };
    let page = bench.context("bookrent.book").list_items(&query).unwrap();
    assert!(
        !bench.node.is_durable(page.commit),
        "that there is nothing rests on what is not durable"
    );
}

#[actix_rt::test]
async fn when_the_disk_fails_waiting_requests_fail_and_the_node_is_not_ready() {
    let bench = with(hasty(1000)).await;
    let book = bench.register().await;
    bench.store.hold_durability();
    let waiting = actix_rt::spawn(bench.send("bookrent.rent", rent(book, 1)));
    eventually(|| bench.see("bookrent.rent", 1).is_some_and(|rent| rent["status"] == "Rent")).await;
    bench.store.fail_now();
    assert_eq!(waiting.await.unwrap(), Err(Fault::Unknown), "it may be on the disk, or not");
    assert!(!bench.node.is_ready());
    assert!(bench.rent(book, 2).await.is_err());
}

#[actix_rt::test]
async fn a_context_that_panics_at_every_turn_fails_for_good_and_a_start_by_hand_brings_it_back() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    let ill = Arc::new(AtomicBool::new(false));
    let turns = Arc::new(AtomicU64::new(0));
    let is_ill = ill.clone();
    let counted = turns.clone();
    let chaos: holdfast::actors::Chaos = Arc::new(move |context, _| {
        if context == "bookrent.rent" && is_ill.load(Relaxed) {
            counted.fetch_add(1, Relaxed);
            panic!("as asked");
        }
    });
    let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    ill.store(true, Relaxed);
    let first = bench.rent(book, 1).await;
    assert!(matches!(first, Err(Fault::Crashed | Fault::Away(_))), "{first:?}");
    let rents = bench.context("bookrent.rent");
    eventually(|| rents.health().state == holdfast::actors::Phase::Failed).await;
    assert_eq!(bench.rent(book, 2).await, Err(Fault::Away("bookrent.rent")));
    assert!(turns.load(Relaxed) < 40 && rents.health().restarts < 40);
    assert_eq!(bench.register().await, book + 1, "the others are undisturbed");
    ill.store(false, Relaxed);
    rents.start().await;
    assert_eq!(value(&bench.rent(book, 3).await.unwrap())["status"], "Rent");
}
