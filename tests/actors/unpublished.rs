//! What an actor has committed and not yet published is not in the log for readers outside: it is sent to no one before it
//! can be found there.

use super::bench::{Bench, eventually, rent};
use holdfast::{
    actors::{Chaos, ChaosPoint, EventLog, NodeSettings, RecordedEvent},
    store::MemoryStore,
};
use std::sync::{Arc, Mutex, OnceLock};

#[actix_rt::test]
async fn no_event_is_read_before_it_is_in_the_log_for_those_who_ask_for_it() {
    let log: Arc<OnceLock<Arc<dyn EventLog<RecordedEvent>>>> = Arc::default();
    let looks: Arc<Mutex<Vec<bool>>> = Arc::default();
    let known = log.clone();
    let looked = looks.clone();
    // After each commit of the rents, before anything is made of it.
    let chaos: Chaos = Arc::new(move |context, point| {
        if (context, point) == ("bookrent.rent", ChaosPoint::AfterCommit)
            && let Some(log) = known.get()
        {
            let page = log.read_page(1).unwrap();
            let is_there = |(_, event): &(u64, RecordedEvent)| log.has_event(event.id());
            looked.lock().unwrap().push(page.items.iter().all(is_there));
        }
    });
    let settings = NodeSettings { chaos: Some(chaos), ..NodeSettings::default() };
    let bench = Bench::on(MemoryStore::new(), settings).ready().await;
    let book = bench.register().await;
    assert!(log.set(bench.context("bookrent.rent").event_log().unwrap()).is_ok());
    bench.send("bookrent.rent", rent(book, 1)).await.unwrap();
    eventually(|| looks.lock().unwrap().len() >= 2).await;
    assert!(looks.lock().unwrap().iter().all(|is_there| *is_there));
    let log = log.get().unwrap();
    assert_eq!(log.read_page(1).unwrap().last, 2);
}
