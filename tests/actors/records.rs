//! Rows of the runtime that grow: many answers, many keys, and what becomes of all of them when their day is over.

use super::{
    bench::{Bench, bookrent, eventually, under, value},
    damage::question,
    test_system::kiosk,
};
use holdfast::{
    actors::{CommandRequest, Fault, IdempotencyKey, NodeSettings, PeerQuestion, Phase},
    domain::AskId,
    store::{MemoryStore, codec, keys::Space},
};
use serde_json::json;
use std::time::Duration;

fn rows(bench: &Bench, context: &str, space: Space) -> Vec<(Vec<u8>, Vec<u8>)> {
    bench
        .store
        .rows_of(context)
        .into_iter()
        .filter(|(key, _)| key.first() == Some(&(space as u8)))
        .collect()
}

fn ask(attempt: u32, book: u64) -> PeerQuestion {
    question(AskId { context: "bookrent.rent".into(), number: 7, attempt }, book)
}

#[actix_rt::test]
async fn every_answer_is_kept_however_many_one_asker_has_had() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let books = bench.context("bookrent.book");
    // There is no such book, and then there is.
    for attempt in 1..=400 {
        assert!(matches!(books.answer_peer(ask(attempt, 1)).await, Ok(Err(_))), "{attempt}");
    }
    bench.register().await;
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    let books = bench.context("bookrent.book");
    for attempt in 1..=400 {
        assert!(
            matches!(books.answer_peer(ask(attempt, 1)).await, Ok(Err(_))),
            "{attempt} is decided anew"
        );
    }
    assert_eq!(books.answer_peer(ask(401, 1)).await, Ok(Ok(())));
    let answers = rows(&bench, "bookrent.book", Space::Answer);
    assert!(
        answers.len() > 1 && answers.iter().all(|(_, record)| record.len() <= codec::MAX_RECORD)
    );
    assert_eq!(bench.context("bookrent.book").health().state, Phase::Running);
}

#[actix_rt::test]
async fn a_kept_answer_knows_what_was_asked() {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let books = bench.context("bookrent.book");
    let one = bench.register().await;
    let other = bench.register().await;
    assert_eq!(books.answer_peer(ask(1, one)).await, Ok(Ok(())));
    assert_eq!(books.answer_peer(ask(1, one)).await, Ok(Ok(())), "a repeat gets the same answer");
    // An asker with a restored past gives its numbers again.
    let refused = books.answer_peer(ask(1, other)).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "asked-otherwise");
    let mut another = ask(1, one);
    another.command = json!({ "Take": { "rent": 8 } });
    assert_eq!(books.answer_peer(another).await.unwrap().unwrap_err().code, "asked-otherwise");
    assert_eq!(
        books.answer_peer(ask(2, other)).await,
        Ok(Ok(())),
        "the other book is free all the while"
    );
    let bench = bench.crashed(NodeSettings::default(), bookrent).await;
    let refused =
        bench.context("bookrent.book").answer_peer(ask(1, other)).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "asked-otherwise");
}

/// As long as a key may be, with all that its scope has besides.
fn long_key(name: &str) -> String {
    format!("{} PATCH /kiosk/orders/1 {name}{}", "p".repeat(200), "k".repeat(250 - name.len()))
}

#[actix_rt::test]
async fn many_long_keys_on_one_page_of_asks_all_get_their_outcome_also_after_a_crash() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    for number in 1..=8 {
        let body = json!({ "number": number, "seat": format!("A{number}"), "desk": 1, "asks": 0 });
        bench.enter("kiosk.order", 0, None, body).await.unwrap();
    }
    bench.context("kiosk.desk").stop().await;
    let orders = bench.context("kiosk.order");
    let change = |number: u64, name: String| {
        let order = CommandRequest {
            route: 1,
            number: Some(number),
            body: json!(null),
            ..CommandRequest::default()
        };
        let key = IdempotencyKey::new(long_key(&name));
        CommandRequest { idempotency: Some(key), ..order }
    };
    let mut waiting = Vec::new();
    for number in 1..=8 {
        for repeat in 0..60 {
            waiting.push(actix_rt::spawn(
                orders.execute_command(change(number, format!("{number}-{repeat}"))),
            ));
        }
    }
    eventually(|| orders.health().waiting == 480).await;
    let questions = rows(&bench, "kiosk.order", Space::Question);
    assert!(questions.iter().all(|(_, record)| record.len() <= codec::MAX_RECORD));
    waiting.iter().for_each(actix_rt::task::JoinHandle::abort);
    let bench = bench.crashed(NodeSettings::default(), kiosk).await;
    eventually(|| {
        (1..=8).all(|number| bench.see("kiosk.order", number).unwrap()["status"] == "Placed")
    })
    .await;
    for number in 1..=8 {
        for repeat in [0, 31, 59] {
            let told = bench
                .order("kiosk.order", change(number, format!("{number}-{repeat}")))
                .await
                .unwrap();
            assert!(
                told.replayed && told.settled && value(&told)["status"] == "Placed",
                "{told:?}"
            );
        }
    }
    eventually(|| rows(&bench, "kiosk.order", Space::Question).is_empty()).await;
}

#[actix_rt::test]
async fn rows_kept_for_a_day_of_any_kind_and_number_are_removed_when_it_is_over() {
    let settings = || NodeSettings {
        kept: Duration::from_secs(2),
        admission: 4_000,
        ..NodeSettings::default()
    };
    let bench = Bench::on(MemoryStore::new(), settings()).ready().await;
    let books = bench.context("bookrent.book");
    let rents = bench.context("bookrent.rent");
    let keyed = |place: u64| {
        let key = IdempotencyKey::new(long_key(&place.to_string()));
        let body = json!({ "title": "one" });
        books.execute_command(CommandRequest {
            body,
            idempotency: Some(key),
            ..CommandRequest::default()
        })
    };
    for registered in futures_util::future::join_all((0..2_000).map(keyed)).await {
        registered.unwrap();
    }
    for attempt in 1..=300 {
        let _ = books.answer_peer(ask(attempt, 9_999)).await.unwrap();
    }
    let _ = rents.execute_command(under("refused", &super::bench::rent(77_777, 1))).await;
    let spaces = [Space::Idempotency, Space::Answer, Space::Expiry];
    let left = || -> usize {
        let of = |context: &str| {
            spaces.iter().map(|space| rows(&bench, context, *space).len()).sum::<usize>()
        };
        of("bookrent.book") + of("bookrent.rent")
    };
    eventually(|| left() == 0).await;
    // A key whose day is over is a new request, and so is an ask.
    assert!(!keyed(1).await.unwrap().replayed);
    bench.register().await;
    assert_eq!(books.answer_peer(ask(1, 1)).await, Ok(Ok(())));
}

#[actix_rt::test]
async fn a_repeat_within_the_day_is_a_replay_also_when_the_key_is_as_long_as_allowed_and_a_reused_one_is_refused()
 {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let order = |title: &str| {
        let key = IdempotencyKey::new(long_key("same"));
        CommandRequest {
            body: json!({ "title": title }),
            idempotency: Some(key),
            ..CommandRequest::default()
        }
    };
    let first = bench.order("bookrent.book", order("one")).await.unwrap();
    let again = bench.order("bookrent.book", order("one")).await.unwrap();
    assert!(again.replayed && (first.number, &first.body) == (again.number, &again.body));
    assert_eq!(bench.order("bookrent.book", order("two")).await, Err(Fault::KeyReused));
}
