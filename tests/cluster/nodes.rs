//! BookRent as five processes: one for each context, and a gateway that hosts nothing. `tests/cluster/script.rs` has its
//! transcript, and what happens when they are killed.
use serde_json::json;
use support::{Client, cluster::Cluster, eventually};

const CONTEXTS: [&str; 4] = ["book", "rent", "delivery", "view"];

fn bookrent() -> Cluster {
    Cluster::of("bookrent", &CONTEXTS, "")
}

fn rent(client: &Client, book: u64, user: u64) -> support::Answer {
    client.post("/rents", json!({"bookId": book, "userId": user, "address": "address1"}))
}

#[test]
fn any_node_forwards_any_path() {
    let cluster = bookrent();
    cluster.node("view").post("/books", json!({"title": "title01"})).is(201);
    rent(cluster.node("delivery"), 1, 1).is(201).has("status", "Rent");
    for name in CONTEXTS {
        cluster
            .node(name)
            .shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    }
    cluster.gateway().get("/books/99").problem(404);
    cluster.gateway().post("/deliveries", json!({})).problem(405);
    let keyed = || {
        cluster.gateway().call("POST", "/books", |request| {
            request.header("Idempotency-Key", "k1").json(&json!({"title": "title02"}))
        })
    };
    let first = keyed();
    let second = keyed();
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second.header("idempotent-replayed"), "true");
}

#[test]
fn a_peer_that_never_answers_is_left_alone_after_a_while_and_nothing_stays_held() {
    let guard = "[guard.\"bookrent.book\"]\ntimeout_ms = 100\nbreaker_window = 10\nbreaker_minimum = 4\n\
                 breaker_open_ms = 500\n";
    let cluster = Cluster::of("bookrent", &CONTEXTS, guard);
    let gateway = cluster.gateway();
    gateway.post("/books", json!({"title": "title01"})).is(201);
    // It accepts, and never answers.
    cluster.node("book").freeze(true);
    assert_eq!(rent(gateway, 1, 1).is(201)["status"], "Fail");
    let refused = (0..40)
        .map(|_| rent(gateway, 1, 1))
        .find(|answer| answer.status != 201)
        .expect("the breaker opens");
    refused.refuses(503, "retry-later");
    let breaker =
        || cluster.node("rent").metric("holdfast_breaker_state{context=\"bookrent.book\"}");
    assert_eq!(breaker(), 2.0);
    cluster.node("book").freeze(false);
    eventually("the breaker lets through again", || {
        let answer = rent(gateway, 1, 1);
        (answer.status == 201 && answer["status"] == "Rent").then_some(())
    });
    eventually("it has closed", || {
        gateway.post("/books", json!({"title": "title02"})).is(201);
        let book = gateway.total("books");
        rent(gateway, book, 2);
        (breaker() == 0.0).then_some(())
    });
    // What the failed ones may have taken is given back; the one that got it has it.
    gateway.shows("/books/1", json!({"status": false}));
    let rents = gateway.all("rents");
    assert_eq!(
        rents.iter().filter(|rent| rent["bookId"] == 1 && rent["status"] == "Rent").count(),
        1
    );
}

#[test]
fn a_request_without_the_credential_finds_no_internal_path() {
    let cluster = bookrent();
    let book = cluster.node("book");
    book.get("/internal/events/bookrent.book?from=1").problem(404);
    let wrong = book.call("GET", "/internal/events/bookrent.book?from=1", |request| {
        request.bearer_auth("wrong")
    });
    wrong.problem(404);
    book.post("/internal/asks/bookrent.book", json!({})).problem(404);
    for path in ["contexts", "parked", "sagas/bookrent.rent/1"] {
        book.get(&format!("/internal/{path}")).problem(404);
    }
    book.post("/internal/parked", json!({"events": []})).problem(404);
    book.post("/internal/clock", json!({"advance": "PT1M"})).problem(404);
}
