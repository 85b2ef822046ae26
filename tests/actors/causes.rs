//! What an event follows from, where another context asked.

use super::bench::{Bench, bookrent, eventually};
use holdfast::{
    actors::{CausingEvent, NodeSettings},
    store::{MemoryStore, Store},
};

/// The event of `context` called `name`: its id, and what it follows from.
fn event(bench: &Bench, context: &str, name: &str) -> (CausingEvent, Option<CausingEvent>) {
    let page = bench.context(context).event_log().unwrap().read_page(1).unwrap();
    let found = page.items.into_iter().find(|(_, event)| event.name == name);
    let (_, event) = found.unwrap_or_else(|| panic!("no {name} in {context}"));
    (CausingEvent { context: context.to_owned(), id: event.id() }, event.caused_by)
}

#[actix_rt::test]
async fn the_event_of_an_ask_names_the_event_that_asked() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    bench.rent(book, 1).await.unwrap();
    let (requested, _) = event(&bench, "bookrent.rent", "RentRequested");
    let (_, cause) = event(&bench, "bookrent.book", "StatusChanged");
    assert_eq!(cause, Some(requested));
}

#[actix_rt::test]
async fn an_ask_that_is_put_again_after_a_crash_names_the_same_event() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    // Nothing else is written meanwhile.
    eventually(|| bench.is_quiet()).await;
    // The process ends between the request and the book's turn.
    let last = bench.store.accepted_commit() + 1;
    bench.store.crash_after(last, last);
    actix_rt::spawn(bench.send("bookrent.rent", super::bench::rent(book, 1)));
    eventually(|| bench.store.accepted_commit() == last).await;
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    eventually(|| bench.see("bookrent.rent", 1).is_some_and(|rent| rent["status"] == "Rent")).await;
    let (requested, _) = event(&bench, "bookrent.rent", "RentRequested");
    let (_, cause) = event(&bench, "bookrent.book", "StatusChanged");
    assert_eq!(cause, Some(requested));
}
