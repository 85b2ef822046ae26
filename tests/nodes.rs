//! BookRent as five processes: one for each context, and a gateway that hosts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

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
fn the_transcript_replays_over_the_gateway() {
    let cluster = bookrent();
    let gateway = cluster.gateway();
    let book = gateway.post("/books", json!({"title": "title01", "status": "true"})).is(201).has("status", true);
    assert!(book.header("location").starts_with(gateway.url()), "links lead back to the gateway: {:?}", book.headers);
    rent(gateway, 1, 1).is(201).has("status", "Rent").has("id", 1);
    gateway.get("/books/1").is(200).has("status", false);

    gateway.stop("bookrent.book");
    rent(gateway, 1, 2).is(201).has("status", "Fail");
    gateway.start_again("bookrent.book");

    gateway.shows("/deliveries/1", json!({"status": "Delivery Started"}));
    gateway.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    gateway.patch("/rents/1", json!({"status": "Cancel"})).is(200).has("status", "Cancel");
    gateway.shows("/deliveries/1", json!({"status": "Delivery Cancelled"}));
    gateway.shows("/books/1", json!({"status": true}));
    gateway.shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
}

#[test]
fn any_node_forwards_any_path() {
    let cluster = bookrent();
    cluster.node("view").post("/books", json!({"title": "title01"})).is(201);
    rent(cluster.node("delivery"), 1, 1).is(201).has("status", "Rent");
    for name in CONTEXTS {
        cluster.node(name).shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    }
    cluster.gateway().get("/books/99").problem(404);
    cluster.gateway().post("/deliveries", json!({})).problem(405);
    let keyed = || {
        cluster.gateway().call("POST", "/books", |request| {
            request.header("Idempotency-Key", "k1").json(&json!({"title": "title02"}))
        })
    };
    let (first, second) = (keyed(), keyed());
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second.header("idempotent-replayed"), "true");
}

#[test]
fn a_node_that_is_killed_is_missed_no_more_than_it_must_be() {
    let mut cluster = bookrent();
    cluster.gateway().post("/books", json!({"title": "title01"})).is(201);
    cluster.gateway().post("/books", json!({"title": "title02"})).is(201);

    cluster.kill("delivery");
    rent(cluster.gateway(), 1, 1).is(201).has("status", "Rent");
    cluster.gateway().get("/deliveries/1").problem(503);
    cluster.restart("delivery");
    cluster.gateway().shows("/deliveries/1", json!({"status": "Delivery Started"}));

    cluster.kill("view");
    rent(cluster.gateway(), 2, 2).is(201).has("status", "Rent");
    cluster.restart("view");
    cluster.gateway().shows("/views/2", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));

    cluster.kill("book");
    let failed = rent(cluster.gateway(), 1, 3).is(201).has("status", "Fail");
    cluster.gateway().patch("/rents/1", json!({"status": "Cancel"})).is(200).has("status", "Cancel");
    cluster.restart("book");
    cluster.gateway().shows("/books/1", json!({"status": true}));
    let view = format!("/views/{}", failed["id"]);
    cluster.gateway().shows(&view, json!({"rentStatus": "Fail"}));

    cluster.kill("rent");
    cluster.gateway().get("/rents/1").problem(503);
    cluster.gateway().get("/views/1").is(200);
    cluster.restart("rent");
    rent(cluster.gateway(), 1, 4).is(201).has("status", "Rent");
}

#[test]
fn a_peer_that_never_answers_is_left_alone_after_a_while_and_nothing_stays_held() {
    let guard = "[guard.\"bookrent.book\"]\ntimeout_ms = 100\nbreaker_window = 10\nbreaker_minimum = 4\n\
                 breaker_open_ms = 500\n";
    let cluster = Cluster::of("bookrent", &CONTEXTS, guard);
    let gateway = cluster.gateway();
    gateway.post("/books", json!({"title": "title01"})).is(201);
    gateway.delay("bookrent.book", 5_000, 5_000);
    let refused = (0..40).map(|_| rent(gateway, 1, 1)).find(|answer| answer.status != 201).expect("the breaker opens");
    refused.refuses(503, "retry-later");
    gateway.heal("bookrent.book");
    eventually("the breaker lets through again", || {
        let answer = rent(gateway, 1, 1);
        (answer.status == 201 && answer["status"] == "Rent").then_some(())
    });
    gateway.shows("/books/1", json!({"status": false}));
}

#[test]
fn whoever_does_not_show_the_credential_finds_nothing_of_the_inside() {
    let cluster = bookrent();
    let book = cluster.node("book");
    book.get("/internal/events/bookrent.book?from=1").problem(404);
    let wrong = book.call("GET", "/internal/events/bookrent.book?from=1", |request| request.bearer_auth("wrong"));
    wrong.problem(404);
    book.post("/internal/asks/bookrent.book", json!({})).problem(404);
}
