//! What is wrong with a command over a broker, and what is answered: the problems that HTTP has.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::broker::Broker;
use support::caller::{Caller, Command, server};

const RENT: &str = "bookrent.rent";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A request that something is wrong with, for both ways in.
struct Wrong(&'static str, &'static str, &'static [(&'static str, &'static str)], Vec<u8>);

#[test]
fn a_bad_command_gets_the_same_problem_as_over_http() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let failed = server.rent(99, 1).has("status", "Fail").id();
    assert_eq!(failed, 1);
    let cancel = || br#"{"status":"Cancel"}"#.to_vec();
    let wrong = [
        Wrong("POST", "/rents", &[JSON], b"{".to_vec()),
        Wrong("POST", "/rents", &[JSON], b"\xff".to_vec()),
        Wrong("POST", "/rents", &[JSON], vec![b'['; 33]),
        Wrong("POST", "/rents", &[JSON], vec![b' '; 64 * 1024 + 1]),
        Wrong("POST", "/rents", &[JSON], br#"{"bookId":"x","userId":1}"#.to_vec()),
        Wrong(
            "POST",
            "/rents",
            &[JSON],
            format!(r#"{{"bookId":1,"userId":1,"address":"{}"}}"#, "a".repeat(5000)).into_bytes(),
        ),
        Wrong("POST", "/rents", &[("content-type", "text/plain")], b"{}".to_vec()),
        Wrong("PATCH", "/rents/1", &[("content-type", "text/plain")], cancel()),
        Wrong("PATCH", "/rents/1", &[JSON], cancel()),
        Wrong("PATCH", "/bookrent/rents/1", &[JSON, ("accept-language", "ko")], cancel()),
        Wrong("PATCH", "/rents/77", &[JSON], cancel()),
        Wrong("PATCH", "/rents/1", &[JSON], br#"{"status":"Lost"}"#.to_vec()),
        Wrong("PATCH", "/rents/1", &[JSON, ("if-match", "\"7\"")], cancel()),
        Wrong("PATCH", "/rents/1", &[JSON, ("if-match", "7")], cancel()),
        Wrong("PATCH", "/rents/1", &[JSON, ("idempotency-key", "\"")], cancel()),
        Wrong("PATCH", "/rents/x", &[JSON], cancel()),
        Wrong("PATCH", "/rents/1/2", &[JSON], cancel()),
        Wrong("PATCH", "/nothing/1", &[JSON], cancel()),
        Wrong(
            "PATCH",
            "/rents/77",
            &[JSON, ("traceparent", "00-0af7651916cd43dd-b7ad6b71-01")],
            cancel(),
        ),
    ];
    let mut codes = BTreeSet::new();
    let mut outcomes = BTreeSet::new();
    for Wrong(method, path, headers, body) in &wrong {
        let expected = server.call(method, path, |request| {
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value))
                .body(body.clone())
        });
        let mut command = Command::new(RENT, method, path, &Value::Null);
        command.body.clone_from(body);
        for (name, value) in *headers {
            match *name {
                "content-type" => {
                    command.properties = command.properties.with_content_type((*value).into())
                }
                name => command = command.header(name, value),
            }
        }
        let reply = caller.call(command).is(expected.status.into());
        assert_eq!(reply.body, expected.body, "{method} {path}");
        assert_eq!(reply.content_type, "application/problem+json");
        let names = [
            "content-language",
            "retry-after",
            "etag",
            "accept-patch",
            "accept-post",
            "holdfast-outcome",
        ];
        for name in names {
            assert_eq!(
                reply.headers.get(name).map_or("", String::as_str),
                expected.header(name),
                "{name}"
            );
        }
        outcomes.insert(expected.header("holdfast-outcome").to_owned());
        codes.insert(expected.problem(expected.status).to_owned());
    }
    assert_eq!(outcomes, BTreeSet::from([String::new(), "failed".to_owned()]));
    assert_eq!(codes.len(), 12, "{codes:?}");
}

#[test]
fn what_only_a_message_can_have_wrong_is_a_problem_too() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let cancel = json!({ "status": "Cancel" });
    let mut code = |command: Command, status: i64| {
        let reply = caller.call(command).is(status);
        assert_eq!(reply.content_type, "application/problem+json");
        reply.body["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        code(Command::new(RENT, "GET", "/rents/1", &Value::Null), 405),
        "method-not-allowed"
    );
    assert_eq!(
        code(Command::new(RENT, "DELETE", "/rents/1", &Value::Null), 405),
        "method-not-allowed"
    );
    assert_eq!(code(Command::new(RENT, "", "", &cancel), 400), "bad-request");
    // A queue is for one context only.
    assert_eq!(code(Command::new(RENT, "PATCH", "/books/1", &cancel), 404), "not-found");
    let mut nameless = Command::rent(1, 1).reply_to("replies");
    nameless.properties = nameless.properties.with_correlation_id("c1".into());
    caller.send(&nameless);
    let refused = caller.reply("c1").is(400);
    assert_eq!(refused.body["code"], "idempotency-key-missing");
    server.stop("bookrent.rent");
    let away = caller.call(Command::rent(1, 1)).is(503);
    assert_eq!(
        (away.body["code"].as_str(), away.headers["retry-after"].as_str()),
        (Some("context-away"), "1")
    );
    server.start_again("bookrent.rent");
    assert_eq!(server.total("rents"), 0);
}
