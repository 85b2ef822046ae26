//! Each context unavailable in turn, slow, or killed in the middle.

use super::library::{
    BOOK, DASHBOARD, PAYMENT, RENT, command, happened, register, request, start, with_books,
};
use serde_json::{Value, json};
use std::thread;
use support::{Server, eventually};

#[test]
fn requests_are_taken_while_the_book_is_away_and_held_when_it_is_back() {
    let server = start();
    let [first, second] = with_books(&server);
    server.stop(BOOK);
    for (book, user) in [(first, 7), (second, 8), (first, 9)] {
        request(&server, book, user).is(201).has("status", "RENTED");
    }
    server.shows("/dashboards/3", json!({"status": "PAID", "userId": 9}));
    server.get(&format!("/books/{first}")).problem(503);
    command(&server, "books", "approve", first).problem(503);
    command(&server, "rents", "return", 1).refuses(409, "not-lent");
    server.start_again(BOOK);
    // What was asked first is held, and the later one for the same book is refunded.
    server.shows(&format!("/books/{first}"), json!({"status": "PAID", "rentId": 1}));
    server.shows(&format!("/books/{second}"), json!({"status": "PAID", "rentId": 2}));
    server.shows("/rents/3", json!({"status": "CANCELED"}));
    server.shows("/payments/3", json!({"status": "REFUNDED"}));
}

#[test]
fn with_the_payment_away_nothing_is_established_and_its_return_makes_all_well() {
    let server = start();
    let [book, _] = with_books(&server);
    server.stop(PAYMENT);
    let order = json!({"userId": 7, "bookId": book, "rentalFee": 3000});
    let korean = |key: &str| {
        let request = |request: reqwest::blocking::RequestBuilder| {
            request.header("Accept-Language", "ko").header("Idempotency-Key", key).json(&order)
        };
        server.call("POST", "/rents", request)
    };
    let refused = korean("key");
    refused.refuses(503, "retry-later");
    assert!(refused["detail"].as_str().unwrap().contains("다시"), "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    server.get("/payments/1").problem(503);
    server.start_again(PAYMENT);
    // The same key is a new request, for nothing was kept under it.
    korean("key").is(201).has("id", 2).has("status", "RENTED");
    server.shows("/dashboards/2", json!({"status": "PAID"}));
    eventually("the first payment was called off", || {
        (happened(&server, 1, "PaymentWithheld") == 1).then_some(())
    });
    for path in ["/rents/1", "/payments/1", "/dashboards/1"] {
        server.get(path).refuses(404, "not-found");
    }
    assert_eq!(
        (server.total("rents"), server.total("payments"), server.total("dashboards")),
        (1, 1, 1)
    );
    assert_eq!(happened(&server, 1, "Paid"), 0);
}

#[test]
fn a_rejection_with_the_payment_away_is_refunded_when_it_is_back() {
    let server = start();
    let [book, _] = with_books(&server);
    request(&server, book, 7).is(201);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    server.stop(PAYMENT);
    command(&server, "books", "reject", book).is(200).has("status", "POSSIBLE");
    server.get("/rents/1").is(200).has("status", "RENTED");
    server.start_again(PAYMENT);
    server.shows("/rents/1", json!({"status": "CANCELED"}));
    server.shows("/dashboards/1", json!({"status": "CANCELED"}));
    assert_eq!((happened(&server, 1, "Refunded"), happened(&server, 1, "Canceled")), (1, 1));
}

#[test]
fn the_admin_judges_while_rents_are_away_and_the_rent_follows() {
    let server = start();
    let [first, second] = with_books(&server);
    for book in [first, second] {
        request(&server, book, 7).is(201);
        server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    }
    server.stop(RENT);
    request(&server, first, 8).problem(503);
    command(&server, "books", "approve", first).is(200);
    command(&server, "books", "reject", second).is(200);
    server.shows("/payments/2", json!({"status": "REFUNDED"}));
    server.shows("/dashboards/2", json!({"status": "REFUNDED", "canceledDate": null}));
    server.shows("/dashboards/1", json!({"status": "APPROVED", "rentedDate": null}));
    server.start_again(RENT);
    let rent = server.shows("/rents/1", json!({"status": "APPROVED"}));
    assert_eq!(rent["rentedDate"], server.get(&format!("/books/{first}"))["approvedDate"]);
    server.shows("/dashboards/1", json!({"rentedDate": rent["rentedDate"]}));
    server.shows("/dashboards/2", json!({"status": "CANCELED"}));
    assert_eq!(server.total("rents"), 2);
}

#[test]
fn a_return_waits_for_no_other_context() {
    let server = start();
    let [book, _] = with_books(&server);
    request(&server, book, 7).is(201);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    command(&server, "books", "approve", book).is(200);
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    [BOOK, PAYMENT, DASHBOARD].iter().for_each(|context| server.stop(context));
    command(&server, "rents", "return", 1).is(200).has("status", "RETURNED");
    [DASHBOARD, PAYMENT, BOOK].iter().for_each(|context| server.start_again(context));
    server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));
    server.shows("/dashboards/1", json!({"status": "RETURNED"}));
    request(&server, book, 8).is(201);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": 2}));
}

#[test]
fn a_dashboard_that_is_away_delays_nothing_and_catches_up() {
    let server = start();
    let [book, other] = with_books(&server);
    server.stop(DASHBOARD);
    request(&server, book, 7).is(201);
    request(&server, other, 8).is(201);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    server.shows(&format!("/books/{other}"), json!({"status": "PAID"}));
    command(&server, "books", "approve", book).is(200);
    command(&server, "books", "reject", other).is(200);
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    server.shows("/rents/2", json!({"status": "CANCELED"}));
    server.get("/dashboards/1").problem(503);
    server.start_again(DASHBOARD);
    server.shows(
        "/dashboards/1",
        json!({"status": "APPROVED", "bookName": "Hello, JAVA", "rentalFee": 3000}),
    );
    server.shows("/dashboards/2", json!({"status": "CANCELED", "bookName": "Hello, Rust"}));
}

#[test]
fn the_dashboard_answers_while_all_others_are_away() {
    let server = start();
    let [book, _] = with_books(&server);
    request(&server, book, 7).is(201);
    server.shows("/dashboards/1", json!({"status": "PAID", "bookName": "Hello, JAVA"}));
    [BOOK, RENT, PAYMENT].iter().for_each(|context| server.stop(context));
    server.get("/dashboards/1").is(200).has("status", "PAID");
    assert_eq!(server.total("dashboards"), 1);
}

#[test]
fn a_payment_that_is_slower_than_the_timeout_is_paid_back_in_the_end() {
    let server = Server::of("ebook", "[guard.\"ebook.payment\"]\ntimeout_ms = 2000\n", &[]);
    let [book, _] = with_books(&server);
    server.delay(PAYMENT, 6000, 6000);
    let refused = request(&server, book, 7);
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    server.heal(PAYMENT);
    // The delay holds back the answer, not the payment.
    server.shows("/payments/1", json!({"status": "REFUNDED", "rentalFee": 3000}));
    request(&server, book, 8).is(201).has("id", 2);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": 2}));
    for path in ["/rents/1", "/dashboards/1"] {
        server.get(path).refuses(404, "not-found");
    }
    assert_eq!((happened(&server, 1, "Paid"), happened(&server, 1, "Refunded")), (1, 1));
    assert_eq!((happened(&server, 1, "Rented"), happened(&server, 1, "RequestHeld")), (0, 0));
}

#[test]
fn no_money_is_kept_for_nothing_when_answers_come_about_the_timeout() {
    const RENTS: u64 = 40;
    // The breaker is kept out of it, so that every payment is asked for.
    let server = Server::of("ebook", "[guard.\"ebook.payment\"]\nbreaker_minimum = 100000\n", &[]);
    let books: Vec<u64> = (0..RENTS).map(|n| register(&server, &format!("book{n}"))).collect();
    server.delay(PAYMENT, 400, 820);
    let server = &server;
    let answers: Vec<_> = thread::scope(|scope| {
        let rents: Vec<_> =
            books.iter().map(|book| scope.spawn(move || request(server, *book, 7))).collect();
        rents.into_iter().map(|rent| rent.join().unwrap()).collect()
    });
    server.heal(PAYMENT);
    let rented: Vec<u64> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.id()).collect();
    eprintln!("{} of {RENTS} were answered in time", rented.len());
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refuses(503, "retry-later");
    }
    for rent in 1..=RENTS {
        let status = if rented.contains(&rent) { "PAID" } else { "REFUNDED" };
        server.shows(&format!("/payments/{rent}"), json!({"status": status}));
        assert_eq!(
            server.get(&format!("/rents/{rent}")).status,
            if rented.contains(&rent) { 200 } else { 404 }
        );
    }
    eventually("every paid request is held", || {
        let held: Vec<Value> =
            server.all("books").into_iter().filter(|book| book["status"] == "PAID").collect();
        (held.len() == rented.len()).then_some(())
    });
    assert_eq!(server.total("rents"), rented.len() as u64);
}

#[test]
fn what_is_not_settled_is_shown_to_who_knows_its_number_and_closed_to_commands() {
    let server = start();
    let [book, _] = with_books(&server);
    server.delay(PAYMENT, 4000, 4000);
    thread::scope(|scope| {
        let rent = scope.spawn(|| request(&server, book, 7));
        server.shows("/rents/1", json!({"status": "Requested"}));
        let refused = command(&server, "rents", "return", 1);
        refused.refuses(409, "still-open");
        assert_eq!(refused.header("retry-after"), "1");
        // It is paid by now, perhaps; but no answer has come that it is rented.
        assert_eq!(server.total("rents"), 0);
        server.get("/dashboards/1").refuses(404, "not-found");
        server.get(&format!("/books/{book}")).is(200).has("status", "POSSIBLE");
        rent.join().unwrap().is(201).has("status", "RENTED");
    });
    server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
}

#[test]
fn a_request_that_was_being_paid_when_the_process_was_killed_is_settled_after_the_restart() {
    let mut server = start();
    let [book, other] = with_books(&server);
    request(&server, other, 7).is(201);
    server.stop(BOOK);
    server.delay(PAYMENT, 15_000, 15_000);
    let client = (*server).clone();
    let order = json!({"userId": 8, "bookId": book});
    let asking = thread::spawn(move || client.try_post_once("/rents", "key", &order));
    server.shows("/rents/2", json!({"status": "Requested"}));
    eventually("it is paid", || (server.try_get("/payments/2").ok()?.status == 200).then_some(()));
    server.kill();
    assert!(asking.join().unwrap().is_err());
    server.restart();
    server.shows("/rents/2", json!({"status": "RENTED"}));
    let repeated =
        server.try_post_once("/rents", "key", &json!({"userId": 8, "bookId": book})).unwrap();
    repeated.is(201).has("id", 2);
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": 2}));
    server.shows(&format!("/books/{other}"), json!({"status": "PAID", "rentId": 1}));
    server.shows("/payments/2", json!({"status": "PAID", "rentalFee": 3000}));
    assert_eq!((happened(&server, 2, "Paid"), happened(&server, 2, "Rented")), (1, 1));
    assert_eq!(server.total("rents"), 2);
}
