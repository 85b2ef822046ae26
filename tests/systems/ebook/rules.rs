//! The transcript, and what holds while all contexts are there.

use super::library::{
    BOOK, PAYMENT, approve_when_judged, command, happened, is_a_date, patient, register, request,
    start, told, with_books,
};
use serde_json::{Value, json};

#[test]
fn the_transcript_replays_line_by_line() {
    let server = start();
    let book =
        server.post("/books", json!({"bookName": "Hello, JAVA", "rentalFee": "3000"})).is(201);
    let book = book
        .has("id", 1)
        .has("bookName", "Hello, JAVA")
        .has("rentalFee", 3000)
        .has("status", "POSSIBLE");
    is_a_date(&book, "registedDate");
    assert_eq!(book["_links"]["self"]["href"], book["_links"]["book"]["href"]);

    let order =
        json!({"userId": "1", "bookId": "1", "bookName": "Hello, JAVA", "rentalFee": "3000"});
    server
        .post("/rents", order.clone())
        .is(201)
        .has("id", 1)
        .has("status", "RENTED")
        .has("rentedDate", json!(null));
    server
        .get("/rents/1")
        .is(200)
        .has("status", "RENTED")
        .has("bookName", "Hello, JAVA")
        .has("rentalFee", 3000);
    server.shows("/books/1", json!({"status": "PAID", "rentId": 1, "userId": 1}));
    let approved =
        command(&server, "books", "approve", 1).is(200).has("status", "APPROVED").has("rentId", 1);
    is_a_date(&approved, "approvedDate");
    let rented = server.shows("/rents/1", json!({"status": "APPROVED"}));
    assert_eq!(rented["rentedDate"], approved["approvedDate"]);
    is_a_date(
        &command(&server, "rents", "return", 1).is(200).has("status", "RETURNED"),
        "returnedDate",
    );
    let free = json!({"status": "POSSIBLE", "rentId": null, "userId": null, "approvedDate": null});
    server.shows("/books/1", free);

    server.stop(PAYMENT);
    let refused = server.post("/rents", order.clone());
    refused.refuses(503, "retry-later");
    assert!(
        refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1),
        "{:?}",
        refused.headers
    );
    assert_eq!((server.total("rents"), server.get("/rents/2").status), (1, 404));
    server.start_again(PAYMENT);
    server.post("/rents", order).is(201).has("id", 3).has("status", "RENTED");
    server.shows("/books/1", json!({"status": "PAID", "rentId": 3}));
    server.get("/payments/2").refuses(404, "not-found");
    server.shows("/dashboards/3", json!({"status": "PAID"}));
    assert_eq!(
        (server.total("rents"), server.total("payments"), server.total("dashboards")),
        (2, 2, 2)
    );
}

#[test]
fn every_context_shows_what_became_of_a_rent() {
    let server = start();
    let [book, _] = with_books(&server);
    let order = json!({"userId": 7, "bookId": book, "bookName": "Hallo", "status": "RETURNED", "rentedDate": "2021-07-06"});
    server
        .post("/ebook/rents", order)
        .is(201)
        .has("id", 1)
        .has("status", "RENTED")
        .has("rentalFee", json!(null));
    let held = json!({"status": "PAID", "bookName": "Hello, JAVA", "rentalFee": 3000, "userId": 7, "bookId": book});
    let row = server.shows("/dashboards/1", held);
    is_a_date(&row, "paidDate");
    let fixed =
        json!({"rentId": 1, "userId": 7, "bookId": book, "rentalFee": 3000, "status": "PAID"});
    let payment = server.shows("/payments/1", fixed).has("refundedDate", json!(null));
    assert_eq!(payment["paidDate"], row["paidDate"]);

    approve_when_judged(&server, book).has("status", "APPROVED");
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    server.patch("/rents/1", json!({"status": "RETURNED"})).is(200).has("status", "RETURNED");
    let row = server.shows("/dashboards/1", json!({"status": "RETURNED"}));
    assert_eq!(row["rentedDate"], row["approvedDate"]);
    ["paidDate", "approvedDate", "returnedDate"].iter().for_each(|date| is_a_date(&row, date));
    let by_user = server.get("/dashboards?userId=7&status=RETURNED").is(200);
    assert_eq!(by_user["page"]["totalElements"], 1);
    for filter in [
        "payments?rentId=1",
        "payments?status=PAID",
        "rents?bookId=11&userId=7",
        "books?status=POSSIBLE",
    ] {
        assert!(
            server.get(&format!("/{filter}")).is(200)["page"]["totalElements"].as_u64() > Some(0),
            "{filter}"
        );
    }
    server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));

    server.post("/admin/views/ebook.dashboard/rebuild", json!({}));
    let again = server.shows("/dashboards/1", json!({"status": "RETURNED"}));
    assert_eq!(again.body, row.body);
}

#[test]
fn the_steps_of_an_order_are_in_its_own_saga_with_any_number_of_its_book() {
    let server = start();
    let [book, other] = with_books(&server);
    request(&server, book, 7).is(201).has("id", 1);
    request(&server, other, 8).is(201).has("id", 2);
    for (book, rent) in [(book, 1), (other, 2)] {
        server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": rent}));
    }
    command(&server, "books", "approve", book).is(200);
    command(&server, "books", "reject", other).is(200).has("status", "POSSIBLE");
    server.shows("/rents/2", json!({"status": "CANCELED"}));
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    command(&server, "rents", "return", 1).is(200);
    server.shows(&format!("/books/{book}"), json!({"status": "POSSIBLE"}));
    let of = |rent: u64, context: &str| -> Vec<String> {
        told(&server, rent)
            .into_iter()
            .filter(|(of, _)| of == context)
            .map(|(_, what)| what)
            .collect()
    };
    for (rent, expected) in [
        (1, ["RequestHeld", "Approved", "BookFreed"].as_slice()),
        (2, &["RequestHeld", "Rejected"]),
    ] {
        let own: Vec<_> = of(rent, BOOK).into_iter().filter(|what| what != "Registed").collect();
        assert_eq!(own, expected, "rent {rent}");
    }
    for what in ["RentRequested", "Paid", "Rented", "RentApproved", "Returned"] {
        assert_eq!(happened(&server, 1, what), 1, "{what}");
    }
    assert_eq!((happened(&server, 2, "Refunded"), happened(&server, 2, "Canceled")), (1, 1));
}

#[test]
fn a_rejection_refunds_and_cancels_the_rent_that_it_is_about_and_no_other() {
    let server = start();
    // Two rents whose books have each other's numbers.
    let books = [register(&server, "first"), register(&server, "second")];
    let rents =
        [request(&server, books[1], 7).is(201).id(), request(&server, books[0], 8).is(201).id()];
    assert_eq!((books, rents), ([1, 2], [1, 2]));
    server.shows("/books/1", json!({"status": "PAID", "rentId": 2}));
    server.shows("/books/2", json!({"status": "PAID", "rentId": 1}));
    command(&server, "books", "reject", 1)
        .is(200)
        .has("status", "POSSIBLE")
        .has("rentId", json!(null));
    is_a_date(&server.shows("/rents/2", json!({"status": "CANCELED"})), "canceledDate");
    is_a_date(
        &server.shows("/payments/2", json!({"status": "REFUNDED", "rentalFee": 3000})),
        "refundedDate",
    );
    is_a_date(&server.shows("/dashboards/2", json!({"status": "CANCELED"})), "canceledDate");
    command(&server, "books", "approve", 2).is(200).has("rentId", 1);
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    server.get("/payments/1").is(200).has("status", "PAID");
    command(&server, "rents", "return", 2).refuses(409, "not-lent");
}

#[test]
fn what_the_book_cannot_hold_is_refused_by_itself_refunded_and_canceled() {
    let server = start();
    let [book, _] = with_books(&server);
    let order = |book: u64, fee: Value| {
        let rent =
            server.post("/rents", json!({"userId": 7, "bookId": book, "rentalFee": fee})).is(201);
        rent.has("status", "RENTED").id()
    };
    let canceled = |rent: u64, fee: Value, reason: &str| {
        let shown = json!({"status": "CANCELED", "rentalFee": fee, "reason": reason});
        server.shows(&format!("/rents/{rent}"), shown.clone());
        server.shows(&format!("/dashboards/{rent}"), shown);
        server.shows(&format!("/payments/{rent}"), json!({"status": "REFUNDED", "rentalFee": fee}));
    };
    canceled(order(999, json!(3000)), json!(3000), "book-unknown");
    server.get("/books/999").refuses(404, "not-found");
    canceled(order(book, json!(2999)), json!(2999), "fee-differs");
    server.get(&format!("/books/{book}")).is(200).has("status", "POSSIBLE");
    let held = order(book, json!(null));
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": held}));
    canceled(order(book, json!(3000)), json!(3000), "book-out");
    canceled(order(book, json!(null)), json!(null), "book-out");
    approve_when_judged(&server, book).has("rentId", held);
    canceled(order(book, json!(3000)), json!(3000), "book-out");
    server.get(&format!("/books/{book}")).is(200).has("status", "APPROVED").has("rentId", held);
    server.shows(&format!("/payments/{held}"), json!({"status": "PAID", "rentalFee": 3000}));
}

#[test]
fn a_declined_payment_is_a_conflict_and_establishes_nothing() {
    let server = patient("[systems.ebook]\ndecline_from = 5000\n");
    let [book, _] = with_books(&server);
    let dear = json!({"userId": 7, "bookId": book, "rentalFee": 5000});
    server.post("/rents", dear.clone()).refuses(409, "payment-declined");
    for _ in 0..2 {
        server.try_post_once("/rents", "key", &dear).unwrap().refuses(409, "payment-declined");
    }
    request(&server, book, 7).is(201).has("id", 3);
    server.shows("/dashboards/3", json!({"status": "PAID"}));
    for path in ["/rents/1", "/payments/1", "/dashboards/1", "/rents/2", "/payments/2"] {
        server.get(path).refuses(404, "not-found");
    }
    assert_eq!(
        (server.total("rents"), server.total("payments"), server.total("dashboards")),
        (1, 1, 1)
    );
    assert_eq!(happened(&server, 1, "Rented"), 0, "no event says that it was rented");
}

#[test]
fn approve_reject_and_return_are_refused_where_there_is_nothing_to_do_and_may_be_repeated() {
    let server = start();
    let [book, _] = with_books(&server);
    for verb in ["approve", "reject"] {
        command(&server, "books", verb, book).refuses(409, "nothing-held");
        command(&server, "books", verb, 999).refuses(404, "not-found");
    }
    server
        .patch(&format!("/books/{book}"), json!({"status": "REJECTED"}))
        .refuses(409, "nothing-held");
    server.patch(&format!("/books/{book}"), json!({"status": "POSSIBLE"})).refuses(400, "bad-body");
    command(&server, "rents", "return", 1).refuses(404, "not-found");
    request(&server, book, 7).is(201);
    command(&server, "rents", "return", 1).refuses(409, "not-lent");
    server.shows(&format!("/books/{book}"), json!({"status": "PAID"}));
    let first = command(&server, "books", "approve", book).is(200);
    let second = command(&server, "books", "approve", book).is(200);
    assert_eq!(first.header("etag"), second.header("etag"));
    command(&server, "books", "reject", book).refuses(409, "already-approved");
    server.shows("/rents/1", json!({"status": "APPROVED"}));
    let first = command(&server, "rents", "return", 1).is(200);
    let second = server.patch("/rents/1", json!({"status": "RETURNED"})).is(200);
    assert_eq!(
        (first.header("etag"), &first["returnedDate"]),
        (second.header("etag"), &second["returnedDate"])
    );
    assert_eq!(happened(&server, 1, "Returned"), 1);
}

#[test]
fn steps_of_policies_cannot_be_sent_from_outside() {
    let server = start();
    with_books(&server);
    request(&server, 11, 7).is(201);
    for (method, path) in [
        ("POST", "/payments"),
        ("PATCH", "/payments/1"),
        ("DELETE", "/payments/1"),
        ("POST", "/dashboards"),
        ("PATCH", "/dashboards/1"),
        ("GET", "/books/approve/1"),
        ("PUT", "/rents/1"),
    ] {
        let body =
            json!({"rentId": 1, "userId": 7, "bookId": 11, "rentalFee": 1, "status": "PAID"});
        let refused = server.call(method, path, |request| request.json(&body));
        assert_eq!(refused.problem(405), "method-not-allowed", "{method} {path}");
        assert!(!refused.header("allow").is_empty(), "{method} {path}: {:?}", refused.headers);
    }
    assert_eq!(server.total("payments"), 1);
    server.post("/rents", json!({"userId": 7, "bookId": 11, "rentalFee": -1})).problem(400);
}
