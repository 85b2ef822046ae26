//! What leaves a node, where its place in a log is damaged.

use super::bench::{Bench, eventually};
use futures_util::{FutureExt, future::BoxFuture};
use holdfast::{
    actors::{Node, NodeSettings, RecordedEvent, Sink},
    store::MemoryStore,
};
use std::sync::{Arc, Mutex};

/// Where the places are kept.
const TREE: &str = "holdfast.outflow";

/// Takes everything but what comes while it is shut.
#[derive(Default)]
struct Taker {
    taken: Mutex<Vec<(u64, String)>>,
    is_shut: Mutex<bool>,
}

impl Sink<RecordedEvent> for Taker {
    fn take_items<'a>(
        &'a self,
        context: &'static str,
        items: &'a [(u64, RecordedEvent)],
    ) -> BoxFuture<'a, Result<usize, String>> {
        let answer = if *self.is_shut.lock().unwrap() {
            Err("it is shut".to_owned())
        } else {
            let ids = items.iter().map(|(_, event)| format!("{context} {}", event.id()));
            let sequences = items.iter().map(|(sequence, _)| *sequence);
            self.taken.lock().unwrap().extend(sequences.zip(ids));
            Ok(items.len())
        };
        std::future::ready(answer).boxed()
    }
}

fn attach(bench: &Bench, taker: &Arc<Taker>) {
    let sink: Arc<dyn Sink<RecordedEvent>> = taker.clone();
    for pump in bench.node.attach_sink("taker", &sink, |context| context.event_log()).unwrap() {
        actix_rt::spawn(pump);
    }
}

fn books(taker: &Taker) -> Vec<String> {
    let taken = taker.taken.lock().unwrap();
    let ids = taken.iter().map(|(_, id)| id.clone());
    ids.filter(|id| id.starts_with("bookrent.book ")).collect()
}

fn damage(bench: &Bench) -> Vec<String> {
    let flows = bench.node.outbox_health().into_iter();
    flows.filter_map(|flow| Some(format!("{}: {}", flow.context, flow.damage?))).collect()
}

#[actix_rt::test]
async fn a_place_that_is_damaged_is_reported_and_everything_goes_out_once_more() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let taker = Arc::new(Taker::default());
    attach(&bench, &taker);
    for _ in 0..3 {
        bench.register().await;
    }
    eventually(|| books(&taker).len() == 3).await;
    eventually(|| !bench.store.rows_of(TREE).is_empty()).await;
    let mut expected = books(&taker);
    let mut store = bench.store.crash();
    // Each kind of damage: a row that reads as nothing, and one that cannot be read.
    for is_lost in [false, true] {
        for (key, _) in store.rows_of(TREE) {
            if is_lost {
                store.lose_row(TREE, &key);
            } else {
                store.damage_row(TREE, &key, Some(vec![1, 2, 3]));
            }
        }
        let bench = Bench::on(store, NodeSettings::default()).ready().await;
        let again = Arc::new(Taker::default());
        *again.is_shut.lock().unwrap() = true;
        attach(&bench, &again);
        let reported = damage(&bench);
        assert!(reported.iter().any(|what| what.starts_with("bookrent.book: ")), "{reported:?}");
        *again.is_shut.lock().unwrap() = false;
        // Under the same ids, and nothing is left out.
        eventually(|| books(&again) == expected).await;
        eventually(|| damage(&bench).is_empty()).await;
        bench.register().await;
        eventually(|| books(&again).len() == expected.len() + 1).await;
        expected = books(&again);
        store = bench.store.crash();
    }
}
