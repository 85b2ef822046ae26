//! Messages are sent once each, in the order of their telephone, and one that is slow holds up no other.

use super::gateway::{Gateway, Received, Reply};
use serde_json::json;
use std::collections::HashSet;
use support::{Client, eventually};

const AMT: u64 = 30_000;

pub fn product(client: &Client, stock: u64) -> u64 {
    client.post("/products", json!({"name": "P1", "amt": AMT, "stock": stock})).is(201).id()
}

pub fn rental(client: &Client, product: u64, phone: &str) -> u64 {
    let body = json!({
        "customerId": 7, "productId": product, "amt": AMT, "address": "Seoul", "phone": phone
    });
    client.post("/rentals", body).is(201).id()
}

fn words(taken: &[Received]) -> Vec<&str> {
    taken.iter().map(|message| message.text.rsplit("] ").next().unwrap()).collect()
}

#[test]
fn each_message_is_signed_sent_once_and_shown_as_sent() {
    let gateway = Gateway::start();
    let server = gateway.server("purifier");
    let product = product(&server, 1);
    let rental = rental(&server, product, "010-1");
    let taken = gateway.takes("010-1", 2);
    assert_eq!(words(&taken), ["렌탈 신청이 접수되었습니다", "배송이 시작되었습니다"]);
    server.patch(&format!("/rentals/{rental}"), json!({"status": "Cancel"})).is(200);
    let taken = gateway.takes("010-1", 4);
    assert_eq!(words(&taken)[2..], ["렌탈이 취소되었습니다", "배송이 취소되었습니다"]);
    for number in 1..=4 {
        let sent = server.shows(&format!("/notifications/{number}"), json!({"status": "SENT"}));
        assert!(sent["sentAt"].is_string() && sent["reason"].is_null(), "{}", sent.text);
    }
    let ids: HashSet<_> = taken.iter().map(|message| &message.id).collect();
    assert_eq!((ids.len(), gateway.tries("010-1")), (4, 4));
}

#[test]
fn a_customer_without_a_telephone_gets_no_message() {
    let gateway = Gateway::start();
    let server = gateway.server("purifier");
    let product = product(&server, 3);
    let body = json!({"customerId": 7, "productId": product, "amt": AMT, "address": "Seoul"});
    let silent = server.post("/rentals", body).is(201).id();
    server.shows(&format!("/mypages/{silent}"), json!({"status": "DeliveryStarted"}));
    rental(&server, product, "010-1");
    gateway.takes("010-1", 2);
    assert_eq!(server.total("notifications"), 2);
}

#[test]
fn a_slow_telephone_holds_up_no_other_and_its_own_messages_keep_their_order() {
    let gateway = Gateway::start();
    gateway.answers("010-slow", Reply::Silence);
    gateway.answers("010-failing", Reply::Status(503));
    let server = gateway.server("purifier");
    let product = product(&server, 9);
    for phone in ["010-slow", "010-failing", "010-1", "010-2"] {
        rental(&server, product, phone);
    }
    gateway.takes("010-1", 2);
    gateway.takes("010-2", 2);
    // What was sent after them is no longer pending.
    eventually("only what waits is pending", || {
        (server.metric("holdfast_outbox_pending") == 4.0).then_some(())
    });
    let waiting = server.shows("/notifications/1", json!({"status": "QUEUED"}));
    assert!(waiting["sentAt"].is_null(), "{}", waiting.text);
    assert_eq!((gateway.taken("010-slow"), gateway.tries("010-slow")), (vec![], 1));
    gateway.answers("010-slow", Reply::Status(200));
    gateway.answers("010-failing", Reply::Status(200));
    for phone in ["010-slow", "010-failing"] {
        let taken = gateway.takes(phone, 2);
        assert_eq!(words(&taken), ["렌탈 신청이 접수되었습니다", "배송이 시작되었습니다"]);
    }
    eventually("nothing is left to send", || {
        (server.metric("holdfast_outbox_pending") == 0.0).then_some(())
    });
}

#[test]
fn what_waits_when_the_process_is_killed_is_sent_afterwards_and_nothing_else() {
    let gateway = Gateway::start();
    gateway.answers("010-1", Reply::Silence);
    let mut server = gateway.server("purifier");
    let product = product(&server, 9);
    rental(&server, product, "010-1");
    rental(&server, product, "010-2");
    gateway.takes("010-2", 2);
    eventually("both are shown as sent", || {
        let sent = server.get("/notifications?status=SENT").is(200);
        (sent["page"]["totalElements"] == 2).then_some(())
    });
    eventually("one is under way", || (gateway.tries("010-1") == 1).then_some(()));
    server.kill();
    gateway.answers("010-1", Reply::Status(200));
    server.restart();
    let taken = gateway.takes("010-1", 2);
    // The one that was under way came twice, under one id.
    let ids: HashSet<_> = taken.iter().map(|message| &message.id).collect();
    let texts: HashSet<_> = words(&taken).into_iter().collect();
    assert_eq!((ids.len(), texts.len()), (ids.len(), ids.len()));
    eventually("all are shown as sent", || {
        let sent = server.get("/notifications?status=SENT").is(200);
        (sent["page"]["totalElements"] == 4).then_some(())
    });
    assert_eq!(gateway.tries("010-2"), 2, "what was sent is not sent again");
}

#[test]
fn a_gateway_that_is_down_delays_nothing_else_and_gets_everything_when_it_is_back() {
    let gateway = Gateway::start();
    gateway.answers("010-1", Reply::Status(500));
    let mut server = gateway.server("purifier");
    let product = product(&server, 1);
    rental(&server, product, "010-1");
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    eventually("both messages are recorded", || (server.total("notifications") == 2).then_some(()));
    eventually("they are seen to wait", || {
        (server.metric("holdfast_outbox_pending") >= 2.0).then_some(())
    });
    server.kill();
    server.restart();
    eventually("the first is tried again", || (gateway.tries("010-1") >= 3).then_some(()));
    gateway.answers("010-1", Reply::Status(200));
    let taken = gateway.takes("010-1", 2);
    let of_event = |id: &str, sequence: &str| {
        id.starts_with("purifier.notification-") && id.ends_with(sequence)
    };
    assert!(of_event(&taken[0].id, "-1") && of_event(&taken[1].id, "-2"), "{taken:?}");
    eventually("nothing is left to send", || {
        (server.metric("holdfast_outbox_pending") == 0.0).then_some(())
    });
}
