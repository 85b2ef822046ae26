//! BookRent (도서 대여) over HTTP: its transcript, with contexts away and slow, and the rules that hold for every system.
use serde_json::json;
use std::{collections::HashMap, thread};
use support::{Server, eventually};

const BOOK: &str = "bookrent.book";
const DELIVERY: &str = "bookrent.delivery";

fn has_hangul(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

#[test]
fn the_transcript_replays_line_by_line() {
    let server = Server::start(&[]);
    let book = server.post("/books", json!({"title": "title01", "status": "true"})).is(201);
    let book = book.has("id", 1).has("title", "title01").has("status", true);
    assert!(book.header("location").ends_with("/books/1"), "{:?}", book.headers);
    assert_eq!(book["_links"]["self"]["href"], book["_links"]["book"]["href"]);
    assert_eq!(book["_links"]["self"]["href"], book.header("location"));

    let rent =
        server.post("/rents", json!({"bookId": "1", "userId": "1", "address": "address1"})).is(201);
    rent.has("id", 1)
        .has("status", "Rent")
        .has("bookId", 1)
        .has("userId", 1)
        .has("address", "address1");
    server.get("/books/1").is(200).has("status", false);

    server.stop(BOOK);
    server
        .post("/rents", json!({"bookId": "1", "userId": "2", "address": "address2"}))
        .is(201)
        .has("status", "Fail");
    server.start_again(BOOK);

    server.shows(
        "/deliveries/1",
        json!({"status": "Delivery Started", "rentId": 1, "bookId": 1, "userId": 1}),
    );
    server.shows(
        "/views/1",
        json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started", "deliveryId": 1}),
    );
    server
        .patch("/rents/1", json!({"status": "Cancel"}))
        .is(200)
        .has("status", "Cancel")
        .has("id", 1);
    server.shows("/deliveries/1", json!({"status": "Delivery Cancelled"}));
    server.shows("/books/1", json!({"status": true}));
    server
        .shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
}

#[test]
fn every_path_is_there_with_its_system_in_front_as_well() {
    let server = Server::start(&[]);
    server.post("/bookrent/books", json!({"title": "title01"})).is(201).has("status", true);
    server.get("/bookrent/books/1").is(200);
    server.get("/books/1").is(200);
    assert!(server.get("/").is(200)["_links"]["books"]["href"].is_string());
}

#[test]
fn a_delivery_that_is_away_delays_nothing_but_the_delivery() {
    let server = Server::start(&[]);
    let first = server.register_book("title01");
    let second = server.register_book("title02");
    server.stop(DELIVERY);
    server.rent(first, 1).has("status", "Rent");
    server.rent(second, 2).has("status", "Rent");
    let row = server.shows("/views/2", json!({"rentStatus": "Rent", "userId": 2}));
    assert!(row["deliveryStatus"].is_null() && row["deliveryId"].is_null(), "{}", row.text);
    server.get("/deliveries/1").problem(503);
    server.cancel(1).is(200).has("status", "Cancel");

    server.start_again(DELIVERY);
    server.shows("/views/2", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    server.shows(&format!("/books/{first}"), json!({"status": true}));
    server
        .shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
    server.get(&format!("/books/{second}")).is(200).has("status", false);
}

#[test]
fn with_the_book_away_a_rent_fails_and_holds_nothing_afterwards() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    server.stop(BOOK);
    server.rent(book, 1).has("status", "Fail").has("reason", "no-answer");
    server.shows("/views/1", json!({"rentStatus": "Fail", "deliveryStatus": null}));
    let away = server.get("/books/1");
    away.problem(503);
    assert!(away.header("retry-after").parse::<u64>().is_ok(), "{:?}", away.headers);

    server.start_again(BOOK);
    // The next rent is judged after the undo of the first, or before it: it gets the book either way.
    server.rent(book, 2).has("status", "Rent");
    assert_eq!(server.happened(1, "StatusChanged"), 0, "the failed rent never held the book");
    server.shows("/views/2", json!({"deliveryStatus": "Delivery Started"}));
}

#[test]
fn cancelling_waits_for_no_other_context() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    server.rent(book, 1).has("status", "Rent");
    server.stop(BOOK);
    server.cancel(1).is(200).has("status", "Cancel");
    server.shows("/deliveries/1", json!({"status": "Delivery Cancelled"}));
    server.start_again(BOOK);
    server.shows("/books/1", json!({"status": true}));
}

#[test]
fn no_book_ends_up_held_by_a_rent_that_failed_when_answers_come_about_the_timeout() {
    const RENTS: u64 = 40;
    // The breaker is kept out of it, so that every rent is asked for.
    let server = Server::configured(
        "[guard.\"bookrent.book\"]\ntimeout_ms = 1000\nbreaker_minimum = 100000\n",
    );
    let books: Vec<u64> = (0..RENTS).map(|n| server.register_book(&format!("title{n}"))).collect();
    server.delay(BOOK, 800, 1100);
    let status_by_book: HashMap<u64, String> = thread::scope(|scope| {
        let rents: Vec<_> =
            books.iter().map(|book| (*book, scope.spawn(|| server.rent(*book, 7)))).collect();
        let status = |answer: support::Answer| answer["status"].as_str().unwrap().to_owned();
        rents.into_iter().map(|(book, rent)| (book, status(rent.join().unwrap()))).collect()
    });
    server.heal(BOOK);
    let rented = status_by_book.values().filter(|status| *status == "Rent").count();
    eprintln!("{rented} of {RENTS} were answered in time");

    for (book, status) in &status_by_book {
        assert!(matches!(status.as_str(), "Rent" | "Fail"), "{status}");
        server.shows(&format!("/books/{book}"), json!({"status": status == "Fail"}));
    }
    // Whatever was still on its way has been taken once every failed rent's book can be rented again.
    for book in status_by_book.iter().filter(|(_, status)| *status == "Fail").map(|(book, _)| *book)
    {
        server.rent(book, 8).has("status", "Rent");
        server.get(&format!("/books/{book}")).is(200).has("status", false);
    }
    assert_eq!(server.total("rents"), RENTS + (RENTS - rented as u64));
}

#[test]
fn a_book_that_is_out_or_unknown_is_a_fail_with_its_reason() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    server.rent(book, 1).has("status", "Rent").has("reason", json!(null));
    server.rent(book, 2).has("status", "Fail").has("reason", "book-out");
    server.rent(999, 3).has("status", "Fail").has("reason", "book-unknown");
    server.shows("/views/3", json!({"rentStatus": "Fail", "bookId": 999}));
    server.get("/books/999").refuses(404, "not-found");
    server.cancel(2).refuses(409, "rent-failed");
    server.get("/books/1").is(200).has("status", false);
}

#[test]
fn a_second_cancel_is_no_second_event() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    server.rent(book, 1);
    let first = server.cancel(1).is(200).has("status", "Cancel");
    server.shows("/books/1", json!({"status": true}));
    let second = server.cancel(1).is(200).has("status", "Cancel");
    assert_eq!(first.header("etag"), second.header("etag"));
    assert_eq!(server.happened(1, "BookCancelled"), 1);
    server.rent(book, 2).has("status", "Rent");
    server.cancel(1).is(200);
    server.get("/books/1").is(200).has("status", false);
}

#[test]
fn a_delivery_is_cancelled_by_the_cancel_of_its_rent_alone_and_once() {
    let mut server = Server::start(&[]);
    let book = server.register_book("title01");
    server.rent(book, 1).has("status", "Rent");
    server.shows("/deliveries/1", json!({"status": "Delivery Started"}));
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let body = json!({"status": "Delivery Started", "address": "elsewhere"});
        server.call(method, "/deliveries/1", |request| request.json(&body)).problem(405);
    }
    // What else touches it: another rent, a context that starts again, a whole process that does.
    server.rent(book, 2).has("status", "Fail");
    server.stop(DELIVERY);
    server.start_again(DELIVERY);
    server.kill();
    server.restart();
    server
        .get("/deliveries/1")
        .is(200)
        .has("status", "Delivery Started")
        .has("address", "address1");
    assert_eq!(server.happened(1, "DeliveryCancelled"), 0);
    server.get("/books/1").is(200).has("status", false);
    (0..2).for_each(|_| drop(server.cancel(1).is(200)));
    server.shows("/views/1", json!({"deliveryStatus": "Delivery Cancelled"}));
    assert_eq!(
        (server.happened(1, "DeliveryStarted"), server.happened(1, "DeliveryCancelled")),
        (1, 1)
    );
}

#[test]
fn what_is_not_settled_is_shown_to_who_knows_its_number_and_closed_to_commands() {
    let server = Server::configured("[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n");
    let book = server.register_book("title01");
    server.delay(BOOK, 4000, 4000);
    thread::scope(|scope| {
        let rent = scope.spawn(|| server.rent(book, 1));
        server.shows("/rents/1", json!({"status": "Requested"}));
        let refused = server.cancel(1);
        refused.refuses(409, "still-open");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(server.total("rents"), 0);
        server.get("/views/1").problem(404);
        rent.join().unwrap().has("status", "Rent");
    });
    assert_eq!(server.total("rents"), 1);
    server.cancel(1).is(200).has("status", "Cancel");
}

#[test]
fn what_was_not_even_asked_is_to_be_tried_again_and_leaves_nothing() {
    let server = Server::configured("[guard.\"bookrent.book\"]\nquota_per_second = 1\n");
    let book = server.register_book("title01");
    let body = json!({"bookId": book, "userId": 1, "address": "a"});
    let korean = |key: &str| {
        server.call("POST", "/rents", |request| {
            request
                .header("Accept-Language", "ko-KR,ko;q=0.9")
                .header("Idempotency-Key", key)
                .json(&body)
        })
    };
    let mut established = 0;
    let refused = (0..200).map(|n| (n, korean(&format!("key-{n}")))).find(|(_, answer)| {
        established += u64::from(answer.status == 201);
        answer.status == 503
    });
    let (n, refused) = refused.expect("a quota of one a second is reached");
    refused.refuses(503, "retry-later");
    assert!(has_hangul(refused["detail"].as_str().unwrap()), "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(server.total("rents"), established);
    // The same key is a new request, for nothing was kept under it.
    eventually("the quota lets it through", || {
        (korean(&format!("key-{n}")).status == 201).then_some(())
    });
    assert_eq!(server.total("rents"), established + 1);
}
