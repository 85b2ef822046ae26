//! Whose things are: of rows as the last version left them, and of what follows by itself.

use super::bench::{Bench, LayOut, ensure, eventually, find};
use holdfast::{
    actors::{CommandRequest, EventId, LocalNode, Node, NodeBuilder, NodeSettings},
    domain::{Aggregate, AskId, Decoder, Entity, Timestamp},
    store::{
        MemoryStore, Store,
        codec::{self, Record},
        keys::Space,
    },
    systems::{
        self,
        movie::{book::Book, ticket::Ticket},
        purifier::{delivery::Delivery, mypage, payment::Payment, rental::Rental},
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// The layout of the records of states that have an owner.
const OWNED_LAYOUT: u8 = 1;
/// The version of the runtime's own rows before states had owners.
const ROWS_BEFORE: u16 = 3;

fn purifier(board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out("purifier", board));
}

fn movie(board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out("movie", board));
}

/// The records of the states of a context.
fn states(store: &MemoryStore, context: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = store.rows_of(context).into_iter();
    rows.filter(|(key, _)| key.first() == Some(&(Space::State as u8))).collect()
}

/// Writes the states of a context as the last version did, which knew no owners.
fn forget_owners<E: Entity>(store: &MemoryStore) {
    type Head = (u64, Option<(String, u64)>, String);
    type Counters = (
        (u64, u64, u64, BTreeMap<String, u64>, u32),
        Option<(u32, BTreeMap<String, u64>)>,
        (u16, u16, u16, u16),
        Option<()>,
        u64,
    );
    let context = E::NAME.context;
    for (key, record) in states(store, context) {
        if record[3] != OWNED_LAYOUT {
            continue;
        }
        let record = Record::open(Space::State, &record).unwrap();
        let (head, state): (Head, E) = record.read().unwrap();
        let bare = codec::encode(Space::State, E::STATE_VERSION, &(head.0, head.1, state));
        store.damage_row(context, &key, Some(bare.unwrap()));
    }
    let rows = store.rows_of(context).into_iter();
    for (key, record) in rows.filter(|(key, _)| key.first() == Some(&(Space::Meta as u8))) {
        let now = codec::decode_versioned(Space::Meta, &record, 2, |_, _| unreachable!());
        let mut counters: Counters = now.unwrap();
        counters.2.0 = ROWS_BEFORE;
        let old = codec::encode(Space::Meta, 2, &counters).unwrap();
        store.damage_row(context, &key, Some(old));
    }
}

/// Why an event happened, as logs have it.
#[derive(Serialize, Deserialize)]
enum Cause {
    Command(String),
    Event(String, u64),
    Ask(AskId),
    Answer(String),
    Timer,
    Elsewhere(String),
    AskAfter(AskId, EventId),
}

/// Takes the owners out of the log of a context.
fn forget_owners_of_events<A: Aggregate>(store: &MemoryStore) {
    type Head = (u64, u64, u64, Timestamp, (String, u64), Cause, Option<String>, Option<String>);
    type Logged = (Head, Option<String>, ByteBuf);
    let context = A::NAME.context;
    let rows = store.rows_of(context).into_iter();
    for (key, record) in rows.filter(|(key, _)| key.first() == Some(&(Space::Log as u8))) {
        let record = Record::open(Space::Log, &record).unwrap();
        let version = record.version;
        let mut events: Vec<Logged> = record.read().unwrap();
        for (_, owner, _) in &mut events {
            assert_eq!(owner.take().as_deref(), Some("7"), "{context}");
        }
        let bare = codec::encode(Space::Log, version, &events).unwrap();
        store.damage_row(context, &key, Some(bare));
    }
}

/// Whose the thing is.
fn owner(bench: &Bench, context: &str, number: u64) -> Option<String> {
    let seen = bench.context(context).read_item(number).unwrap();
    seen.owner.map(|owner| owner.to_string())
}

/// Starts that end with each of the first commits, and one that goes on.
async fn started(mut store: MemoryStore, lay_out: LayOut) -> Bench {
    for _ in 0..3 {
        let accepted = store.accepted_commit();
        store.crash_after(accepted + 1, accepted + 1);
        let shared = Arc::new(store.clone());
        if let Ok(node) = LocalNode::start(shared, NodeSettings::default(), lay_out) {
            eventually(|| node.is_ready() || store.failure().is_some()).await;
        }
        store = store.crash();
    }
    Bench::of(store, NodeSettings::default(), lay_out).ready().await
}

const PURIFIER: [&str; 5] = [
    "purifier.rental",
    "purifier.payment",
    "purifier.delivery",
    "purifier.notification",
    "purifier.mypage",
];

async fn rental() -> Bench {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), purifier).ready().await;
    let product = json!({ "name": "P1", "amt": 30_000, "stock": 3 });
    bench.enter("purifier.product", 0, None, product).await.unwrap();
    let rental = json!({ "customerId": 7, "productId": 1, "amt": 30_000, "address": "Seoul",
        "phone": "010-0000-0000" });
    bench.enter("purifier.rental", 0, None, rental).await.unwrap();
    bench
        .becomes_consistent(|bench| {
            let shown = find(&bench.all("purifier.mypage"), 1);
            ensure(shown["status"] == "DeliveryStarted", shown.to_string())
        })
        .await;
    bench
}

#[actix_rt::test]
async fn rows_of_the_last_version_belong_to_whom_their_fields_or_those_of_their_order_name() {
    let bench = rental().await;
    for context in PURIFIER {
        assert_eq!(owner(&bench, context, 1).as_deref(), Some("7"), "{context}");
    }
    let store = bench.store.crash();
    forget_owners::<Rental>(&store);
    forget_owners::<Payment>(&store);
    forget_owners::<Delivery>(&store);
    forget_owners::<mypage::Row>(&store);
    for context in ["purifier.rental", "purifier.payment", "purifier.delivery", "purifier.mypage"] {
        let rows = states(&store, context);
        assert!(rows.iter().all(|(_, record)| record[3] == 0) && !rows.is_empty(), "{context}");
    }
    let bench = started(store, purifier).await;
    for context in PURIFIER {
        assert_eq!(owner(&bench, context, 1).as_deref(), Some("7"), "{context}");
        let rows = states(&bench.store, context);
        assert!(rows.iter().all(|(_, record)| record[3] == OWNED_LAYOUT), "{context}");
        let health = bench.context(context).health();
        assert_eq!(health.damaged, 0, "{health:?}");
    }
    let product = states(&bench.store, "purifier.product");
    assert!(product.iter().all(|(_, record)| record[3] == 0), "what many use belongs to none");
}

/// An upgrade in the middle of a saga: what follows from the events of before is begun after it.
#[actix_rt::test]
async fn what_is_begun_in_a_saga_of_the_last_version_belongs_to_whom_its_order_names() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), purifier).ready().await;
    bench.context("purifier.delivery").stop().await;
    let product = json!({ "name": "P1", "amt": 30_000, "stock": 3 });
    bench.enter("purifier.product", 0, None, product).await.unwrap();
    let rental = json!({ "customerId": 7, "productId": 1, "amt": 30_000, "address": "Seoul" });
    bench.enter("purifier.rental", 0, None, rental).await.unwrap();
    let store = bench.store.crash();
    assert!(states(&store, "purifier.delivery").is_empty());
    forget_owners::<Rental>(&store);
    forget_owners::<Payment>(&store);
    forget_owners_of_events::<Rental>(&store);
    forget_owners_of_events::<Payment>(&store);
    let bench = started(store, purifier).await;
    eventually(|| bench.see("purifier.delivery", 1).is_some()).await;
    assert_eq!(owner(&bench, "purifier.delivery", 1).as_deref(), Some("7"));
    let log = bench.context("purifier.delivery").event_log().unwrap();
    let begun = log.read_page(1).unwrap().items.remove(0).1;
    assert_eq!(begun.owner.as_deref(), Some("7"));
}

async fn booking(owner: Option<&str>) -> Bench {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), movie).ready().await;
    let body = json!({ "qty": "1", "movieName": "soul", "seat": "1A", "totalPrice": 10_000 });
    let order = CommandRequest { body, owner: owner.map(Into::into), ..CommandRequest::default() };
    bench.order("movie.book", order).await.unwrap();
    bench
        .becomes_consistent(|bench| {
            let shown = find(&bench.all("movie.ticket"), 1);
            ensure(!shown.is_null(), "there is no ticket".to_owned())
        })
        .await;
    bench
}

#[actix_rt::test]
async fn what_follows_in_a_saga_belongs_to_the_customer_whom_it_was_begun_for() {
    const MOVIE: [&str; 4] = ["movie.book", "movie.payment", "movie.ticket", "movie.mypage"];
    for customer in [Some("A"), None] {
        let bench = booking(customer).await;
        // Staff, and another customer's word: neither makes it theirs.
        let print = CommandRequest {
            number: Some(1),
            body: json!({ "status": "Printed" }),
            owner: Some("B".into()),
            ..CommandRequest::default()
        };
        bench.order("movie.ticket", print).await.unwrap();
        bench
            .becomes_consistent(|bench| {
                let shown = find(&bench.all("movie.mypage"), 1);
                ensure(!shown.is_null(), "there is no row".to_owned())
            })
            .await;
        let bench = bench.crashed(NodeSettings::default(), movie).await;
        for context in MOVIE.iter().chain(&["movie.point"]) {
            assert_eq!(owner(&bench, context, 1).as_deref(), customer, "{context}");
            let Some(log) = bench.context(context).event_log() else { continue };
            for (_, event) in log.read_page(1).unwrap().items {
                assert_eq!(event.owner.as_deref(), customer, "{context} {}", event.name);
            }
        }
    }
}

#[actix_rt::test]
async fn rows_of_movie_from_the_last_version_are_of_staff() {
    let store = booking(Some("A")).await.store.crash();
    forget_owners::<Book>(&store);
    forget_owners::<Ticket>(&store);
    let bench = started(store, movie).await;
    for context in ["movie.book", "movie.ticket"] {
        assert_eq!(owner(&bench, context, 1), None, "{context}");
        assert!(states(&bench.store, context).iter().all(|(_, record)| record[3] == 0));
    }
}
