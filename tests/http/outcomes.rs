//! `Holdfast-Outcome`: each answer that concerns an order says how it has ended, refusals too; without an order there is
//! no such header.
use serde_json::{Value, json};
use support::{Answer, Server};

/// Payments of so much are declined here.
const TOO_DEAR: u64 = 100_000;
const LATER: &str = "2099-07-07";

/// How orders of one system are placed, and whom they ask.
struct Orders {
    system: &'static str,
    /// What is registered before.
    things: Vec<(&'static str, Value)>,
    path: &'static str,
    good: Value,
    /// An order that the asked context refuses, and the code of the refusal.
    bad: (Value, &'static str),
    asked: &'static str,
}

/// All but BookRent, which keeps what was refused.
fn all_orders() -> Vec<Orders> {
    vec![
        Orders {
            system: "purifier",
            things: vec![("/products", json!({"name": "P1", "amt": 30_000, "stock": 9}))],
            path: "/rentals",
            good: json!({"customerId": 7, "productId": 1, "amt": 30_000, "address": "Seoul"}),
            bad: (
                json!({"customerId": 7, "productId": 1, "amt": TOO_DEAR, "address": "Seoul"}),
                "payment-declined",
            ),
            asked: "purifier.payment",
        },
        Orders {
            system: "ebook",
            things: vec![("/books", json!({"bookName": "Hello, JAVA", "rentalFee": 3000}))],
            path: "/rents",
            good: json!({"userId": 1, "bookId": 1, "rentalFee": 3000}),
            bad: (json!({"userId": 1, "bookId": 1, "rentalFee": TOO_DEAR}), "payment-declined"),
            asked: "ebook.payment",
        },
        Orders {
            system: "movie",
            things: Vec::new(),
            path: "/books",
            good: json!({"qty": 1, "movieName": "soul", "totalPrice": 10_000}),
            bad: (
                json!({"qty": 1, "movieName": "soul", "totalPrice": TOO_DEAR}),
                "payment-declined",
            ),
            asked: "movie.payment",
        },
        Orders {
            system: "ticketing",
            things: vec![(
                "/tickets",
                json!({"ticketId": 1, "starttime": LATER, "endtime": LATER}),
            )],
            path: "/reservations",
            good: json!({"ticketId": 1, "userId": "A"}),
            bad: (json!({"ticketId": 77, "userId": "A"}), "ticket-unknown"),
            asked: "ticketing.ticket",
        },
        Orders {
            system: "gbike",
            things: vec![("/bikes", json!({"bikeid": 1, "location": "분당_정자역_1구역"}))],
            path: "/rents",
            good: json!({"userid": 1, "bikeid": 1}),
            bad: (json!({"userid": 1, "bikeid": 77}), "bike-unknown"),
            asked: "gbike.bike",
        },
    ]
}

fn started(orders: &Orders) -> Server {
    let system = orders.system;
    let declines = matches!(system, "purifier" | "ebook" | "movie");
    let declining = if declines {
        format!("[systems.{system}]\ndecline_from = {TOO_DEAR}\n")
    } else {
        String::new()
    };
    // Answers are waited for however slow the machine is.
    let guard = format!("[guard.\"{}\"]\ntimeout_ms = 20000\n", orders.asked);
    let server = Server::of(system, &format!("{declining}{guard}"), &[]);
    for (path, thing) in &orders.things {
        server.post(path, thing.clone()).is(201);
    }
    server
}

#[track_caller]
fn ends(answer: &Answer, outcome: &str) {
    assert_eq!(answer.header("holdfast-outcome"), outcome, "{} {}", answer.status, answer.text);
}

#[test]
fn an_order_that_ends_with_a_refusal_or_without_an_answer_says_so_in_every_system() {
    for orders in all_orders() {
        let server = started(&orders);
        let Orders { system, path, good, bad: (bad, code), asked, .. } = orders;
        // The business says no; a repeat gets the same.
        for replayed in ["", "true"] {
            let refused = server.try_post_once(path, "refused", &bad).unwrap();
            refused.refuses(409, code);
            assert_eq!(refused.header("idempotent-replayed"), replayed, "{system}");
            ends(&refused, "refused");
        }
        // No answer.
        server.stop(asked);
        let failed = server.post(path, good.clone());
        failed.refuses(503, "retry-later");
        ends(&failed, "failed");
        server.start_again(asked);
        // An order that is there, and a command on it that comes to nothing.
        let placed = server.post(path, good.clone()).is(201);
        ends(&placed, "established");
        let item = format!("{path}/{}", placed.id());
        let late = server.call("PATCH", &item, |request| {
            let change = json!({"status": "Cancel", "endlocation": "어디"});
            request.header("If-Match", "\"77\"").json(&canceling(system, change))
        });
        late.refuses(412, "version-mismatch");
        ends(&late, "established");
        // What has ended without being established is as none.
        let gone = format!("{path}/{}", placed.id() - 1);
        let none = server.patch(&gone, canceling(system, json!({"endlocation": "어디"})));
        none.refuses(404, "not-found");
        ends(&none, "");
    }
}

/// A body that the `PATCH` of the system's orders takes.
fn canceling(system: &str, other: Value) -> Value {
    match system {
        "purifier" => json!({"status": "Cancel"}),
        "ebook" => json!({"status": "CANCELED"}),
        "movie" => json!({"status": "Canceled"}),
        "ticketing" => json!({"status": "CANCELLED"}),
        _ => other,
    }
}

#[test]
fn where_nothing_was_begun_there_is_no_outcome() {
    for orders in all_orders() {
        let server = started(&orders);
        let Orders { system, path, good, .. } = orders;
        ends(&server.post(path, json!({"nothing": "of use"})), "");
        let context = match system {
            "purifier" => "purifier.rental",
            "ebook" => "ebook.rent",
            "movie" => "movie.book",
            "ticketing" => "ticketing.reservation",
            _ => "gbike.rent",
        };
        server.stop(context);
        let away = server.post(path, good);
        away.refuses(503, "context-away");
        ends(&away, "");
    }
}

#[test]
fn a_claim_that_another_booking_has_begins_no_order() {
    let server = Server::of("movie", "[guard.\"movie.payment\"]\ntimeout_ms = 20000\n", &[]);
    let seat = json!({"qty": 1, "movieName": "soul", "seat": "1A", "showtime": "2099-12-24T19:00:00+09:00"});
    ends(&server.post("/books", seat.clone()).is(201), "established");
    let taken = server.post("/books", seat);
    taken.refuses(409, "seat-taken");
    ends(&taken, "");
    server.shows("/tickets/1", json!({"status": "Waiting"}));
    server.patch("/tickets/1", json!({"status": "Printed"})).is(200);
    // The ticket is asked, and says no: the booking goes on.
    for _ in 0..2 {
        let kept = server.try_patch_once("/books/1", "cancel", &json!({"status": "Canceled"}));
        let kept = kept.unwrap();
        kept.refuses(409, "ticket-printed");
        ends(&kept, "established");
    }
}

#[test]
fn a_bookrent_rent_that_failed_says_so_whatever_is_said_to_it() {
    let server = Server::start(&[]);
    ends(&server.rent(77, 1), "failed");
    let refused = server.cancel(1);
    refused.refuses(409, "rent-failed");
    ends(&refused, "failed");
}
