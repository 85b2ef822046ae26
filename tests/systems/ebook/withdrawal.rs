//! A customer withdraws a request before it is approved: the book decides which of the two comes first.

use super::library::{
    BOOK, PAYMENT, command, happened, is_a_date, patient, register, request, start, with_books,
};
use serde_json::json;
use std::thread;
use support::{Answer, Client, Server, eventually};

fn withdraw(client: &Client, rent: u64) -> Answer {
    client.delete(&format!("/rents/{rent}"))
}

/// Waits until rent `rent` of `book` is withdrawn everywhere, once.
#[track_caller]
fn is_withdrawn(server: &Server, rent: u64, book: u64) {
    let canceled = json!({"status": "CANCELED", "reason": "withdrawn"});
    is_a_date(&server.shows(&format!("/rents/{rent}"), canceled.clone()), "canceledDate");
    is_a_date(&server.shows(&format!("/dashboards/{rent}"), canceled), "canceledDate");
    server.shows(&format!("/payments/{rent}"), json!({"status": "REFUNDED"}));
    for once in ["Canceled", "Refunded", "RentWithdrawRequested"] {
        assert_eq!(happened(server, rent, once), 1, "{once} of rent {rent}");
    }
    assert_eq!(happened(server, rent, "RentApproved"), 0);
    let book = server.get(&format!("/books/{book}")).is(200);
    assert_ne!(book["rentId"], rent, "{}", book.text);
}

#[test]
fn a_held_request_is_withdrawn_refunded_and_the_book_is_free() {
    let server = start();
    let [book, other] = with_books(&server);
    for (book, by_patch) in [(book, false), (other, true)] {
        let rent = request(&server, book, 7).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
        let path = format!("/rents/{rent}");
        let patch = || server.patch(&path, json!({"status": "CANCELED"}));
        if by_patch {
            patch().is(200).has("status", "CANCELED").has("reason", "withdrawn");
        } else {
            withdraw(&server, rent).is(204);
        }
        is_withdrawn(&server, rent, book);
        let free = json!({"status": "POSSIBLE", "rentId": null, "userId": null});
        server.shows(&format!("/books/{book}"), free);
        // Again it changes nothing.
        withdraw(&server, rent).is(204);
        patch().is(200).has("status", "CANCELED");
        is_withdrawn(&server, rent, book);
        command(&server, "books", "approve", book).refuses(409, "nothing-held");
        command(&server, "rents", "return", rent).refuses(409, "not-lent");
        let next = request(&server, book, 8).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": next}));
    }
}

#[test]
fn what_is_approved_returned_rejected_or_unknown_cannot_be_withdrawn() {
    let server = start();
    let [book, other] = with_books(&server);
    let rent = request(&server, book, 7).is(201).id();
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
    command(&server, "books", "approve", book).is(200);
    let refused = |rent: u64| {
        withdraw(&server, rent).refuses(409, "already-approved");
        let patch = server.patch(&format!("/rents/{rent}"), json!({"status": "CANCELED"}));
        patch.refuses(409, "already-approved");
    };
    refused(rent);
    server.shows(&format!("/rents/{rent}"), json!({"status": "APPROVED", "reason": null}));
    refused(rent);
    command(&server, "rents", "return", rent).is(200);
    refused(rent);
    server.get(&format!("/rents/{rent}")).is(200).has("status", "RETURNED");

    let rejected = request(&server, other, 7).is(201).id();
    server.shows(&format!("/books/{other}"), json!({"status": "PAID", "rentId": rejected}));
    command(&server, "books", "reject", other).is(200);
    let canceled = json!({"status": "CANCELED", "reason": "rejected"});
    server.shows(&format!("/rents/{rejected}"), canceled.clone());
    withdraw(&server, rejected).is(204);
    server.shows(&format!("/dashboards/{rejected}"), canceled);
    withdraw(&server, 99).refuses(404, "not-found");
}

#[test]
fn of_an_approval_and_a_withdrawal_at_once_one_wins() {
    let server = start();
    with_books(&server);
    for round in 0..12_u64 {
        let book = register(&server, "raced");
        let rent = request(&server, book, 7).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
        let (approved, withdrawn) = thread::scope(|scope| {
            let own = server.apart();
            let approving = scope.spawn(move || command(&own, "books", "approve", book));
            let withdrawn = withdraw(&server.apart(), rent);
            (approving.join().unwrap(), withdrawn)
        });
        if withdrawn.status == 204 {
            approved.refuses(409, "nothing-held");
            is_withdrawn(&server, rent, book);
            server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));
        } else {
            withdrawn.refuses(409, "already-approved");
            approved.is(200);
            server.shows(&format!("/rents/{rent}"), json!({"status": "APPROVED"}));
            assert_eq!(happened(&server, rent, "Canceled"), 0, "round {round}");
        }
    }
}

#[test]
fn many_withdrawals_of_one_rent_are_one() {
    let server = start();
    let [book, _] = with_books(&server);
    let rent = request(&server, book, 7).is(201).id();
    thread::scope(|scope| {
        for turn in 0..20 {
            let own = server.apart();
            scope.spawn(move || {
                if turn % 2 == 0 {
                    withdraw(&own, rent).is(204)
                } else {
                    own.patch(&format!("/rents/{rent}"), json!({"status": "CANCELED"})).is(200)
                }
            });
        }
    });
    is_withdrawn(&server, rent, book);
    server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE", "rentId": null}));
}

#[test]
fn a_book_that_is_away_is_asked_until_it_is_back_and_a_request_that_comes_then_is_ignored() {
    let mut server = start();
    let [book, other] = with_books(&server);
    for (book, is_killed) in [(book, false), (other, true)] {
        server.stop(BOOK);
        let rent = request(&server, book, 7).is(201).id();
        withdraw(&server, rent).is(202);
        let path = format!("/rents/{rent}");
        server.get(&path).is(200).has("status", "RENTED").has("reason", json!(null));
        if is_killed {
            server.kill();
            server.restart();
        } else {
            server.start_again(BOOK);
        }
        is_withdrawn(&server, rent, book);
        let next = request(&server, book, 8).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": next}));
        command(&server, "books", "approve", book).is(200).has("rentId", next);
    }
}

#[test]
fn a_withdrawal_of_an_unknown_book_is_answered_too() {
    let server = start();
    with_books(&server);
    server.stop(BOOK);
    let rent = request(&server, 999, 7).is(201).id();
    withdraw(&server, rent).is(202);
    server.start_again(BOOK);
    let canceled = server.shows(&format!("/rents/{rent}"), json!({"status": "CANCELED"}));
    assert_eq!(canceled["reason"], "withdrawn");
    server.shows(&format!("/payments/{rent}"), json!({"status": "REFUNDED"}));
    server.get("/books/999").refuses(404, "not-found");
}

#[test]
fn a_withdrawal_does_not_wait_for_the_payment_and_is_refunded_when_that_is_back() {
    let mut server = start();
    let [book, other] = with_books(&server);
    for (book, is_killed) in [(book, false), (other, true)] {
        let rent = request(&server, book, 7).is(201).id();
        server.stop(PAYMENT);
        withdraw(&server, rent).is(204);
        server.get(&format!("/rents/{rent}")).is(200).has("status", "CANCELED");
        if is_killed {
            server.kill();
            server.restart();
        } else {
            server.start_again(PAYMENT);
        }
        is_withdrawn(&server, rent, book);
    }
}

#[test]
fn a_rent_that_waits_for_its_payment_cannot_be_withdrawn_yet() {
    let server = start();
    let [book, _] = with_books(&server);
    server.delay(PAYMENT, 5000, 5000);
    thread::scope(|scope| {
        let own = server.apart();
        let renting = scope.spawn(move || request(&own, book, 7));
        eventually("it is open", || {
            (server.get("/rents/1").body["status"] == "Requested").then_some(())
        });
        let refused = withdraw(&server, 1);
        refused.refuses(409, "still-open");
        assert_eq!(refused.header("retry-after"), "1");
        server.heal(PAYMENT);
        renting.join().unwrap().is(201);
    });
    withdraw(&server, 1).is(204);
    is_withdrawn(&server, 1, book);
}

#[test]
fn an_open_amount_is_judged_and_until_then_a_request_can_only_be_rejected() {
    let server = start();
    let [book, other] = with_books(&server);
    let open = |book: u64| {
        server.stop(BOOK);
        let rent = server.post("/rents", json!({"userId": 7, "bookId": book})).is(201).id();
        server.stop(PAYMENT);
        server.start_again(BOOK);
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
        command(&server, "books", "approve", book).refuses(409, "amount-open");
        let patch = server.patch(&format!("/books/{book}"), json!({"status": "APPROVED"}));
        patch.refuses(409, "amount-open");
        rent
    };
    let rejected = open(other);
    command(&server, "books", "reject", other).is(200).has("status", "POSSIBLE");
    server.start_again(PAYMENT);
    let reason = json!({"status": "CANCELED", "reason": "rejected"});
    server.shows(&format!("/rents/{rejected}"), reason);

    let rent = open(book);
    server.get(&format!("/rents/{rent}")).is(200).has("rentalFee", json!(null));
    server.start_again(PAYMENT);
    eventually("the amount is judged", || {
        (command(&server, "books", "approve", book).status == 200).then_some(())
    });
    let shown = json!({"status": "APPROVED", "rentalFee": 3000, "bookName": "Hello, JAVA"});
    server.shows(&format!("/rents/{rent}"), shown.clone());
    server.shows(&format!("/dashboards/{rent}"), shown);
}

#[test]
fn an_amount_that_the_payment_declines_is_rejected_by_itself() {
    let server = patient("[systems.ebook]\ndecline_from = 3000\n");
    let [book, _] = with_books(&server);
    let rent = server.post("/rents", json!({"userId": 7, "bookId": book})).is(201).id();
    let declined = json!({"status": "CANCELED", "reason": "declined", "rentalFee": null});
    server.shows(&format!("/rents/{rent}"), declined.clone());
    server.shows(&format!("/dashboards/{rent}"), declined);
    let back = json!({"status": "REFUNDED", "rentalFee": null});
    server.shows(&format!("/payments/{rent}"), back);
    server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE", "rentId": null}));
    assert_eq!(happened(&server, rent, "PaymentFixed"), 0);
    // A cheaper one is approved under the same terms.
    let cheap = server.post("/books", json!({"bookName": "cheap", "rentalFee": 2999})).is(201).id();
    let rent = server.post("/rents", json!({"userId": 7, "bookId": cheap})).is(201).id();
    server.shows(&format!("/payments/{rent}"), json!({"status": "PAID", "rentalFee": 2999}));
    server.shows(&format!("/rents/{rent}"), json!({"status": "RENTED", "rentalFee": 2999}));
}
