//! Whose the thing is that a command begins, and for whom an idempotency key answers.

use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};
use support::{
    Answer, Server,
    issuer::{TestIssuer, TokenKey},
};

/// Sends `body` as the one of that name, under a key if there is one.
fn post_as(
    server: &Server,
    who: &str,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Answer {
    server.call("POST", path, |request| {
        let request = request.header("X-Holdfast-As", who).json(body);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    })
}

#[test]
fn a_customer_may_leave_out_who_they_are_and_name_no_other() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let rent = |who: &str, user: Value| {
        let body = json!({ "bookId": 1, "userId": user, "address": "address1" });
        post_as(&server, who, "/rents", &body, &[])
    };
    rent("customer/7", Value::Null).is(201).has("userId", 7);
    rent("customer/7", json!(7)).is(201).has("userId", 7);
    rent("customer/7", json!("7")).is(201).has("userId", 7);
    let refused = rent("customer/7", json!(8));
    refused.refuses(403, "not-yours");
    assert!(refused.text.contains("userId"), "{}", refused.text);
    assert_eq!(server.total("rents"), 3);
    rent("staff/kim", json!(8)).is(201).has("userId", 8);
    rent("staff/kim", Value::Null).refuses(400, "bad-body");
    // Without an identity it is as it always was.
    server.rent(1, 9).is(201).has("userId", 9);
    server.post("/rents", json!({ "bookId": 1, "address": "address1" })).problem(400);
}

#[test]
fn a_customer_has_the_grade_that_the_credentials_say() {
    let server = Server::of("ticketing", "", &[]);
    for ticket in 1..=4 {
        let later = "2099-07-07";
        let ticket = json!({ "ticketId": ticket, "starttime": later, "endtime": later });
        server.post("/tickets", ticket).is(201);
    }
    let reserve = |who: &str, body: Value| post_as(&server, who, "/reservations", &body, &[]);
    let vip = "customer/A/VIP";
    reserve(vip, json!({ "ticketId": 1 })).is(201).has("userId", "A").has("userGrade", "VIP");
    let claim = json!({ "ticketId": 2, "userGrade": "VIP" });
    reserve("customer/B", claim.clone()).refuses(403, "not-yours");
    reserve(vip, json!({ "ticketId": 2, "userGrade": "Silver" })).refuses(403, "not-yours");
    let plain = reserve("customer/B", json!({ "ticketId": 2 })).is(201);
    plain.has("userId", "B").has("userGrade", Value::Null);
    let claim = json!({ "ticketId": 3, "userId": "C", "userGrade": "VIP" });
    reserve("staff", claim).is(201).has("userId", "C").has("userGrade", "VIP");
    // Spaces around a customer are no part of it: the customer sees what staff has begun.
    let spaced = reserve("staff", json!({ "ticketId": 4, "userId": " 7 " })).is(201);
    spaced.has("userId", "7");
    let listed = server
        .call("GET", "/reservations", |request| request.header("X-Holdfast-As", "customer/7"));
    assert_eq!(listed.is(200).items("reservations").len(), 1);
}

#[test]
fn a_header_names_the_customer_where_the_body_cannot() {
    let server = Server::of("movie", "", &[]);
    let book = |who: &str, customer: &str| {
        let body = json!({ "qty": 1, "movieName": "soul" });
        post_as(&server, who, "/books", &body, &[("X-Holdfast-Customer", customer)])
    };
    book("staff/kim", "7").is(201);
    book("customer/7", "7").is(201);
    let refused = book("customer/7", "8");
    refused.refuses(403, "not-yours");
    book("staff/kim", " ").refuses(400, "bad-identity");
    book("staff/kim", &"7".repeat(101)).refuses(400, "bad-identity");
    let twice = server.call("POST", "/books", |request| {
        let request = request.header("X-Holdfast-Customer", "7").header("X-Holdfast-Customer", "8");
        request.json(&json!({ "qty": 1 }))
    });
    twice.problem(400);
    assert_eq!(server.total("books"), 2);
}

#[test]
fn development_acts_as_whom_the_header_names_and_takes_no_other_text() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let rent = json!({ "bookId": 1, "address": "address1" });
    for wrong in ["customer", "customer/", "node", "root", "customer/7/a/b", ""] {
        let refused = post_as(&server, wrong, "/rents", &rent, &[]);
        refused.refuses(400, "bad-identity");
        let read = server.call("GET", "/rents", |request| request.header("X-Holdfast-As", wrong));
        read.refuses(400, "bad-identity");
    }
    let twice = server.call("GET", "/rents", |request| {
        request.header("X-Holdfast-As", "customer/7").header("X-Holdfast-As", "admin")
    });
    twice.refuses(400, "bad-identity");
    assert_eq!(server.total("rents"), 0);
}

#[test]
fn what_is_kept_for_one_customer_answers_no_other() {
    let server = Server::of("movie", "", &[]);
    let key = [("Idempotency-Key", "one")];
    let book = |who: &str| post_as(&server, who, "/books", &json!({ "qty": 1 }), &key);
    let mut made = BTreeMap::new();
    for who in ["customer/7", "customer/8", "staff/kim", "staff/lee"] {
        let first = book(who).is(201);
        assert_eq!(first.header("idempotent-replayed"), "", "{who}");
        let again = book(who).is(201);
        assert_eq!((again.id(), again.header("idempotent-replayed")), (first.id(), "true"));
        made.insert(first.id(), who);
    }
    let anonymous = server.call("POST", "/books", |request| {
        request.header("Idempotency-Key", "one").json(&json!({ "qty": 1 }))
    });
    made.insert(anonymous.is(201).id(), "no one");
    assert_eq!(made.len(), 5, "{made:?}");
    // Staff that books for two customers under one key books twice, each time for the one that it names.
    for customer in ["7", "8"] {
        let headers = [("Idempotency-Key", "two"), ("X-Holdfast-Customer", customer)];
        let booked =
            post_as(&server, "staff/kim", "/books", &json!({ "qty": 1 }), &headers).is(201);
        assert_eq!(booked.header("idempotent-replayed"), "", "{customer}");
    }
}

#[test]
fn a_kept_answer_is_not_given_to_a_request_that_is_not_allowed() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let key = [("Idempotency-Key", "one")];
    let rent = |user: u64| {
        let body = json!({ "bookId": 1, "userId": user, "address": "address1" });
        post_as(&server, "customer/7", "/rents", &body, &key)
    };
    rent(7).is(201);
    rent(8).refuses(403, "not-yours");
    // What was left out is part of what the key is compared with.
    let left_out = json!({ "bookId": 1, "address": "address1" });
    let again = post_as(&server, "customer/7", "/rents", &left_out, &key).is(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(server.total("rents"), 1);
}

#[test]
fn who_is_not_let_in_is_answered_before_the_body_is_read() {
    let server = Server::start(&[]);
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let host = server.address();
    // The body never comes.
    let head = format!(
        "POST /rents HTTP/1.1\r\nHost: {host}\r\nX-Holdfast-As: operator\r\nContent-Type: application/json\r\n\
         Content-Length: 60\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("insufficient-scope"), "{answer}");
}

#[test]
fn version_and_key_reveal_nothing_of_the_thing_of_another() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let body = json!({ "bookId": 1, "address": "address1" });
    post_as(&server, "customer/7", "/rents", &body, &[]).is(201);
    let cancel = |who: &str, number: u64, tag: &str| {
        server.call("PATCH", &format!("/rents/{number}"), |request| {
            let request = request.header("X-Holdfast-As", who).header("If-Match", tag);
            request.header("Idempotency-Key", "one").json(&json!({ "status": "Cancel" }))
        })
    };
    let absent = cancel("customer/8", 99, "\"1\"");
    for tag in ["*", "\"1\"", "\"2\"", "\"99\""] {
        let other = cancel("customer/8", 1, tag);
        other.refuses(404, absent.problem(404));
        assert_eq!(other.header("etag"), "", "{tag}");
        assert_eq!(other.text.replace("/rents/1", "/rents/99"), absent.text, "{tag}");
    }
    cancel("customer/7", 1, "*").is(200).has("status", "Cancel");
    // The kept answer is not for others either.
    cancel("customer/8", 1, "*").refuses(404, absent.problem(404));
    assert_eq!(cancel("customer/7", 1, "*").is(200).header("idempotent-replayed"), "true");
}

#[test]
fn a_token_says_which_customer_it_is_and_a_header_says_nothing_there() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let server = Server::configured(&issuer.section());
    let customer = |number: Value| {
        let mut claims = issuer.claims("kim", &["customer"]);
        claims["customer"] = number;
        key.sign(&claims)
    };
    let post = |token: &str, path: &str, body: Value| {
        server.call("POST", path, |request| request.bearer_auth(token).json(&body))
    };
    let staff = key.sign(&issuer.claims("lee", &["staff"]));
    post(&staff, "/books", json!({ "title": "title01" })).is(201);
    let rent = |token: &str, user: Value| {
        post(token, "/rents", json!({ "bookId": 1, "userId": user, "address": "address1" }))
    };
    let seven = customer(json!(7));
    rent(&seven, Value::Null).is(201).has("userId", 7);
    rent(&seven, json!(8)).refuses(403, "not-yours");
    rent(&staff, json!(8)).is(201).has("userId", 8);
    let nameless = key.sign(&issuer.claims("choi", &["customer"]));
    rent(&nameless, json!(7)).refuses(403, "insufficient-scope");
    // A customer whose name is no number is none of this system's.
    rent(&customer(json!("A")), Value::Null).refuses(400, "bad-body");
    for acting_as in ["admin", "customer/7", "no one"] {
        let header = |request: RequestBuilder| request.header("X-Holdfast-As", acting_as);
        server.call("GET", "/rents", header).refuses(401, "invalid-token");
        server.call("GET", "/books", header).is(200);
    }
}
