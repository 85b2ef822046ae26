//! Rows are damaged under a running node, in every key space: who notices, and what goes on.

use super::{
    bench::{Bench, bookrent, eventually, rent, under},
    test_system::kiosk,
};
use holdfast::{
    actors::{CommandRequest, EventId, Fault, ListQuery, Node, NodeSettings, Phase},
    store::{MemoryStore, keys::Space},
};
use serde_json::json;
use std::time::Duration;

/// The keys of a context's rows in one key space.
pub fn keys(bench: &Bench, context: &str, space: Space) -> Vec<Vec<u8>> {
    let rows = bench.store.rows_of(context).into_iter().map(|(key, _)| key);
    rows.filter(|key| key.first() == Some(&(space as u8))).collect()
}

/// A bit of a row is another from now on.
pub fn flip(store: &MemoryStore, context: &str, key: &[u8]) {
    let mut record =
        store.rows_of(context).into_iter().find(|(known, _)| known == key).expect("a row").1;
    let middle = record.len() / 2;
    record[middle] ^= 4;
    store.damage_row(context, key, Some(record));
}

pub fn state(number: u64) -> Vec<u8> {
    holdfast::store::keys::KeyBuf::new(Space::State).number(0).number(number).build()
}

fn damaged<T: std::fmt::Debug>(answer: Result<T, Fault>) {
    assert!(matches!(answer, Err(Fault::Damaged(_))), "{answer:?}");
}

/// How often damage was found, with the context running all the same.
pub fn found(bench: &Bench, context: &str) -> u64 {
    let health = bench.context(context).health();
    assert_eq!(health.state, Phase::Running, "{health:?}");
    assert_eq!(health.damaged > 0, health.damage.is_some());
    health.damaged
}

async fn books_and_rents(number: u64) -> Bench {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    for user in 1..=number {
        let book = bench.register().await;
        bench.rent(book, user).await.unwrap();
    }
    bench.becomes_consistent(|_| Ok(())).await;
    bench
}

fn shown(bench: &Bench, context: &str) -> Vec<u64> {
    let query = ListQuery { size: 100, ..ListQuery::default() };
    bench
        .context(context)
        .list_items(&query)
        .unwrap()
        .items
        .iter()
        .map(|item| item.number)
        .collect()
}

#[actix_rt::test]
async fn a_damaged_state_costs_its_own_number_only_also_after_a_restart() {
    let bench = books_and_rents(3).await;
    flip(&bench.store, "bookrent.rent", &state(2));
    flip(&bench.store, "bookrent.book", &state(2));
    let look = async |bench: &Bench| {
        let before = found(bench, "bookrent.rent");
        damaged(bench.context("bookrent.rent").read_item(2));
        damaged(bench.cancel(2).await);
        assert!(found(bench, "bookrent.rent") > before);
        assert_eq!(
            shown(bench, "bookrent.rent")
                .into_iter()
                .filter(|number| *number <= 3)
                .collect::<Vec<_>>(),
            [1, 3]
        );
        // An ask to it gets no answer, and fails; asks to the others are answered.
        let asked = bench.rent(2, 7).await;
        assert!(
            matches!(&asked, Err(Fault::Refused(no)) if no.kind == holdfast::domain::Kind::RetryLater)
                || asked.as_ref().is_ok_and(|rent| super::bench::value(rent)["status"] == "Fail"),
            "{asked:?}"
        );
        let book = bench.register().await;
        assert!(bench.rent(book, 9).await.unwrap().settled);
        assert!(found(bench, "bookrent.book") > 0);
    };
    look(&bench).await;
    bench.cancel(3).await.unwrap();
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    look(&bench).await;
    assert_eq!(bench.see("bookrent.rent", 3).unwrap()["status"], "Cancel");
}

#[actix_rt::test]
async fn an_event_for_a_damaged_state_is_set_aside_and_the_others_are_taken() {
    let bench = books_and_rents(2).await;
    flip(&bench.store, "bookrent.book", &state(1));
    bench.cancel(1).await.unwrap();
    bench.cancel(2).await.unwrap();
    eventually(|| bench.context("bookrent.book").health().parked > 0).await;
    eventually(|| bench.see("bookrent.book", 2).is_some_and(|book| book["status"] == true)).await;
    assert!(found(&bench, "bookrent.book") > 0);
    // A number that cannot be read is not given out again.
    assert_eq!(bench.register().await, 3);
}

#[actix_rt::test]
async fn a_damaged_row_of_a_view_is_reported_and_a_rebuild_repairs_it() {
    let bench = books_and_rents(2).await;
    let rows = keys(&bench, "bookrent.view", Space::State);
    flip(&bench.store, "bookrent.view", &rows[0]);
    damaged(bench.context("bookrent.view").read_item(1));
    assert_eq!(shown(&bench, "bookrent.view"), [2]);
    bench.cancel(1).await.unwrap();
    bench.cancel(2).await.unwrap();
    eventually(|| bench.context("bookrent.view").health().parked > 0).await;
    eventually(|| bench.see("bookrent.view", 2).is_some_and(|row| row["rentStatus"] == "Cancel"))
        .await;
    assert!(found(&bench, "bookrent.view") > 0);
    bench.context("bookrent.view").rebuild_view().await.unwrap();
    bench
        .becomes_consistent(|bench| match bench.see("bookrent.view", 1) {
            Some(row) if row["rentStatus"] == "Cancel" => Ok(()),
            row => Err(format!("{row:?}")),
        })
        .await;
}

#[actix_rt::test]
async fn a_row_that_a_list_names_but_is_missing_is_reported() {
    let bench = books_and_rents(3).await;
    bench.store.damage_row("bookrent.rent", &state(2), None);
    assert_eq!(shown(&bench, "bookrent.rent"), [1, 3]);
    let health = bench.context("bookrent.rent").health();
    assert!(health.damage.is_some_and(|what| what.contains("2 is listed")));
}

#[actix_rt::test]
async fn a_damaged_index_row_is_reported_and_the_next_write_replaces_it() {
    let bench = books_and_rents(3).await;
    for key in keys(&bench, "bookrent.rent", Space::Index) {
        flip(&bench.store, "bookrent.rent", &key);
    }
    assert_eq!(bench.total("bookrent.rent", &[]), 0);
    assert!(found(&bench, "bookrent.rent") > 0);
    let book = bench.register().await;
    bench.rent(book, 4).await.unwrap();
    assert_eq!(shown(&bench, "bookrent.rent"), [1, 2, 3, 4]);
    assert_eq!(bench.total("bookrent.rent", &[("status", "Rent")]), 4);
}

#[actix_rt::test]
async fn where_a_log_is_damaged_or_has_a_gap_its_readers_stop_and_the_context_goes_on() {
    for (whole, missing) in [(false, false), (false, true), (true, true)] {
        let bench = books_and_rents(4).await;
        let before = bench.see("bookrent.view", 4).unwrap();
        let log = keys(&bench, "bookrent.rent", Space::Log);
        let from = if whole { 0 } else { log.len() / 2 };
        if missing {
            bench.store.damage_row("bookrent.rent", &log[from], None)
        } else {
            flip(&bench.store, "bookrent.rent", &log[from])
        }
        let history = bench.context("bookrent.rent").event_log().unwrap();
        let first = u64::from_be_bytes(log[from][1..9].try_into().unwrap());
        let drawn = history.read_page(first);
        assert!(drawn.is_err(), "{drawn:?}");
        if !whole {
            assert_eq!(history.read_page(1).unwrap().last, first - 1, "what is before it is read");
        }
        assert!(found(&bench, "bookrent.rent") > 0);
        // A listener that has read all of it goes on; so does the context.
        let book = bench.register().await;
        bench.rent(book, 5).await.unwrap();
        eventually(|| bench.see("bookrent.view", 5).is_some()).await;
        // A listener that begins anew comes as far as that, reports it, and everything else works.
        bench.context("bookrent.view").rebuild_view().await.unwrap();
        eventually(|| bench.context("bookrent.view").health().damaged > 0).await;
        assert_eq!(bench.see("bookrent.view", 4).unwrap(), before, "the old table is shown");
        let bench = bench.crashed(NodeSettings::default(), bookrent).await;
        let book = bench.register().await;
        bench.rent(book, 6).await.unwrap();
        eventually(|| bench.see("bookrent.book", book).is_some_and(|book| book["status"] == false))
            .await;
    }
}

#[actix_rt::test]
async fn a_damaged_end_of_a_log_does_not_keep_the_node_from_starting() {
    let bench = books_and_rents(2).await;
    let log = keys(&bench, "bookrent.rent", Space::Log);
    flip(&bench.store, "bookrent.rent", log.last().unwrap());
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    let book = bench.register().await;
    assert!(bench.rent(book, 5).await.unwrap().settled);
}

#[actix_rt::test]
async fn a_damaged_page_of_answers_is_no_answer_and_no_second_decision() {
    let bench = books_and_rents(1).await;
    for key in keys(&bench, "bookrent.book", Space::Answer) {
        flip(&bench.store, "bookrent.book", &key);
    }
    let id = holdfast::domain::AskId { context: "bookrent.rent".into(), number: 1, attempt: 1 };
    let answer = bench.context("bookrent.book").answer_peer(question(id, 1)).await;
    assert!(matches!(answer, Err(Fault::Away(_))), "{answer:?}");
    assert!(found(&bench, "bookrent.book") > 0);
    // The undo waits until it can be recorded; numbers of other pages are answered.
    bench.cancel(1).await.unwrap();
    let id = holdfast::domain::AskId { context: "bookrent.rent".into(), number: 40, attempt: 1 };
    let book = bench.register().await;
    assert_eq!(bench.context("bookrent.book").answer_peer(question(id, book)).await, Ok(Ok(())));
}

#[actix_rt::test]
async fn a_damaged_timer_claim_idempotency_saga_or_parked_row_affects_no_other_aggregate() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    let place = |seat: &str| CommandRequest {
        body: json!({ "seat": seat, "desk": 1, "asks": 0, "seconds": 600 }),
        ..CommandRequest::default()
    };
    bench.order("kiosk.order", under("one", &place("A1"))).await.unwrap();
    bench.order("kiosk.order", under("two", &place("A2"))).await.unwrap();
    bench.order("kiosk.order", place("choke-7")).await.unwrap();
    eventually(|| bench.context("kiosk.slip").health().parked == 1).await;
    let spaces = [Space::Timer, Space::Claim, Space::Idempotency, Space::Saga];
    for key in spaces.into_iter().flat_map(|space| keys(&bench, "kiosk.order", space)) {
        flip(&bench.store, "kiosk.order", &key);
    }
    for key in keys(&bench, "kiosk.slip", Space::Parked) {
        flip(&bench.store, "kiosk.slip", &key);
    }
    let bench = bench.crashed(NodeSettings::default(), kiosk).await;
    // Who holds these seats, and what came of these keys, is not known.
    damaged(bench.order("kiosk.order", place("A1")).await);
    damaged(bench.order("kiosk.order", under("one", &place("A3"))).await);
    bench.order("kiosk.order", under("three", &place("A3"))).await.unwrap();
    assert!(found(&bench, "kiosk.order") > 0);
    assert!(bench.events("kiosk.order", 4).contains(&"OrderPlaced".to_owned()));
    assert!(!bench.events("kiosk.order", 1).contains(&"OrderPlaced".to_owned()));
    assert!(found(&bench, "kiosk.slip") > 0);
    assert_eq!(bench.context("kiosk.slip").list_parked(None, 100).unwrap().len(), 1);
    // Time comes for all of them, and gives their seats back.
    bench.node.advance_clock(Duration::from_secs(601)).expect("not too far");
    eventually(|| {
        (1..=4).all(|number| bench.see("kiosk.order", number).unwrap()["status"] == "Expired")
    })
    .await;
    bench.order("kiosk.order", place("A1")).await.unwrap();
}

#[actix_rt::test]
async fn missing_counters_fail_their_context_and_a_context_without_events_needs_none() {
    let bench = books_and_rents(1).await;
    for key in keys(&bench, "bookrent.book", Space::Meta) {
        bench.store.damage_row("bookrent.book", &key, None);
    }
    let bench = Bench::of(bench.store.crash(), NodeSettings::default(), bookrent).ready().await;
    let health = bench.context("bookrent.book").health();
    assert!(
        health.state == Phase::Failed && health.damage.is_some_and(|what| what.contains("missing"))
    );

    // A book that was never there has answered, and that is all.
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let id = || holdfast::domain::AskId { context: "bookrent.rent".into(), number: 1, attempt: 1 };
    let no = bench.context("bookrent.book").answer_peer(question(id(), 1)).await;
    assert!(keys(&bench, "bookrent.book", Space::State).is_empty());
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    bench.store.conflict_next("bookrent.book", 2);
    bench.register().await;
    assert_eq!(bench.context("bookrent.book").answer_peer(question(id(), 1)).await, no);
}

#[actix_rt::test]
async fn damaged_counters_fail_their_context_with_words_and_no_other() {
    let bench = books_and_rents(1).await;
    for key in keys(&bench, "bookrent.rent", Space::Meta) {
        flip(&bench.store, "bookrent.rent", &key);
    }
    let bench = Bench::of(bench.store.crash(), NodeSettings::default(), bookrent).ready().await;
    let health = bench.context("bookrent.rent").health();
    assert!(health.state == Phase::Failed && health.damage.is_some(), "{health:?}");
    assert!(matches!(bench.order("bookrent.rent", rent(1, 1)).await, Err(Fault::Away(_))));
    bench.register().await;
}

#[actix_rt::test]
async fn a_damaged_epoch_begins_another_one_and_refuses_no_replica() {
    let id = |bench: &Bench, last: fn(&[String]) -> Option<&String>| -> EventId {
        let events =
            bench.context("bookrent.book").event_log().unwrap().read_page(1).unwrap().items;
        let ids: Vec<String> =
            events.into_iter().map(|(_, event)| event.id().to_string()).collect();
        last(&ids).unwrap().parse().unwrap()
    };
    for lost in [0, 1] {
        let bench = books_and_rents(1).await;
        let first = id(&bench, |ids| ids.first());
        let bench = bench.crashed(NodeSettings::default(), bookrent).await;
        bench.register().await;
        let last = id(&bench, |ids| ids.last());
        let epochs = keys(&bench, "bookrent.book", Space::Epoch);
        flip(&bench.store, "bookrent.book", &epochs[lost]);
        let bench = bench.crashed(NodeSettings::default(), bookrent).await;
        assert!(found(&bench, "bookrent.book") > 0);
        // What others know of it is in it still, and what is not there is not.
        let history = bench.context("bookrent.book").event_log().unwrap();
        assert!(history.has_event(first) && history.has_event(last));
        assert!(!history.has_event(EventId { sequence: last.sequence + 1, ..last }));
        bench.register().await;
        let next = id(&bench, |ids| ids.last());
        assert!(
            next.word != last.word
                && history.has_event(next)
                && !history.has_event(EventId { word: last.word, ..next })
        );
        let bench = bench.crashed(NodeSettings::default(), bookrent).await;
        let history = bench.context("bookrent.book").event_log().unwrap();
        assert!([first, last, next].into_iter().all(|known| history.has_event(known)));
    }
}

/// The question that rent `id` puts to a book.
pub fn question(id: holdfast::domain::AskId, book: u64) -> holdfast::actors::PeerQuestion {
    let saga =
        serde_json::from_value(json!({ "context": "bookrent.rent", "number": id.number })).unwrap();
    let command = json!({ "Take": { "rent": id.number } });
    holdfast::actors::PeerQuestion {
        id,
        after: None,
        saga,
        client: None,
        trace: None,
        owner: None,
        number: book,
        key: None,
        command,
        past: None,
        heard: None,
    }
}
