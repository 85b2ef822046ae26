//! Each context unavailable in turn, slow, or killed in the middle.

use super::theatre::{
    BOOK, MYPAGE, PAYMENT, POINT, TICKET, book, book_with_ticket, cancel, happened, movie, print,
    shows_canceled, shows_printed, shows_waiting, soul, with_patience,
};
use serde_json::json;
use std::thread;
use support::eventually;

/// Long enough for a slow machine, and short enough to be waited for.
const SHORT: u64 = 2_000;
/// Longer than any caller waits then.
const LATE: u64 = 5_000;

#[test]
fn with_the_payment_away_a_booking_is_to_be_tried_again_and_what_was_paid_all_the_same_goes_back() {
    let server = with_patience(SHORT, "");
    server.stop(PAYMENT);
    let refused = server.post("/books", soul());
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok(), "{:?}", refused.headers);
    server.get("/books/1").refuses(404, "not-found");
    server.start_again(PAYMENT);
    assert_eq!(book(&server), 2);

    // Longer than any asker waits: the payment is made, and its answer reaches no asker.
    server.delay(PAYMENT, LATE, LATE);
    server.post("/books", soul()).refuses(503, "retry-later");
    server.heal(PAYMENT);
    eventually("what was paid is paid back", || {
        (happened(&server, 3, "PaymentCanceled") == 1).then_some(())
    });
    server.shows("/payments/3", json!({"status": "Canceled"}));
    for path in ["/books/3", "/tickets/3", "/mypages/3"] {
        server.get(path).refuses(404, "not-found");
    }
    assert_eq!(server.total("books"), 1);
}

#[test]
fn bookings_are_taken_while_the_ticket_is_away_and_a_cancel_is_done_when_it_is_back() {
    let server = with_patience(SHORT, "");
    server.stop(TICKET);
    let kept = book(&server);
    let canceled = book(&server);
    let so_far = cancel(&server, canceled).is(202).has("status", "PaidComplete");
    assert_eq!(so_far.header("retry-after"), "1");
    assert!(so_far.header("location").ends_with(&format!("/books/{canceled}")));
    server.shows(&format!("/mypages/{kept}"), json!({"status": "PaidComplete"}));
    server.get(&format!("/payments/{canceled}")).is(200).has("status", "Paid");

    server.start_again(TICKET);
    shows_canceled(&server, canceled);
    server.shows(&format!("/tickets/{kept}"), json!({"status": "Waiting"}));
    print(&server, kept).is(200);
    shows_printed(&server, kept);
}

#[test]
fn without_points_there_is_no_ticket_and_none_are_granted_in_the_end() {
    let server = with_patience(SHORT, "");
    let id = book_with_ticket(&server);
    server.shows(&format!("/points/{id}"), json!({"status": "Waiting Point"}));
    server.stop(POINT);
    print(&server, id).refuses(503, "retry-later");
    server.get(&format!("/tickets/{id}")).is(200).has("status", "Waiting");
    server.start_again(POINT);
    server.shows(&format!("/points/{id}"), json!({"status": "Waiting Point", "score": 0}));

    // The points are granted, but the answer reaches no asker: they are taken away again.
    server.delay(POINT, LATE, LATE);
    print(&server, id).refuses(503, "retry-later");
    server.heal(POINT);
    eventually("the points are taken away", || {
        (happened(&server, id, "PointRevoked") == 1).then_some(())
    });
    shows_waiting(&server, id);

    print(&server, id).is(200);
    shows_printed(&server, id);
}

#[test]
fn an_unavailable_context_stops_no_other() {
    let server = movie("");
    let id = book_with_ticket(&server);
    server.stop(MYPAGE);
    server.stop(BOOK);
    server.get("/books/1").problem(503);
    print(&server, id).is(200);
    server.start_again(BOOK);
    server.shows(&format!("/books/{id}"), json!({"status": "PrintComplete"}));
    // Canceling goes on while those who follow are away.
    let second = book_with_ticket(&server);
    server.stop(PAYMENT);
    server.stop(POINT);
    cancel(&server, second).is(200).has("status", "Canceled");
    for context in [PAYMENT, POINT, MYPAGE] {
        server.start_again(context);
    }
    shows_canceled(&server, second);
    shows_printed(&server, id);
}

#[test]
fn a_cancel_that_a_crash_interrupts_is_done_after_the_restart() {
    let mut server = with_patience(SHORT, "");
    let id = book_with_ticket(&server);
    server.stop(TICKET);
    cancel(&server, id).is(202);
    server.kill();
    server.restart();
    shows_canceled(&server, id);
}

#[test]
fn a_print_that_a_crash_interrupts_is_done_after_the_restart_and_the_points_are_granted_once() {
    // The print must not give up before the crash comes.
    let mut server = with_patience(60_000, "");
    let id = book_with_ticket(&server);
    server.delay(POINT, 60_000, 60_000);
    let client = (*server).clone();
    let printing = thread::spawn(move || {
        client.attempt("PATCH", "/tickets/1", |request| request.json(&json!({"status": "Printed"})))
    });
    eventually("the points are granted", || {
        (happened(&server, id, "WrittenPoint") == 1).then_some(())
    });
    server.kill();
    assert!(printing.join().unwrap().is_err(), "no answer has come");
    server.restart();
    shows_printed(&server, id);
    assert_eq!(happened(&server, id, "WrittenPoint"), 1);
    cancel(&server, id).refuses(409, "ticket-printed");
}
