//! What contexts still owe, as operators see it: it is there while it is owed, and reading it does not depend on what has
//! ended.

use super::{
    bench::{Bench, bookrent, eventually, rent},
    counting_store::Counting,
    test_system::{kiosk, mend},
};
use holdfast::{
    actors::{CommandRequest, LocalNode, Node, NodeSettings},
    sagas::{Reason, RowStart, SagaFilter, SagaRow, SagaSettings, SagaState, list_rows},
    store::{
        Batch, MemoryStore, Store,
        keys::{KeyBuf, Space},
    },
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// All rows that the filter wants, in pages of this size.
fn rows(node: &dyn Node, filter: &SagaFilter, limit: usize) -> Vec<SagaRow> {
    let mut found = Vec::new();
    let mut start = None;
    // No machine is so slow.
    let waiting_after = Duration::from_secs(50);
    let settings = SagaSettings { waiting_after, ..SagaSettings::default() };
    loop {
        let page = list_rows(node, &settings, filter, start.as_ref(), limit).unwrap();
        assert!(page.rows.len() <= limit);
        found.extend(page.rows);
        let Some(next) = page.next else { return found };
        start = Some(RowStart::from_cursor(&next).unwrap());
    }
}

fn all(node: &dyn Node) -> Vec<SagaRow> {
    rows(node, &SagaFilter::default(), 100)
}

fn in_state(state: SagaState) -> SagaFilter {
    SagaFilter { state: Some(state), ..SagaFilter::default() }
}

#[actix_rt::test]
async fn a_parked_event_makes_its_saga_stuck_until_it_is_redriven() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    for seat in ["choke-owed", "B-2"] {
        let body = json!({ "seat": seat, "desk": 1, "asks": 0 });
        bench.enter("kiosk.order", 0, None, body).await.unwrap();
    }
    let stuck = in_state(SagaState::Stuck);
    eventually(|| !rows(&bench.node, &stuck, 100).is_empty()).await;
    eventually(|| bench.context("kiosk.slip").health().backlog == 0).await;
    let found = rows(&bench.node, &stuck, 1);
    let row = &found[0];
    assert_eq!((row.context.as_str(), row.number), ("kiosk.order", 1), "{found:?}");
    assert_eq!((row.owed_by.as_str(), row.what.as_str()), ("kiosk.slip", "parked"));
    assert_eq!(row.reason, Reason::EventParked);
    assert!(row.why.contains("failed unexpectedly"), "{}", row.why);
    assert!(row.since.is_some() && row.attempts >= 1 && row.id.is_some(), "{row:?}");
    assert!(found.iter().all(|row| row.number == 1), "{found:?}");
    let other = SagaFilter { context: Some("kiosk.order".into()), ..stuck.clone() };
    assert_eq!(rows(&bench.node, &other, 9), []);
    let later = SagaFilter { from: row.since.map(|at| at.plus_micros(1)), ..stuck.clone() };
    let is_later = |found: &SagaRow| found.since > row.since;
    assert!(rows(&bench.node, &later, 9).iter().all(is_later));

    mend("choke-owed");
    let parked = bench.context("kiosk.slip").list_parked(None, 1).unwrap().remove(0).id;
    bench.context("kiosk.slip").settle_parked(parked, true).await.unwrap();
    eventually(|| rows(&bench.node, &stuck, 100).is_empty()).await;
}

#[actix_rt::test]
async fn a_stopped_context_lets_sagas_wait_for_it_and_not_those_that_it_need_do_nothing_for() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    bench.rent(book, 7).await.unwrap();
    bench.becomes_consistent(|_| Ok(())).await;
    assert_eq!(all(&bench.node), []);
    let ended = rows(&bench.node, &in_state(SagaState::Ended), 1);
    assert_eq!((ended.len(), ended[0].number), (1, 1), "{ended:?}");
    bench.cancel(1).await.unwrap();
    bench.becomes_consistent(|_| Ok(())).await;
    bench.context("bookrent.delivery").stop().await;
    bench.rent(book, 8).await.unwrap();
    // One that fails is delivered nothing.
    bench.rent(book, 9).await.unwrap();
    let owed = |state| {
        let filter = SagaFilter { context: Some("bookrent.delivery".into()), ..in_state(state) };
        rows(&bench.node, &filter, 1)
    };
    eventually(|| owed(SagaState::Running).len() == 1).await;
    let running = owed(SagaState::Running);
    assert_eq!((running[0].number, running[0].what.as_str()), (2, "event"));
    assert_eq!(running[0].reason, Reason::ContextAway);
    assert_eq!(running[0].why, "bookrent.delivery is stopped");
    assert_eq!(running[0].waits_for.as_deref(), Some("bookrent.rent"));
    bench.node.advance_clock(Duration::from_secs(60)).unwrap();
    assert_eq!((owed(SagaState::Running).len(), owed(SagaState::Waiting).len()), (0, 1));
    let of_another = SagaFilter { customer: Some("9".into()), ..SagaFilter::default() };
    eventually(|| rows(&bench.node, &of_another, 9).is_empty()).await;
    let failed = rows(&bench.node, &in_state(SagaState::Failed), 1);
    assert_eq!(failed.iter().map(|row| row.number).collect::<Vec<_>>(), [3]);
    bench.context("bookrent.delivery").start().await;
    eventually(|| all(&bench.node).is_empty()).await;
}

/// Rows of so many orders that have ended, under numbers that no other has.
fn add_ended_orders(store: &Counting, count: u64) {
    let rents = store.open_tree("bookrent.rent").unwrap();
    let epoch = store.activate(rents).unwrap();
    let state = |number| KeyBuf::new(Space::State).number(0).number(number).build();
    let record = store.read(rents, &[&state(1)]).unwrap().remove(0).unwrap().record;
    let saga = |page| KeyBuf::new(Space::Saga).text("bookrent.rent").number(page).number(1).build();
    let sagas = store.read(rents, &[&saga(0)]).unwrap().remove(0).unwrap().record;
    for numbers in (1_000..1_000 + count).collect::<Vec<_>>().chunks(1_000) {
        let rows = numbers.iter().flat_map(|number| {
            let page = number % 64 == 0;
            let saga = page.then(|| (saga(number / 64), Some(sagas.to_vec())));
            [(state(*number), Some(record.to_vec()))].into_iter().chain(saga)
        });
        let writes = rows.collect();
        store.submit(Batch { tree: rents, epoch, expects: Vec::new(), writes }).unwrap();
    }
}

/// How many rows a list reads that has five sagas on it, beside so many orders that have ended.
async fn rows_read_beside(ended: u64) -> usize {
    let store = Counting::new();
    let start = || {
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        Arc::new(LocalNode::start(shared, NodeSettings::default(), bookrent).unwrap())
    };
    let begin = async |node: &LocalNode, context: &str, order: CommandRequest| {
        let mut contexts = node.contexts().iter();
        let context = contexts.find(|it| it.name().context == context).unwrap();
        context.execute_command(order).await.unwrap();
    };
    let node = start();
    eventually(|| node.is_ready()).await;
    let book = CommandRequest { body: json!({ "title": "title01" }), ..CommandRequest::default() };
    for number in 1..=6 {
        begin(&node, "bookrent.book", book.clone()).await;
        if number == 1 {
            begin(&node, "bookrent.rent", rent(1, 1)).await;
        }
    }
    eventually(|| all(node.as_ref()).is_empty()).await;
    for context in node.contexts() {
        context.stop().await;
    }
    drop(node);
    add_ended_orders(&store, ended);
    let node = start();
    eventually(|| node.is_ready()).await;
    eventually(|| all(node.as_ref()).is_empty()).await;
    for context in node.contexts().iter().filter(|it| it.name().context != "bookrent.rent") {
        if context.name().context != "bookrent.book" {
            context.stop().await;
        }
    }
    for book in 2..=6 {
        begin(&node, "bookrent.rent", rent(book, 1)).await;
    }
    let waiting = SagaFilter { context: Some("bookrent.delivery".into()), ..SagaFilter::default() };
    eventually(|| rows(node.as_ref(), &waiting, 9).len() == 5).await;
    let book = node.contexts().iter().find(|it| it.name().context == "bookrent.book").unwrap();
    eventually(|| book.health().backlog == 0 && book.health().mailbox == 0).await;
    // The contexts themselves read now and then.
    let lists = (0..20).map(|_| {
        store.rows_read();
        assert!(all(node.as_ref()).len() >= 5);
        store.rows_read()
    });
    lists.min().unwrap()
}

#[actix_rt::test]
async fn a_list_beside_a_hundred_thousand_ended_orders_reads_as_many_rows_as_beside_a_hundred() {
    let few = rows_read_beside(100).await;
    let many = rows_read_beside(100_000).await;
    println!("{few} rows are read beside 100 ended orders, {many} beside 100,000");
    assert_eq!(many, few);
    assert!(few < 100, "{few}");
}
