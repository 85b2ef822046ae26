//! Many at once: one book for twenty, one request for two judges.

use super::library::{command, fill, happened, register, request, start};
use serde_json::{Value, json};
use support::{Answer, at_once};

fn won(of: &[Value]) -> u64 {
    of.iter().map(|payment| payment["rentalFee"].as_u64().unwrap()).sum()
}

fn one_is_held_and_the_others_are_refunded(clients: u64) {
    let server = start();
    // So that the number of the book is none of those of its rents.
    fill(&server, clients);
    let book = register(&server, "Hello, JAVA");
    let rents: Vec<u64> =
        at_once(&server, clients, |client, user| request(client, book, user).is(201).id());
    let held = server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    let winner = held["rentId"].as_u64().unwrap();
    assert!(rents.contains(&winner) && !rents.contains(&book));
    for rent in rents.iter().filter(|rent| **rent != winner) {
        server.shows(&format!("/rents/{rent}"), json!({"status": "CANCELED"}));
        server.shows(&format!("/payments/{rent}"), json!({"status": "REFUNDED"}));
        server.shows(&format!("/dashboards/{rent}"), json!({"status": "CANCELED"}));
        assert_eq!(
            (happened(&server, *rent, "Refunded"), happened(&server, *rent, "Canceled")),
            (1, 1)
        );
    }
    command(&server, "books", "approve", book).is(200).has("rentId", winner);
    server.shows(
        &format!("/rents/{winner}"),
        json!({"status": "APPROVED", "userId": held["userId"]}),
    );
    server.shows(&format!("/dashboards/{winner}"), json!({"status": "APPROVED"}));

    let payments = server.all("payments");
    let of = |status: &str| -> Vec<Value> {
        payments.iter().filter(|payment| payment["status"] == status).cloned().collect()
    };
    assert_eq!(won(&payments), 3000 * clients, "every request was paid for");
    assert_eq!(
        (won(&of("PAID")), won(&of("REFUNDED"))),
        (3000, 3000 * (clients - 1)),
        "kept and refunded"
    );
    assert_eq!(of("PAID")[0]["rentId"], winner);
    assert_eq!(server.get("/rents?status=CANCELED").is(200)["page"]["totalElements"], clients - 1);
}

#[test]
fn of_two_paid_requests_for_a_book_one_is_held_and_the_other_refunded() {
    one_is_held_and_the_others_are_refunded(2);
}

#[test]
fn of_twenty_paid_requests_for_a_book_one_is_held_and_all_others_are_refunded() {
    one_is_held_and_the_others_are_refunded(20);
}

#[test]
fn of_approve_and_reject_at_once_one_wins_and_the_rent_follows_the_winner() {
    let server = start();
    let books: Vec<u64> = (0..9).map(|n| register(&server, &format!("book{n}"))).collect();
    // Each rent is of a book with another number than its own.
    for (round, book) in books.iter().rev().enumerate().filter(|(round, _)| *round != 4) {
        let rent = request(&server, *book, 7).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
        let answers: Vec<(bool, Answer)> = at_once(&server, 8, |client, n| {
            let approves = n % 2 == 0;
            (approves, command(client, "books", if approves { "approve" } else { "reject" }, *book))
        });
        let of = |approves: bool| {
            answers.iter().filter(move |(what, _)| *what == approves).map(|(_, answer)| answer)
        };
        let approved = of(true).any(|answer| answer.status == 200);
        for answer in of(!approved) {
            answer.refuses(409, if approved { "already-approved" } else { "nothing-held" });
        }
        let once = happened(&server, rent, "Approved");
        let twice = happened(&server, rent, "Rejected");
        if approved {
            assert!(
                of(true).all(|answer| answer.status == 200),
                "round {round}: a repeat has the same effect"
            );
            assert_eq!((once, twice), (1, 0), "round {round}");
            server.shows(&format!("/rents/{rent}"), json!({"status": "APPROVED"}));
            server.get(&format!("/payments/{rent}")).is(200).has("status", "PAID");
        } else {
            // Once it has been rejected nothing is held: a second rejection finds nothing.
            assert_eq!(of(false).filter(|answer| answer.status == 200).count(), 1, "round {round}");
            assert_eq!((once, twice), (0, 1), "round {round}");
            server.shows(&format!("/rents/{rent}"), json!({"status": "CANCELED"}));
            server.shows(&format!("/payments/{rent}"), json!({"status": "REFUNDED"}));
        }
    }
}

#[test]
fn many_returns_at_once_are_one() {
    let server = start();
    fill(&server, 3);
    let book = register(&server, "Hello, JAVA");
    for round in 1..=3 {
        let rent = request(&server, book, 7).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
        command(&server, "books", "approve", book).is(200);
        server.shows(&format!("/rents/{rent}"), json!({"status": "APPROVED"}));
        let answers = at_once(&server, 10, |client, n| match n % 2 {
            0 => command(client, "rents", "return", rent),
            _ => client.patch(&format!("/rents/{rent}"), json!({"status": "RETURNED"})),
        });
        let first = answers[0].clone().is(200);
        for answer in answers {
            assert_eq!(answer.is(200)["returnedDate"], first["returnedDate"]);
        }
        server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));
        assert_eq!(
            (happened(&server, rent, "Returned"), happened(&server, rent, "BookFreed")),
            (1, 1),
            "round {round}"
        );
    }
}

#[test]
fn an_approval_and_new_requests_at_once_leave_every_request_held_lent_or_refunded() {
    let server = start();
    fill(&server, 50);
    let book = register(&server, "Hello, JAVA");
    for _ in 0..5 {
        let first = request(&server, book, 1).is(201).id();
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": first}));
        let answers = at_once(&server, 8, |client, n| match n {
            1 => command(client, "books", "approve", book).is(200),
            n => request(client, book, n).is(201),
        });
        server.shows(&format!("/rents/{first}"), json!({"status": "APPROVED"}));
        for rent in answers[1..].iter().map(Answer::id) {
            server.shows(&format!("/rents/{rent}"), json!({"status": "CANCELED"}));
        }
        server
            .get(&format!("/books/{book}"))
            .is(200)
            .has("status", "APPROVED")
            .has("rentId", first);
        command(&server, "rents", "return", first).is(200);
        server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));
    }
    let kept = server.get("/payments?status=PAID").is(200)["page"]["totalElements"].clone();
    let refunded = server.get("/payments?status=REFUNDED").is(200)["page"]["totalElements"].clone();
    assert_eq!((kept, refunded), (json!(5), json!(35)));
}
