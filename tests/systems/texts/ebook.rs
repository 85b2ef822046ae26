//! The library writes a message for each change of a rent.

use super::gateway::Gateway;
use serde_json::json;
use support::Client;

fn book(client: &Client) -> u64 {
    client.post("/books", json!({"bookName": "Hello, JAVA", "rentalFee": 3000})).is(201).id()
}

fn rent(client: &Client, book: u64, phone: &str) -> u64 {
    let body = json!({"userId": 7, "bookId": book, "rentalFee": 3000, "phone": phone});
    client.post("/rents", body).is(201).id()
}

#[test]
fn each_change_of_a_rent_is_one_message_and_a_cancel_says_why() {
    let gateway = Gateway::start();
    let server = gateway.server("ebook");
    let book = book(&server);
    let first = rent(&server, book, "010-1");
    server.shows(&format!("/books/{book}"), json!({"status": "PAID", "rentId": first}));
    let second = rent(&server, book, "010-2");
    server.call("PATCH", &format!("/books/approve/{book}"), |request| request).is(200);
    server.shows(&format!("/rents/{first}"), json!({"status": "APPROVED"}));
    server.call("PATCH", &format!("/rents/return/{first}"), |request| request).is(200);
    for (phone, all) in [
        ("010-1", vec!["접수되었습니다", "승인되었습니다", "반납되었습니다"]),
        ("010-2", vec!["접수되었습니다", "이미 대여 중인 도서"]),
    ] {
        let taken = gateway.takes(phone, all.len());
        assert_eq!(taken.len(), all.len(), "{taken:?}");
        for (message, words) in taken.iter().zip(all) {
            assert!(message.text.contains(words), "{words}: {message:?}");
        }
    }
    let of = server.get(&format!("/notifications?rentId={second}&userId=7")).is(200);
    assert_eq!(of["page"]["totalElements"], 2);
    let one = server.get("/notifications/1").is(200);
    one.has("rentId", first).has("userId", 7).has("phone", "010-1");
    server.post("/notifications", json!({})).problem(405);
}

#[test]
fn a_withdrawal_sends_one_message_and_none_without_a_telephone() {
    let gateway = Gateway::start();
    let server = gateway.server("ebook");
    let book = book(&server);
    let silent = rent(&server, book, " ");
    server.delete(&format!("/rents/{silent}")).is(204);
    let rent = rent(&server, book, "010-1");
    server.delete(&format!("/rents/{rent}")).is(204);
    server.delete(&format!("/rents/{rent}")).is(204);
    let taken = gateway.takes("010-1", 2);
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert!(taken[1].text.contains("신청하신 대로"), "{taken:?}");
    assert_eq!(server.total("notifications"), 2);
}

#[test]
fn a_telephone_that_has_had_enough_for_a_day_gets_no_more_and_its_orders_go_on() {
    let gateway = Gateway::start();
    let server = gateway.server_with("ebook", "daily_per_telephone = 1");
    let first = book(&server);
    let capped = rent(&server, first, "010-1");
    gateway.takes("010-1", 1);
    server.call("PATCH", &format!("/books/approve/{first}"), |request| request).is(200);
    server.shows(&format!("/rents/{capped}"), json!({"status": "APPROVED"}));
    server.shows("/notifications/2", json!({"status": "REFUSED", "reason": "capped"}));
    rent(&server, book(&server), "010-2");
    gateway.takes("010-2", 1);
    assert_eq!(gateway.taken("010-1").len(), 1);
    let parked = server.get("/admin/parked").is(200);
    assert!(parked.text.contains("capped"), "{}", parked.text);
}
