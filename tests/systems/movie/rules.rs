//! The transcript, and what the business promises and refuses.

use super::theatre::{
    PAYMENT, book, book_with_ticket, cancel, happened, movie, print, saga, shows_canceled,
    shows_printed, shows_waiting, soul,
};
use serde_json::{Value, json};
use std::thread;

#[test]
fn the_transcript_replays_line_by_line() {
    let server = movie("");
    let booked = server.post("/books", soul()).is(201);
    let booked = booked.has("id", 1).has("qty", 2).has("movieName", "soul").has("seat", "1A,2B");
    let booked =
        booked.has("totalPrice", 10_000).has("showtime", Value::Null).has("name", Value::Null);
    let booked = booked.has("status", "PaidComplete");
    assert!(booked.header("location").ends_with("/books/1"), "{:?}", booked.headers);
    assert_eq!(booked["_links"]["self"]["href"], booked["_links"]["book"]["href"]);
    let ticket = json!({"bookingId": 1, "movieName": "soul", "qty": 2, "seat": "1A,2B", "status": "Waiting"});
    server.shows("/tickets/1", ticket);
    server.shows("/points/1", json!({"bookingId": 1, "score": 0, "status": "Waiting Point"}));
    server
        .get("/payments/1")
        .is(200)
        .has("bookingId", 1)
        .has("totalPrice", 10_000)
        .has("status", "Paid");
    let row = json!({"bookingId": 1, "qty": 2, "movieName": "soul", "seat": "1A,2B", "price": 10_000, "score": 0});
    server.shows("/mypages/1", row);
    server.shows("/mypages/1", json!({"status": "PaidComplete"}));

    let first = print(&server, 1).is(200).has("status", "Printed").has("id", 1);
    server.shows("/books/1", json!({"status": "PrintComplete"}));
    server.post("/books", soul()).is(201).has("id", 2).has("status", "PaidComplete");
    let second = print(&server, 1).is(200).has("status", "Printed");
    assert_eq!(first.header("etag"), second.header("etag"));
    assert_eq!((happened(&server, 1, "Printed"), happened(&server, 1, "WrittenPoint")), (1, 1));
    server.shows("/mypages/1", json!({"status": "Printed", "score": 100}));
    server.shows("/points/1", json!({"status": "Pointed", "score": 100, "contents": "soul"}));
    server.shows("/mypages/2", json!({"status": "PaidComplete", "score": 0}));
}

#[test]
fn all_of_it_is_one_saga() {
    let server = movie("");
    let id = book_with_ticket(&server);
    print(&server, id).is(200);
    server.shows(&format!("/books/{id}"), json!({"status": "PrintComplete"}));
    let mut told: Vec<String> =
        saga(&server, id).iter().map(|entry| entry["what"].as_str().unwrap().into()).collect();
    told.sort();
    let mut wanted =
        ["BookRequested", "Paid", "Booked", "Created", "WaitedPoint", "TicketPrintRequested"]
            .to_vec();
    wanted.extend(["WrittenPoint", "Printed", "BookPrintCompleted"]);
    wanted.sort_unstable();
    // The question of the points may come before the ticket is known.
    told.retain(|what| what != "WaitedPoint");
    wanted.retain(|what| *what != "WaitedPoint");
    assert_eq!(told, wanted);
}

#[test]
fn a_cancel_cancels_the_ticket_and_gives_back_money_and_points_and_a_second_one_is_no_second_event()
{
    let server = movie("");
    let id = book_with_ticket(&server);
    let first = cancel(&server, id).is(200).has("status", "Canceled");
    shows_canceled(&server, id);
    let second = cancel(&server, id).is(200).has("status", "Canceled");
    assert_eq!(first.header("etag"), second.header("etag"));
    for what in ["Canceled", "PaymentCanceled", "TicketCanceled"] {
        assert_eq!(happened(&server, id, what), 1, "{what}");
    }
    print(&server, id).refuses(409, "ticket-canceled");
    assert_eq!(server.get("/books?status=Canceled").is(200)["page"]["totalElements"], 1);
}

#[test]
fn deleting_a_booking_cancels_it_and_keeps_what_was() {
    let server = movie("");
    let id = book(&server);
    let path = format!("/books/{id}");
    assert!(server.delete(&path).is(204).text.is_empty());
    server
        .get(&path)
        .is(200)
        .has("status", "Canceled")
        .has("movieName", "soul")
        .has("seat", "1A,2B");
    assert_eq!(server.total("books"), 1);
    server.delete(&path).is(204);
    shows_canceled(&server, id);
    assert_eq!(happened(&server, id, "Canceled"), 1);
    server.delete("/books/9").refuses(404, "not-found");
}

#[test]
fn what_is_printed_cannot_be_canceled() {
    let server = movie("");
    let id = book_with_ticket(&server);
    print(&server, id).is(200);
    // Whether or not the booking knows of the print yet.
    cancel(&server, id).refuses(409, "ticket-printed");
    server.shows(&format!("/books/{id}"), json!({"status": "PrintComplete"}));
    server.delete(&format!("/books/{id}")).refuses(409, "ticket-printed");
    shows_printed(&server, id);
}

#[test]
fn nothing_can_be_printed_before_it_is_booked_and_paid() {
    let server = movie("");
    server.delay(PAYMENT, 6000, 6000);
    thread::scope(|scope| {
        let booking = scope.spawn(|| server.post("/books", soul()));
        server.shows("/books/1", json!({"status": "Registered"}));
        print(&server, 1).refuses(404, "not-found");
        server.get("/tickets/1").refuses(404, "not-found");
        let refused = cancel(&server, 1);
        refused.refuses(409, "still-open");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!((server.total("books"), server.total("mypages")), (0, 0));
        booking.join().unwrap().is(201).has("status", "PaidComplete");
    });
    server.shows("/tickets/1", json!({"status": "Waiting"}));
}

#[test]
fn payments_tickets_and_points_cannot_be_made_by_hand() {
    let server = movie("");
    let id = book_with_ticket(&server);
    for (path, methods) in [
        ("/payments".to_owned(), &["POST"][..]),
        (format!("/payments/{id}"), &["PATCH", "DELETE", "PUT"]),
        ("/tickets".to_owned(), &["POST"]),
        (format!("/tickets/{id}"), &["DELETE"]),
        ("/points".to_owned(), &["POST"]),
        (format!("/points/{id}"), &["PATCH", "DELETE"]),
        ("/mypages".to_owned(), &["POST"]),
        (format!("/mypages/{id}"), &["PATCH"]),
    ] {
        for method in methods {
            let body = json!({"bookingId": 7, "status": "Paid", "score": 1000});
            let answer = server.call(method, &path, |request| request.json(&body));
            answer.problem(405);
            assert!(answer.header("allow").contains("GET"), "{method} {path}");
        }
    }
    // Nor can a client say what is not its own.
    let body =
        json!({"qty": 1, "id": 77, "status": "PrintComplete", "name": "mine", "bookingId": 5});
    let booked = server.post("/books", body).is(201).has("id", 2);
    booked.has("status", "PaidComplete").has("name", Value::Null);
    server.patch("/books/2", json!({"status": "PrintComplete"})).problem(400);
    server.patch("/tickets/2", json!({"status": "Canceled"})).problem(400);
}

#[test]
fn seats_of_a_showtime_must_be_as_many_as_are_booked_and_none_twice() {
    let server = movie("");
    let with = |qty: u64, seat: Value| json!({"qty": qty, "movieName": "soul", "seat": seat, "showtime": "2026-12-24T19:00:00+09:00"});
    for (qty, seat) in [
        (2, json!("1A")),
        (1, json!("1A,2B")),
        (2, json!("1A, 1A")),
        (1, Value::Null),
        (1, json!("")),
    ] {
        server.post("/books", with(qty, seat)).refuses(422, "wrong-seats");
    }
    server.post("/books", json!({"qty": 0})).refuses(422, "wrong-qty");
    server.post("/books", json!({"qty": -1})).problem(400);
    let seats = |count: u64| {
        json!((1..=count).map(|seat| format!("{seat}A")).collect::<Vec<_>>().join(","))
    };
    server.post("/books", with(21, seats(21))).refuses(422, "too-many-seats");
    server.post("/books", json!({"qty": 21})).refuses(422, "too-many-seats");
    server.post("/books", with(1, json!("s".repeat(65)))).refuses(422, "seat-too-long");
    assert_eq!(server.total("books"), 0);
    let booked = server.post("/books", with(2, json!("1A, 2B"))).is(201);
    booked.has("id", 1).has("showtime", "2026-12-24T10:00:00Z");
    // Without a showtime seating is free.
    server.post("/books", json!({"qty": 3, "seat": "1A,1A"})).is(201).has("showtime", Value::Null);
}

#[test]
fn a_seat_is_sold_once_for_each_movie_and_showtime_however_it_is_written() {
    let server = movie("");
    let body = |movie: &str, seat: &str, showtime: &str| json!({"qty": seat.split(',').count(), "movieName": movie, "seat": seat, "showtime": showtime});
    let evening = "2026-12-24T19:00:00+09:00";
    let night = "2026-12-24T23:00:00+09:00";
    server.post("/books", body("soul", "1A,2B", evening)).is(201);
    for seat in ["1A", " 2B ", "3C,1A"] {
        let refused = server.post("/books", body("soul", seat, "2026-12-24T10:00:00Z"));
        refused.refuses(409, "seat-taken");
        assert!(
            ["1A", "2B"].iter().any(|seat| refused["detail"].as_str().unwrap().contains(seat)),
            "{}",
            refused.text
        );
    }
    server.post("/books", body("soul", "3C", evening)).is(201);
    server.post("/books", body("soul", "1A", night)).is(201);
    server.post("/books", body("up", "1A", evening)).is(201);
    // A canceled booking gives its seats back, a printed one never does.
    cancel(&server, 1).is(200);
    let again = server.post("/books", body("soul", "1A,2B", evening)).is(201).id();
    server.shows(&format!("/tickets/{again}"), json!({"status": "Waiting"}));
    print(&server, again).is(200);
    server.shows(&format!("/books/{again}"), json!({"status": "PrintComplete"}));
    server.post("/books", body("soul", "1A", evening)).refuses(409, "seat-taken");
}

#[test]
fn a_showtime_that_is_a_date_alone_is_the_beginning_of_that_day_in_seoul_or_wherever_the_theatre_is()
 {
    let body = |seat: &str, showtime: &str| json!({"qty": 1, "movieName": "soul", "seat": seat, "showtime": showtime});
    let server = movie("");
    server.post("/books", body("1A", "2026-12-24")).is(201).has("showtime", "2026-12-23T15:00:00Z");
    // The same seat, however the moment is written.
    server.post("/books", body("1A", "2026-12-24T00:00:00+09:00")).refuses(409, "seat-taken");
    server.post("/books", body("1A", "2026-12-25")).is(201);
    for wrong in ["tomorrow", "2026-02-30", "2026-12-24T19:00:00", ""] {
        let answer = server.post("/books", body("2B", wrong));
        answer.refuses(400, "bad-body");
        assert!(answer.text.contains("showtime"), "{}", answer.text);
    }
    let server = movie("zone = \"America/New_York\"");
    server.post("/books", body("1A", "2026-12-24")).is(201).has("showtime", "2026-12-24T05:00:00Z");
}

#[test]
fn where_the_theatre_sets_the_price_it_must_be_right_and_the_booking_names_the_theatre() {
    let server = movie("name = \"서울극장\"\nticket_price = 5000");
    for wrong in [json!(9999), json!(5000), json!(0), Value::Null] {
        server.post("/books", json!({"qty": 2, "totalPrice": wrong})).refuses(422, "wrong-price");
    }
    server
        .post("/books", json!({"qty": (1_u64 << 53) - 1, "totalPrice": 1}))
        .refuses(422, "wrong-price");
    server
        .post("/books", soul())
        .is(201)
        .has("id", 1)
        .has("name", "서울극장")
        .has("totalPrice", 10_000);
}

#[test]
fn a_declined_payment_is_reported_as_such_and_leaves_only_a_used_number() {
    let server = movie("decline_from = 20000");
    let showtime = "2026-12-24T10:00:00Z";
    let body = |price: u64| json!({"qty": 1, "seat": "1A", "movieName": "soul", "totalPrice": price, "showtime": showtime});
    server.post("/books", body(20_000)).refuses(409, "payment-declined");
    for path in ["/books/1", "/payments/1", "/tickets/1", "/points/1", "/mypages/1"] {
        server.get(path).refuses(404, "not-found");
    }
    assert_eq!((server.total("books"), server.total("mypages")), (0, 0));
    // The seat is free again.
    server.post("/books", body(19_999)).is(201).has("id", 2);
}

#[test]
fn what_belongs_to_a_booking_is_found_by_its_number_and_by_its_status() {
    let server = movie("");
    let first = book_with_ticket(&server);
    let second = book_with_ticket(&server);
    print(&server, first).is(200);
    shows_printed(&server, first);
    shows_waiting(&server, second);
    for collection in ["payments", "tickets", "points", "mypages"] {
        let found = server.get(&format!("/{collection}?bookingId={second}")).is(200);
        let ids: Vec<_> = found.items(collection).iter().map(|item| item["id"].clone()).collect();
        assert_eq!(ids, [json!(second)], "{collection}");
    }
    for (query, id) in [
        ("books?status=PrintComplete", first),
        ("books?status=PaidComplete", second),
        ("tickets?status=Waiting", second),
        ("points?status=Waiting%20Point", second),
        ("mypages?status=Printed", first),
    ] {
        let found = server.get(&format!("/{query}")).is(200);
        let items = found.items(query.split('?').next().unwrap());
        assert_eq!((items.len(), &items[0]["id"]), (1, &json!(id)), "{query}");
    }
}
