//! A client that gets "try again" can rely on it that nothing was done: forced, one by one, for all that can come
//! between a command and its answer.

use super::bench::{Bench, eventually, guarded, hasty, rent, value};
use holdfast::{
    actors::{Chaos, ChaosPoint, Fault, Injected, NodeSettings, Outcome, Phase},
    store::{MemoryStore, Store},
};
use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

/// Holds turns of the rents' context when a test asks for it, until it is released.
#[derive(Default)]
struct Hold {
    holds: AtomicBool,
    held: Mutex<bool>,
    moved: Condvar,
}

impl Hold {
    fn chaos(self: &Arc<Self>) -> Chaos {
        let hold = self.clone();
        Arc::new(move |context, point| {
            if (context, point) == ("bookrent.rent", ChaosPoint::BeforeCommit)
                && hold.holds.swap(false, SeqCst)
            {
                let mut held = hold.held.lock().unwrap();
                *held = true;
                hold.moved.notify_all();
                drop(hold.moved.wait_while(held, |held| *held).unwrap());
            }
        })
    }
    fn is_held(&self) -> bool {
        *self.held.lock().unwrap()
    }
    fn let_go(&self) {
        *self.held.lock().unwrap() = false;
        self.moved.notify_all();
    }
}

/// Longer than a client of a hasty guard waits.
const PATIENCE: Duration = Duration::from_millis(2600);

#[actix_rt::test]
async fn patience_that_ends_while_a_turn_decides_waits_for_what_comes_of_it() {
    let hold = Arc::new(Hold::default());
    let settings =
        NodeSettings { chaos: Some(hold.chaos()), ..guarded("bookrent.book", hasty(100)) };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    hold.holds.store(true, SeqCst);
    let mut client = actix_rt::spawn(bench.send("bookrent.rent", rent(book, 1)));
    eventually(|| hold.is_held()).await;
    let early = tokio::time::timeout(PATIENCE, &mut client).await;
    assert!(early.is_err(), "its outcome is not known yet: {early:?}");
    hold.let_go();
    let told = client.await.unwrap().unwrap();
    assert_eq!(told.number, 1);
    eventually(|| bench.see("bookrent.rent", 1).is_some_and(|rent| rent["status"] == "Rent")).await;
}

#[actix_rt::test]
async fn patience_that_ends_before_a_turn_begins_changes_nothing() {
    let hold = Arc::new(Hold::default());
    let settings =
        NodeSettings { chaos: Some(hold.chaos()), ..guarded("bookrent.book", hasty(100)) };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    hold.holds.store(true, SeqCst);
    let first = actix_rt::spawn(bench.send("bookrent.rent", rent(book, 1)));
    eventually(|| hold.is_held()).await;
    // It waits after the first, and is never looked at before its client has gone.
    let second = bench.rent(book, 2).await;
    assert!(matches!(second, Err(Fault::Busy { .. })), "{second:?}");
    hold.let_go();
    assert_eq!(first.await.unwrap().unwrap().number, 1);
    bench.becomes_consistent(|_| Ok(())).await;
    assert_eq!(bench.total("bookrent.rent", &[]), 1, "nothing of the second");
}

#[actix_rt::test]
async fn a_store_that_fails_during_a_decision_never_claims_that_nothing_was_done() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    bench.store.pending_mode(true);
    assert_eq!(
        value(&bench.rent(book, 1).await.unwrap())["status"],
        "Rent",
        "a verdict that comes later is one"
    );
    bench.store.lose_verdicts(true);
    assert_eq!(bench.rent(book, 2).await, Err(Fault::Unknown));
}

#[actix_rt::test]
async fn a_context_that_is_given_up_after_it_has_recorded_something_says_so() {
    let ill = Arc::new(AtomicBool::new(false));
    let told = ChaosPoint::AfterCommit;
    let is_ill = ill.clone();
    let chaos: Chaos = Arc::new(move |context, point| {
        assert!(!(context == "bookrent.rent" && point == told && is_ill.load(SeqCst)), "as asked");
    });
    let bench = Bench::on(
        MemoryStore::new(),
        NodeSettings { chaos: Some(chaos), ..NodeSettings::default() },
    );
    let bench = bench.ready().await;
    let book = bench.register().await;
    ill.store(true, SeqCst);
    let rents = bench.context("bookrent.rent");
    let mut answers = Vec::new();
    while rents.health().state != Phase::Failed {
        answers.push(bench.rent(book, 1).await);
        assert!(answers.len() < 200, "it is never given up");
    }
    answers.push(bench.rent(book, 1).await);
    ill.store(false, SeqCst);
    rents.start().await;
    bench.becomes_consistent(super::bookrent_failures::is_consistent).await;
    let told = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Fault::Away(_) | Fault::Busy { .. })))
        .count();
    assert_eq!(
        (told + refused, bench.total("bookrent.rent", &[])),
        (answers.len(), told as u64),
        "{answers:?}"
    );
    assert!(told > 5 && refused > 0, "{answers:?}");
}

#[actix_rt::test]
async fn an_asker_that_loses_the_answer_gets_the_present_state() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    bench
        .context("bookrent.rent")
        .set_fault(Some(Injected { delay_ms: (0, 0), failure_rate: 1.0 }));
    let answer = bench.rent(book, 1).await;
    assert!(matches!(answer, Ok(Outcome { number: 1, settled: false, .. })), "{answer:?}");
}

#[actix_rt::test]
async fn on_a_full_disk_what_is_new_is_refused_and_what_was_accepted_comes_to_its_end() {
    let bench = Bench::on(MemoryStore::new(), guarded("bookrent.book", hasty(1000))).ready().await;
    let book = bench.register().await;
    bench
        .context("bookrent.book")
        .set_fault(Some(Injected { delay_ms: (100, 100), failure_rate: 0.0 }));
    let waiting =
        actix_rt::spawn(bench.send("bookrent.rent", super::bench::under("first", &rent(book, 1))));
    eventually(|| bench.context("bookrent.rent").health().waiting == 1).await;
    bench.store.set_full(true);
    assert!(bench.store.is_full());
    assert_eq!(bench.rent(book, 2).await, Err(Fault::DiskFull));
    assert_eq!(bench.cancel(1).await, Err(Fault::DiskFull));
    assert_eq!(value(&waiting.await.unwrap().unwrap())["status"], "Rent");
    bench.becomes_consistent(super::bookrent_failures::is_consistent).await;
    assert!(
        bench.see("bookrent.view", 1).unwrap()["deliveryStatus"].is_string(),
        "events are heard"
    );
    let again =
        bench.order("bookrent.rent", super::bench::under("first", &rent(book, 1))).await.unwrap();
    assert!(again.replayed, "what was kept is answered");
    assert_eq!(bench.context("bookrent.view").rebuild_view().await, Err(Fault::DiskFull));
    assert_eq!(bench.total("bookrent.rent", &[]), 1);
    bench.store.set_full(false);
    assert!(bench.rent(book, 2).await.is_ok());
}
