//! SIGTERM: every request that was begun is answered whole, the connection announces that it closes, and the process
//! ends well.
use serde_json::json;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use support::{Client, Server, eventually};

/// How often a connection is announced to close before its client goes elsewhere, as behind a load balancer.
const PATIENCE: u32 = 5;

/// Rents books until the server has announced often enough that it stops; every single request must be answered.
fn work(client: &Client, name: u64, acknowledged: &AtomicU64) -> Vec<u64> {
    let mut rents = Vec::new();
    let mut told = 0;
    for n in 0.. {
        let book = client.register_book(&format!("{name}-{n}"));
        let rent = client.rent(book, name).has("status", "Rent");
        rents.push(rent.id());
        acknowledged.fetch_add(1, Ordering::Relaxed);
        told += u32::from(rent.header("connection") == "close");
        if told == PATIENCE {
            break;
        }
    }
    rents
}

#[test]
fn stopped_under_load_it_answers_everything_and_loses_nothing() {
    let mut server = Server::configured("[http]\ndrain_delay_ms = 4000\n");
    let acknowledged = AtomicU64::new(0);
    let work = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|name| {
                let client = (*server).apart();
                let acknowledged = &acknowledged;
                scope.spawn(move || work(&client, name, acknowledged))
            })
            .collect();
        eventually("there is load", || (acknowledged.load(Ordering::Relaxed) > 50).then_some(()));
        server.ask_to_stop();
        let work: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        assert_eq!(server.wait().code(), Some(0));
        work
    });
    assert!(!server.said().contains("panicked"), "{}", server.said());

    server.restart();
    for rent in work.iter().flatten() {
        server.get(&format!("/rents/{rent}")).is(200).has("status", "Rent");
        server.shows(
            &format!("/views/{rent}"),
            json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}),
        );
    }
}

#[test]
fn while_it_drains_it_is_not_ready_serves_on_and_announces_that_it_closes() {
    let mut server = Server::configured("[http]\ndrain_delay_ms = 4000\n");
    server.register_book("title01");
    assert_ne!(server.get("/books/1").header("connection"), "close");
    server.ask_to_stop();
    eventually("it is not ready", || (server.get("/readyz").status == 503).then_some(()));
    server.get("/livez").is(200);
    let rent = server.rent(1, 1).has("status", "Rent");
    assert_eq!(rent.header("connection"), "close");
    assert_eq!(server.wait().code(), Some(0));
    server.restart();
    server.get("/rents/1").is(200).has("status", "Rent");
}

#[test]
fn a_rent_that_waits_for_its_book_is_settled_before_the_end() {
    let mut server = Server::configured("[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n");
    server.register_book("title01");
    server.delay("bookrent.book", 2000, 2000);
    thread::scope(|scope| {
        let client = (*server).clone();
        let rent = scope.spawn(move || client.rent(1, 1));
        server.shows("/rents/1", json!({"status": "Requested"}));
        server.ask_to_stop();
        assert_eq!(rent.join().unwrap()["status"], "Rent");
    });
    assert_eq!(server.wait().code(), Some(0));
    server.restart();
    server.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
}

#[test]
fn an_idle_server_ends_at_once_and_well_however_often() {
    let mut server = Server::start(&[]);
    for n in 1..=3 {
        server.register_book("t");
        assert_eq!(server.terminate().code(), Some(0));
        server.restart();
        assert_eq!(server.total("books"), n);
    }
}

#[test]
fn a_request_that_takes_too_long_is_cut_off_and_settled_later() {
    let toml = "[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n\n[http]\ndrain_timeout_ms = 100\n";
    let mut server = Server::configured(toml);
    server.register_book("title01");
    server.delay("bookrent.book", 15_000, 15_000);
    thread::scope(|scope| {
        let client = (*server).clone();
        let rent = json!({"bookId": 1, "userId": 1, "address": "a"});
        let rent =
            scope.spawn(move || client.attempt("POST", "/rents", |request| request.json(&rent)));
        server.shows("/rents/1", json!({"status": "Requested"}));
        assert_eq!(server.terminate().code(), Some(0));
        assert!(rent.join().unwrap().is_err(), "no process was there to answer");
    });
    server.restart();
    server.shows("/rents/1", json!({"status": "Rent"}));
}
