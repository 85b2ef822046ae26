//! Each context unavailable in turn, slow, or killed in the middle.

use super::{JUNE, cancel, costs, happened, reserve, start, ticket};
use serde_json::json;
use std::thread;
use support::{Answer, Client, Server, eventually};

const WEDNESDAY: &str = "2021-07-07";

#[test]
fn with_the_ticket_away_nothing_is_established_and_nothing_is_held_afterwards() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-06").is(201);
    server.stop("ticketing.ticket");
    reserve(&server, 1, "A", "VIP").refuses(503, "retry-later");
    server.get("/reservations/1").refuses(404, "not-found");
    server.get("/tickets/1").problem(503);
    assert_eq!(server.total("reservations"), 0);
    costs(&server, 1, 10_000);
    server.start_again("ticketing.ticket");
    reserve(&server, 1, "B", "VIP").is(201).has("id", 2);
    assert_eq!(happened(&server, 1, "StatusUpdated"), 0);
    server.shows("/views/1", json!({"userId": "B", "status": "예약됨", "discountedPrice": 9_000}));
}

#[test]
fn reservations_are_taken_while_prices_and_the_view_are_away() {
    let server = start();
    ticket(&server, 1, "예약가능", WEDNESDAY).is(201);
    costs(&server, 1, 8_000);
    server.stop("ticketing.price");
    ticket(&server, 2, "예약가능", WEDNESDAY).is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    reserve(&server, 2, "B", "VIP").is(201);
    server.get("/prices/1").problem(503);
    // The view shows what it knows.
    server.shows("/views/1", json!({"status": "예약됨", "userId": "B", "discountedPrice": 8_000}));
    server.shows(
        "/views/2",
        json!({"status": "예약됨", "userId": "B", "price": null, "discountedPrice": null}),
    );
    server.stop("ticketing.view");
    cancel(&server, 1).is(200);
    server.get("/views/1").problem(503);
    server.start_again("ticketing.price");
    server.shows("/prices/1", json!({"discountedPrice": 8_000}));
    server.shows("/prices/2", json!({"discountedPrice": 7_000}));
    server.start_again("ticketing.view");
    server.shows(
        "/views/1",
        json!({"status": "예약가능", "reservationStatus": "CANCELLED", "discountedPrice": 8_000}),
    );
    costs(&server, 2, 7_000);
}

#[test]
fn tickets_are_registered_and_looked_at_while_reservations_are_away() {
    let server = start();
    ticket(&server, 1, "예약가능", WEDNESDAY).is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    server.shows("/views/1", json!({"reservationStatus": "RESERVED", "discountedPrice": 7_000}));
    server.stop("ticketing.reservation");
    ticket(&server, 2, "예약가능", WEDNESDAY).is(201);
    costs(&server, 2, 8_000);
    reserve(&server, 2, "A", "VIP").problem(503);
    server.get("/views/1").is(200).has("reservationStatus", "RESERVED").has("userId", "B");
    server.start_again("ticketing.reservation");
    reserve(&server, 2, "A", "VIP").is(201);
    server.get("/reservations/1").is(200).has("status", "RESERVED");
}

#[test]
fn no_ticket_stays_held_by_a_reservation_that_failed_when_answers_come_about_the_timeout() {
    const TICKETS: u64 = 24;
    let toml = "[guard.'ticketing.ticket']\nbreaker_minimum = 100000\n";
    let server = Server::of("ticketing", toml, &["--clock", JUNE]);
    (1..=TICKETS).for_each(|number| drop(ticket(&server, number, "예약가능", WEDNESDAY).is(201)));
    server.delay("ticketing.ticket", 300, 900);
    let client: &Client = &server;
    let answers: Vec<(u64, Answer)> = thread::scope(|scope| {
        let ask = |number| scope.spawn(move || (number, reserve(client, number, "B", "VIP")));
        let asked: Vec<_> = (1..=TICKETS).map(ask).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    server.heal("ticketing.ticket");
    for (number, answer) in &answers {
        let user = if answer.status == 201 { "B" } else { "C" };
        if user == "C" {
            answer.refuses(503, "retry-later");
            // What it took is given back before long; the next client gets it.
            let taken = || (reserve(&server, *number, user, "VIP").status == 201).then_some(());
            eventually("the ticket can be had", taken);
        }
        server.shows(&format!("/views/{number}"), json!({"userId": user, "status": "예약됨"}));
        costs(&server, *number, 7_000);
    }
    assert_eq!(server.total("reservations"), TICKETS);
}

#[test]
fn what_is_not_settled_is_in_no_list_and_a_kill_in_the_middle_loses_nothing_of_it() {
    let patient = "[guard.'ticketing.ticket']\ntimeout_ms = 60000\n";
    let mut server = Server::of("ticketing", patient, &["--clock", JUNE]);
    ticket(&server, 1, "예약가능", WEDNESDAY).is(201);
    server.delay("ticketing.ticket", 50_000, 50_000);
    let body = json!({"ticketId": "1", "userId": "B", "userGrade": "VIP"});
    thread::scope(|scope| {
        let client = server.apart();
        let body = body.clone();
        let asking = scope.spawn(move || client.try_post_once("/reservations", "mine", &body));
        server.shows("/reservations/1", json!({"status": "Requested"}));
        let refused = cancel(&server, 1);
        refused.refuses(409, "still-open");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(server.total("reservations"), 0);
        // The ticket has been asked, and its answer is held back.
        server.shows("/tickets/1", json!({"status": "예약됨"}));
        server.kill();
        assert!(asking.join().unwrap().is_err(), "no client was answered");
    });
    server.restart();
    // The question is put again, and the same answer settles it; the client gets it under the same key.
    server.shows("/reservations/1", json!({"status": "RESERVED", "userId": "B"}));
    server
        .try_post_once("/reservations", "mine", &body)
        .unwrap()
        .is(201)
        .has("id", 1)
        .has("status", "RESERVED");
    costs(&server, 1, 7_000);
    reserve(&server, 1, "C", "VIP").refuses(409, "ticket-taken");
    assert_eq!((happened(&server, 1, "StatusUpdated"), happened(&server, 1, "Reserved")), (1, 1));
    cancel(&server, 1).is(200);
    costs(&server, 1, 8_000);
    server.shows("/tickets/1", json!({"status": "예약가능"}));
}
