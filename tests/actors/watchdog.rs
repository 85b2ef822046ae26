//! What the guardian does about threads: it replaces what has ended, and gives up on what hangs.

use super::bench::{Bench, eventually, value};
use holdfast::{
    actors::{Chaos, ChaosPoint, NodeSettings},
    store::MemoryStore,
};
use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

#[actix_rt::test]
async fn when_the_thread_of_a_system_ends_its_contexts_are_started_anew() {
    let end_it = Arc::new(AtomicBool::new(false));
    let ends = end_it.clone();
    let chaos: Chaos = Arc::new(move |_, point| {
        if point == ChaosPoint::AfterCommit && ends.swap(false, SeqCst) {
            actix_rt::Arbiter::current().stop();
        }
    });
    let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    let first = bench.rent(book, 1).await.expect("an answer");

    end_it.store(true, SeqCst);
    // Whether this one is answered depends on how far its thread came; what it did stays in any case.
    let _ = bench.rent(book, 2).await;
    let mut again = None;
    for _ in 0..600 {
        let other =
            bench.enter("bookrent.book", 0, None, serde_json::json!({ "title": "title02" })).await;
        match other {
            Ok(outcome) => {
                again = Some(outcome.number);
                break;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let book = again.expect("the book is back");
    // One context is back before the other: a rent that finds no context is made again.
    let mut rent = None;
    for _ in 0..600 {
        match bench.rent(book, 3).await {
            Ok(outcome) if value(&outcome)["status"] == "Rent" => {
                rent = Some(outcome);
                break;
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let rent = rent.expect("the contexts are back");
    assert_eq!(bench.see("bookrent.rent", first.number).unwrap()["status"], "Rent");
    eventually(|| {
        bench.see("bookrent.view", rent.number).is_some_and(|row| row["deliveryStatus"].is_string())
    })
    .await;
}

#[actix_rt::test]
async fn a_thread_that_hangs_ends_the_process() {
    let hold: Arc<(Mutex<bool>, Condvar)> = Arc::new((Mutex::new(false), Condvar::new()));
    let held = hold.clone();
    let told = Arc::new(AtomicBool::new(false));
    let chaos: Chaos = Arc::new(move |context, point| {
        if (context, point) == ("bookrent.book", ChaosPoint::BeforeCommit) {
            let (free, freed) = &*held;
            let guard = free.lock().unwrap();
            drop(freed.wait_while(guard, |free| !*free).unwrap());
        }
    });
    let stuck = {
        let told = told.clone();
        Arc::new(move |system| told.store(system == "bookrent", SeqCst))
    };
    let settings = NodeSettings {
        chaos: Some(chaos),
        silence: Duration::from_millis(1500),
        stuck,
        ..NodeSettings::default()
    };
    let bench = Bench::on(MemoryStore::new(), settings);
    eventually(|| told.load(SeqCst)).await;
    *hold.0.lock().unwrap() = true;
    hold.1.notify_all();
    drop(bench);
}
