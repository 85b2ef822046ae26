//! Rows of the runtime as version 0.1 wrote them: answers without what was asked, idempotency rows under their whole
//! keys, waiting keys on the pages of questions, claims of any length under their words, counters without versions.

use super::{
    bench::{Bench, bookrent, eventually, value},
    damage::question,
    test_system::kiosk,
    versioned_system::{lockers, seat},
};
use holdfast::{
    actors::{CommandRequest, Fault, IdempotencyKey, LocalNode, Node, NodeSettings, StoredKey},
    domain::{AskId, Refusal},
    store::{
        MemoryStore, codec,
        keys::{KeyBuf, Space},
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

type Positions = BTreeMap<String, u64>;
type Counters = (u64, u64, u64, Positions, u32, Option<(u32, Positions)>);

#[derive(Serialize, Deserialize)]
enum Kept {
    Yes,
    No(Refusal),
    Withdrawn,
}
#[derive(Serialize)]
enum KeptAnswer {
    Done { version: u64, body: ByteBuf },
}
#[derive(Serialize)]
struct Row {
    fingerprint: u64,
    number: u64,
    at: u64,
    answer: Option<KeptAnswer>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn put<T: Serialize>(store: &MemoryStore, context: &str, space: Space, key: Vec<u8>, value: &T) {
    store.damage_row(context, &key, Some(codec::encode(space, 1, value).unwrap()));
}

/// Takes away what version 0.1 did not have, and writes the counters as it did.
fn made_old(store: &MemoryStore, context: &str) {
    let is = |key: &[u8], space: Space| key.first() == Some(&(space as u8));
    for (key, record) in store.rows_of(context) {
        if is(&key, Space::Meta) {
            type Now = (
                u64,
                u64,
                u64,
                Positions,
                u32,
                Option<(u32, Positions)>,
                (u16, u16, u16, u16),
                Option<()>,
                u64,
            );
            let now: Now =
                codec::decode_versioned(Space::Meta, &record, 2, |_, _| unreachable!()).unwrap();
            let (number, sequence, highest, positions, generation, building, ..) = now;
            let old: Counters = (number, sequence, highest, positions, generation, building);
            put(store, context, Space::Meta, key, &old);
        } else if is(&key, Space::Answer) || is(&key, Space::Idempotency) || is(&key, Space::Expiry)
        {
            store.damage_row(context, &key, None);
        }
    }
}

fn keyed(scope: &str, fingerprint: u64) -> CommandRequest {
    let before = Some(StoredKey { scope: scope.into(), fingerprint });
    let idempotency = Some(IdempotencyKey { scope: format!("2 {scope}"), before });
    CommandRequest { body: json!({ "title": "one" }), idempotency, ..CommandRequest::default() }
}

const SCOPE: &str = "anonymous POST /bookrent/books k\u{0}k";

/// A store in which a book was registered under a key and taken by rent 7, as version 0.1 left it.
async fn old_store() -> MemoryStore {
    let bench = Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await;
    let book = bench.register().await;
    let id = AskId { context: "bookrent.rent".into(), number: 7, attempt: 1 };
    assert_eq!(bench.context("bookrent.book").answer_peer(question(id, book)).await, Ok(Ok(())));
    bench.becomes_consistent(|_| Ok(())).await;
    let store = bench.store.crash();
    for context in ["bookrent.book", "bookrent.rent", "bookrent.delivery", "bookrent.view"] {
        made_old(&store, context);
    }
    let mut answers =
        BTreeMap::from([((7_u64, 1_u32), (Kept::Yes, now())), ((8, 1), (Kept::Withdrawn, now()))]);
    // More than have room beside what they know now.
    answers.extend((1..=500).map(|attempt| ((9, attempt), (Kept::Withdrawn, now()))));
    let key = KeyBuf::new(Space::Answer).text("bookrent.rent").number(0).build();
    put(&store, "bookrent.book", Space::Answer, key, &answers);
    for (scope, fingerprint) in [(SCOPE, 1_u64), ("anonymous POST /bookrent/books other", 2)] {
        let answer =
            Some(KeptAnswer::Done { version: 1, body: ByteBuf::from(*br#"{"title":"kept"}"#) });
        let row = Row { fingerprint, number: 1, at: now(), answer };
        put(
            &store,
            "bookrent.book",
            Space::Idempotency,
            KeyBuf::new(Space::Idempotency).text(scope).build(),
            &row,
        );
    }
    store
}

#[actix_rt::test]
async fn answers_and_idempotency_rows_of_the_last_version_are_kept_for_their_day() {
    let bench = Bench::of(old_store().await, NodeSettings::default(), bookrent).ready().await;
    let books = bench.context("bookrent.book");
    let told = bench.order("bookrent.book", keyed(SCOPE, 1)).await.unwrap();
    assert!(told.replayed && value(&told)["title"] == "kept", "{told:?}");
    assert_eq!(bench.order("bookrent.book", keyed(SCOPE, 3)).await, Err(Fault::KeyReused));
    let ask = |number: u64, attempt: u32, book: u64| {
        books
            .answer_peer(question(AskId { context: "bookrent.rent".into(), number, attempt }, book))
    };
    // One without a note of what was asked is taken as it is.
    assert_eq!(ask(7, 1, 99).await, Ok(Ok(())));
    assert_eq!(ask(8, 1, 1).await.unwrap().unwrap_err().code, "withdrawn");
    for attempt in [1, 250, 500] {
        assert_eq!(ask(9, attempt, 1).await.unwrap().unwrap_err().code, "withdrawn");
    }
    assert_eq!(books.health().damaged, 0);
}

#[actix_rt::test]
async fn rows_of_the_last_version_go_when_their_day_is_over() {
    let settings = NodeSettings { kept: Duration::from_secs(2), ..NodeSettings::default() };
    let bench = Bench::of(old_store().await, settings, bookrent).ready().await;
    let is_kept = |key: &[u8]| [b'a', b'k', b'x'].iter().any(|space| key.first() == Some(space));
    eventually(|| !bench.store.rows_of("bookrent.book").iter().any(|(key, _)| is_kept(key))).await;
}

#[actix_rt::test]
async fn keys_that_waited_on_a_page_of_the_last_version_get_their_outcome_also_after_kills() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    bench
        .enter("kiosk.order", 0, None, json!({ "seat": "A1", "desk": 1, "asks": 0 }))
        .await
        .unwrap();
    bench.context("kiosk.desk").stop().await;
    let change = || CommandRequest {
        route: 1,
        number: Some(1),
        body: json!(null),
        ..CommandRequest::default()
    };
    let waits = actix_rt::spawn(bench.send("kiosk.order", change()));
    eventually(|| {
        bench.store.rows_of("kiosk.order").iter().any(|(key, _)| key[0] == Space::Question as u8)
    })
    .await;
    waits.abort();
    let mut store = bench.store.crash();
    made_old(&store, "kiosk.order");
    let scope = |place: usize| {
        format!("{} PATCH /kiosk/orders/1 {place}{}", "p".repeat(90), "k".repeat(200))
    };
    let scopes: Vec<String> = (0..20).map(scope).collect();
    let page = BTreeMap::from([(1_u64, scopes.clone())]);
    put(
        &store,
        "kiosk.order",
        Space::Question,
        KeyBuf::new(Space::Question).number(0).build(),
        &page,
    );
    for scope in &scopes {
        let row = Row { fingerprint: 1, number: 1, at: now(), answer: None };
        put(
            &store,
            "kiosk.order",
            Space::Idempotency,
            KeyBuf::new(Space::Idempotency).text(scope).build(),
            &row,
        );
    }
    // A kill after each of the first commits.
    for _ in 0..3 {
        let accepted = holdfast::store::Store::accepted_commit(&store);
        store.crash_after(accepted + 1, accepted + 1);
        if let Ok(node) =
            LocalNode::start(std::sync::Arc::new(store.clone()), NodeSettings::default(), kiosk)
        {
            eventually(|| node.is_ready() || holdfast::store::Store::failure(&store).is_some())
                .await;
        }
        store = store.crash();
    }
    let bench = Bench::of(store, NodeSettings::default(), kiosk).ready().await;
    eventually(|| bench.see("kiosk.order", 1).unwrap()["status"] == "Placed").await;
    for scope in scopes {
        let order = CommandRequest {
            idempotency: Some(IdempotencyKey {
                scope: format!("2 {scope}"),
                before: Some(StoredKey { scope, fingerprint: 1 }),
            }),
            ..change()
        };
        let told = bench.order("kiosk.order", order).await.unwrap();
        assert!(told.replayed && value(&told)["status"] == "Placed", "{told:?}");
    }
}

#[actix_rt::test]
async fn long_claims_of_the_last_version_are_held_and_become_free_also_after_kills() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), lockers::<1>).ready().await;
    let take = async |bench: &Bench, key: &str| {
        let body = json!({ "key": key, "until": seat::LATER });
        bench.enter("lockers.locker", 0, None, body).await.map(|taken| taken.number)
    };
    // As long as is stored under its words, a byte longer, as long as may be, and of letters of three bytes.
    let held = ["a".repeat(160), "b".repeat(161), "c".repeat(3_900), "한".repeat(80)];
    for (key, number) in held.iter().zip(1..) {
        assert_eq!(take(&bench, key).await, Ok(number));
    }
    bench.becomes_consistent(|_| Ok(())).await;
    let mut store = bench.store.crash();
    let is_claim = |key: &[u8]| key.first() == Some(&(Space::Claim as u8));
    let rows = |store: &MemoryStore| -> Vec<Vec<u8>> {
        store
            .rows_of("lockers.locker")
            .into_iter()
            .map(|(key, _)| key)
            .filter(|key| is_claim(key))
            .collect()
    };
    rows(&store).iter().for_each(|key| store.damage_row("lockers.locker", key, None));
    for (key, number) in held.iter().zip(1_u64..) {
        put(
            &store,
            "lockers.locker",
            Space::Claim,
            KeyBuf::new(Space::Claim).text(key).build(),
            &number,
        );
    }
    ["lockers.locker", "lockers.wall"].iter().for_each(|context| made_old(&store, context));
    // A kill after each of the first commits.
    for _ in 0..3 {
        let accepted = holdfast::store::Store::accepted_commit(&store);
        store.crash_after(accepted + 1, accepted + 1);
        if let Ok(node) = LocalNode::start(
            std::sync::Arc::new(store.clone()),
            NodeSettings::default(),
            lockers::<1>,
        ) {
            eventually(|| node.is_ready() || holdfast::store::Store::failure(&store).is_some())
                .await;
        }
        store = store.crash();
    }
    let bench = Bench::of(store, NodeSettings::default(), lockers::<1>).ready().await;
    assert!(
        rows(&bench.store).len() == held.len()
            && rows(&bench.store).iter().all(|key| key.len() < 170)
    );
    for (key, number) in held.iter().zip(1..) {
        let no = take(&bench, key).await;
        assert!(matches!(&no, Err(Fault::Refused(no)) if no.code == "taken"), "{no:?}");
        bench.enter("lockers.locker", 1, Some(number), json!(null)).await.unwrap();
        take(&bench, key).await.unwrap();
    }
    let health = bench.context("lockers.locker").health();
    assert!(health.damaged == 0 && health.contested.is_empty(), "{health:?}");
    assert_eq!(rows(&bench.store).len(), held.len());
}
