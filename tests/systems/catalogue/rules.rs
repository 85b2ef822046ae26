//! The rows of each system: what may be corrected, and not while.

use serde_json::json;
use support::Server;

fn events(server: &Server, context: &str, kind: &str) -> Vec<serde_json::Value> {
    let page = server.get(&format!("/events/{context}")).is(200).body;
    let all = page.as_array().unwrap();
    let of_kind = |event: &&serde_json::Value| {
        event["type"].as_str().unwrap_or_default().contains(&format!(".{kind}."))
    };
    all.iter().filter(of_kind).map(|event| event["data"].clone()).collect()
}

#[test]
fn a_book_is_corrected_and_its_status_not_while_a_rent_holds_it() {
    let server = Server::of("bookrent", "", &[]);
    let book = server.register_book("title01");
    let path = format!("/books/{book}");
    server
        .patch(&path, json!({"title": "title02", "status": "false"}))
        .is(200)
        .has("title", "title02")
        .has("status", false);
    assert_eq!(
        events(&server, "bookrent.book", "BookCorrected"),
        [json!({"bookId": book, "title": "title02", "status": false})]
    );
    server.rent(book, 1).has("status", "Fail");
    server.patch(&path, json!({"status": true})).is(200);
    let rent = server.rent(book, 1).has("status", "Rent").id();
    server.patch(&path, json!({"status": true})).refuses(409, "held");
    server.patch(&path, json!({"title": "title03", "status": false})).refuses(409, "held");
    server
        .patch(&path, json!({"title": "title03"}))
        .is(200)
        .has("title", "title03")
        .has("status", false);

    server.delete(&path).is(204);
    server.get(&format!("/rents/{rent}")).is(200).has("status", "Rent");
    server.rent(book, 2).has("status", "Fail");
    server.cancel(rent).is(200);
    server.shows(&path, json!({"status": true, "withdrawn": true}));
    server.rent(book, 3).has("status", "Fail");
    server.patch(&path, json!({"withdrawn": false})).is(200);
    server.rent(book, 4).has("status", "Rent");
    assert_eq!(events(&server, "bookrent.book", "BookWithdrawn"), [json!({"bookId": book})]);
    assert_eq!(events(&server, "bookrent.book", "BookRestored"), [json!({"bookId": book})]);
}

#[test]
fn a_rent_of_a_withdrawn_book_fails_for_the_reason_of_an_unknown_one() {
    let server = Server::of("bookrent", "", &[]);
    let book = server.register_book("title01");
    server.delete(&format!("/books/{book}")).is(204);
    let withdrawn = server.rent(book, 1).has("status", "Fail");
    let unknown = server.rent(book + 1, 1).has("status", "Fail");
    assert_eq!(withdrawn["reason"], unknown["reason"]);
}

#[test]
fn a_product_is_corrected_counted_anew_and_changed_by_some_units() {
    let server = Server::of("purifier", "", &[]);
    let product = server.post("/products", json!({"amt": 30_000, "stock": 2})).is(201).id();
    let path = format!("/products/{product}");
    server
        .patch(&path, json!({"name": "P1", "amt": "31000"}))
        .is(200)
        .has("name", "P1")
        .has("amt", 31_000);
    server.patch(&path, json!({"stock": "7"})).is(200).has("stock", 7);
    server.patch(&path, json!({"stockChange": "-3"})).is(200).has("stock", 4);
    server
        .patch(&path, json!({"stockChange": 2, "amt": 32_000}))
        .is(200)
        .has("stock", 6)
        .has("amt", 32_000);
    server.patch(&path, json!({"stockChange": -7})).refuses(409, "stock-too-low");
    server.patch(&path, json!({"stock": 1, "stockChange": 1})).refuses(422, "one-at-a-time");
    server.get(&path).is(200).has("stock", 6);
    let told = events(&server, "purifier.product", "ProductCorrected");
    assert_eq!(told[0], json!({"productId": product, "name": "P1", "amt": 31_000, "stock": null}));
    assert_eq!(told[2], json!({"productId": product, "name": null, "amt": null, "stock": 4}));
}

#[test]
fn a_change_of_the_stock_that_is_sent_twice_under_one_key_is_made_once() {
    let server = Server::of("purifier", "", &[]);
    let product = server.post("/products", json!({"amt": 30_000, "stock": 2})).is(201).id();
    let path = format!("/products/{product}");
    for _ in 0..3 {
        let answer =
            server.try_patch_once(&path, "delivery-7", &json!({"stockChange": 5})).unwrap();
        answer.is(200).has("stock", 7);
    }
    server.get(&path).is(200).has("stock", 7);
}

#[test]
fn a_bike_is_moved_and_mended_while_no_rent_uses_it() {
    let server = Server::of("gbike", "", &[]);
    server.post("/userDeposits", json!({"userid": 1, "deposit": 100_000})).is(201);
    server.post("/bikes", json!({"bikeid": 1, "location": "A"})).is(201);
    server.patch("/bikes/1", json!({"status": "불량"})).is(200).has("status", "불량");
    server.post("/rents", json!({"userid": 1, "bikeid": 1})).refuses(409, "bike-broken");
    server.patch("/bikes/1", json!({"status": "사용중"})).problem(400);
    server
        .patch("/bikes/1", json!({"status": "사용가능", "location": "B"}))
        .is(200)
        .has("location", "B");
    let rent = server.post("/rents", json!({"userid": 1, "bikeid": 1})).is(201).id();
    server.patch("/bikes/1", json!({"location": "C"})).refuses(409, "held");
    server.patch("/bikes/1", json!({"status": "불량"})).refuses(409, "held");
    server.delete("/bikes/1").is(204);
    server.patch(&format!("/rents/{rent}"), json!({"endlocation": "D"})).is(200);
    server.shows("/bikes/1", json!({"status": "사용가능", "location": "D", "withdrawn": true}));
    server.post("/rents", json!({"userid": 1, "bikeid": 1})).refuses(409, "bike-unknown");
    server.post("/bikes", json!({"bikeid": 1, "location": "A"})).refuses(409, "bike-registered");
    server.patch("/bikes/1", json!({"withdrawn": false})).is(200);
    server.post("/rents", json!({"userid": 1, "bikeid": 1})).is(201);
    let told = events(&server, "gbike.bike", "BikeCorrected");
    assert_eq!(told[0], json!({"bikeid": 1, "status": "불량", "location": null}));
    // One that was registered as used is used by no rent.
    server.post("/bikes", json!({"bikeid": 2, "status": "사용중", "location": "A"})).is(201);
    server.patch("/bikes/2", json!({"status": "사용가능"})).is(200).has("status", "사용가능");
}

fn ticketing() -> Server {
    Server::of("ticketing", "", &["--clock", "2021-06-28T12:00:00+09:00"])
}

fn ticket(server: &Server, id: u64, status: &str, day: &str) {
    let body = json!({"ticketId": id, "status": status, "starttime": day, "endtime": day});
    server.post("/tickets", body).is(201);
}

#[test]
fn a_ticket_that_was_reserved_by_hand_or_has_a_later_end_can_be_had_again() {
    let server = ticketing();
    ticket(&server, 4, "예약됨", "2021-12-31");
    server
        .post("/reservations", json!({"ticketId": 4, "userId": "B"}))
        .refuses(409, "ticket-taken");
    server.patch("/tickets/4", json!({"status": "예약가능"})).is(200).has("status", "예약가능");
    let held = server.post("/reservations", json!({"ticketId": 4, "userId": "B"})).is(201).id();
    for body in [
        json!({"status": "예약가능"}),
        json!({"starttime": "2021-12-30"}),
        json!({"endtime": "2022-01-01"}),
    ] {
        server.patch("/tickets/4", body).refuses(409, "held");
    }
    server.patch(&format!("/reservations/{held}"), json!({"status": "CANCELLED"})).is(200);

    ticket(&server, 5, "예약가능", "2020-06-25");
    server.shows("/tickets/5", json!({"status": "만료됨"}));
    server.patch("/tickets/5", json!({"status": "예약가능"})).refuses(409, "ticket-expired");
    server.patch("/tickets/5", json!({"status": "예약됨"})).problem(400);
    server.patch("/tickets/5", json!({"endtime": "2020-06-23"})).refuses(422, "ends-before-start");
    server.patch("/tickets/5", json!({"endtime": "2021-07-31"})).is(200).has("status", "만료됨");
    server.patch("/tickets/5", json!({"status": "예약가능"})).is(200).has("status", "예약가능");
    server.shows("/views/5", json!({"status": "예약가능", "endtime": "2021-07-31T15:00:00Z"}));
    server.post("/reservations", json!({"ticketId": 5, "userId": "B"})).is(201);
    server.shows("/views/5", json!({"status": "예약됨"}));
}

#[test]
fn a_ticket_for_another_day_costs_what_that_day_costs() {
    let server = ticketing();
    ticket(&server, 1, "예약가능", "2021-07-06");
    server.shows("/prices/1", json!({"price": 10_000, "discountedPrice": 10_000}));
    server.patch("/tickets/1", json!({"starttime": "2021-07-07", "endtime": "2021-07-07"})).is(200);
    server.shows("/prices/1", json!({"price": 10_000, "discountedPrice": 8_000}));
    server
        .shows("/views/1", json!({"discountedPrice": 8_000, "starttime": "2021-07-06T15:00:00Z"}));
    server.post("/reservations", json!({"ticketId": 1, "userId": "B", "userGrade": "VIP"})).is(201);
    server.shows("/views/1", json!({"discountedPrice": 7_000}));
    let told = events(&server, "ticketing.ticket", "TicketCorrected");
    assert_eq!(told[0]["status"], json!(null));
    assert_eq!(told[0]["endtime"], "2021-07-07T15:00:00Z");
}

#[test]
fn a_corrected_end_that_is_past_expires_and_a_later_one_does_not() {
    let server = ticketing();
    ticket(&server, 1, "예약가능", "2021-07-06");
    ticket(&server, 2, "예약가능", "2021-07-06");
    server.patch("/tickets/1", json!({"starttime": "2021-06-01", "endtime": "2021-06-02"})).is(200);
    server.shows("/tickets/1", json!({"status": "만료됨"}));
    server.patch("/tickets/2", json!({"endtime": "2021-08-06"})).is(200);
    server
        .call("POST", "/admin/clock", |request| request.json(&json!({"advance": "PT480H"})))
        .is(200);
    server.get("/tickets/2").is(200).has("status", "예약가능");
    server.post("/reservations", json!({"ticketId": 2, "userId": "B"})).is(201);
}

#[test]
fn prices_and_views_leave_a_withdrawn_ticket_out_unless_a_reservation_has_it() {
    let server = ticketing();
    ticket(&server, 1, "예약가능", "2021-07-06");
    ticket(&server, 2, "예약가능", "2021-07-06");
    let held = server.post("/reservations", json!({"ticketId": 2, "userId": "B"})).is(201).id();
    server.shows("/views/2", json!({"reservationStatus": "RESERVED", "price": 10_000}));
    for number in [1, 2] {
        server.delete(&format!("/tickets/{number}")).is(204);
        for context in ["prices", "views"] {
            server.shows(&format!("/{context}/{number}"), json!({"withdrawn": true}));
        }
    }
    let listed = |context: &str| -> Vec<u64> {
        server.all(context).iter().filter_map(|item| item["ticketId"].as_u64()).collect()
    };
    assert_eq!((listed("tickets"), listed("prices"), listed("views")), (vec![], vec![2], vec![2]));
    server
        .post("/reservations", json!({"ticketId": 1, "userId": "B"}))
        .refuses(409, "ticket-unknown");
    server.patch(&format!("/reservations/{held}"), json!({"status": "CANCELLED"})).is(200);
    server.shows("/views/2", json!({"reservationStatus": "CANCELLED"}));
    support::eventually("no price of a withdrawn ticket", || {
        (listed("prices").is_empty() && listed("views").is_empty()).then_some(())
    });
    server.patch("/tickets/2", json!({"withdrawn": false})).is(200);
    support::eventually("the price is back", || {
        (listed("prices") == [2] && listed("views") == [2]).then_some(())
    });
}

#[test]
fn a_book_of_the_library_is_corrected_and_its_fee_not_while_a_request_is_held() {
    let server = Server::of("ebook", "", &[]);
    let book = server.post("/books", json!({"bookName": "JAVA", "rentalFee": 3000})).is(201).id();
    let path = format!("/books/{book}");
    server.patch(&path, json!({"rentalFee": "4000"})).is(200).has("rentalFee", 4000);
    let request = |fee: u64| {
        let body = json!({"userId": 1, "bookId": book, "rentalFee": fee});
        server.post("/rents", body).is(201).id()
    };
    // The fee that was claimed is the old one.
    let late = request(3000);
    server.shows(&format!("/rents/{late}"), json!({"status": "CANCELED"}));
    let rent = request(4000);
    server.shows(&path, json!({"status": "PAID", "rentId": rent}));
    server.patch(&path, json!({"rentalFee": 5000})).refuses(409, "held");
    server.patch(&path, json!({"bookName": "Hello, JAVA"})).is(200).has("bookName", "Hello, JAVA");
    for body in [
        json!({"status": "APPROVED", "bookName": "C"}),
        json!({"status": "REJECTED", "withdrawn": false}),
    ] {
        server.patch(&path, body).refuses(422, "one-at-a-time");
    }
    server.patch(&path, json!({"status": null})).refuses(400, "nothing-to-change");
    server.get(&path).is(200).has("status", "PAID");

    server.delete(&path).is(204);
    let refused = request(4000);
    server.shows(&format!("/rents/{refused}"), json!({"status": "CANCELED"}));
    server.shows(&format!("/payments/{refused}"), json!({"status": "REFUNDED"}));
    let approved = server.patch(&path, json!({"status": "APPROVED", "bookName": null})).is(200);
    approved.has("status", "APPROVED").has("withdrawn", true);
    server.shows(&format!("/rents/{rent}"), json!({"status": "APPROVED"}));
    server.patch(&format!("/rents/return/{rent}"), json!({})).is(200);
    server.shows(&path, json!({"status": "POSSIBLE", "withdrawn": true}));
    server.patch(&path, json!({"status": "APPROVED"})).refuses(409, "withdrawn");
    server.patch(&path, json!({"withdrawn": false})).is(200);
    let again = request(4000);
    server.shows(&path, json!({"status": "PAID", "rentId": again}));
    let told = events(&server, "ebook.book", "BookCorrected");
    assert_eq!(told[0], json!({"bookId": book, "bookName": null, "rentalFee": 4000}));
}
