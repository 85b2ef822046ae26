//! What consumers get from a server whose data was put back from a copy.

use super::{copy, put_back};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};
use support::queue::{Came, Queue};
use support::{
    Answer, Server,
    broker::{Broker, drained},
    eventually,
};

/// So many books, and nothing else: an event each.
fn books(server: &Server, count: u64) {
    for _ in 0..count {
        server.register_book("title01");
    }
}

/// The names of events by their sequence.
fn names(page: &Answer) -> BTreeMap<u64, String> {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
    let events = page.body.as_array().unwrap().iter();
    events.map(|event| (text(event, "sequence").parse().unwrap(), text(event, "id"))).collect()
}

fn next(page: &Answer) -> String {
    page.header("link").strip_prefix('<').unwrap().split('>').next().unwrap().to_owned()
}

const BOOKS: &str = "/events/bookrent.book";

/// A server whose data was copied with three events, went on to six, was put back, and went on again.
fn put_back_server(toml: &str, settled: impl Fn(&Server)) -> (Server, Answer, String) {
    let mut server = Server::configured(toml);
    books(&server, 3);
    server.terminate();
    let copied = server.directory().join("copied");
    copy(&server.data(), &copied);
    server.restart();
    books(&server, 3);
    settled(&server);
    let before = server.get(BOOKS).is(200);
    let all = next(&server.get("/events").is(200));
    server.terminate();
    put_back(&copied, &server.data());
    server.restart();
    books(&server, 5);
    (server, before, all)
}

#[test]
fn numbers_that_are_given_again_have_other_names_and_a_cursor_of_the_lost_past_is_refused() {
    let (mut server, before, all) = put_back_server("", |_| {});
    let was = names(&before);
    let is = names(&server.get(BOOKS).is(200));
    for sequence in 1..=3 {
        assert_eq!(was[&sequence], is[&sequence], "what was in the copy is what it was");
    }
    for sequence in 4..=6 {
        assert_ne!(was[&sequence], is[&sequence], "event {sequence} is another one by now");
    }
    let refused = server.get(&next(&before));
    refused.refuses(409, "history-changed");
    assert!(refused["detail"].as_str().unwrap().contains("from the beginning"), "{}", refused.text);
    server.get(&all).refuses(409, "history-changed");
    // Of the common past every name is a cursor.
    let page = server.get(&format!("{BOOKS}?from={}", is[&3])).is(200);
    assert_eq!(names(&page).into_keys().collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
    server
        .get(&format!("{BOOKS}?from={}", was[&3].replace("-3", "-4")))
        .refuses(409, "history-changed");
    server.get(&format!("{BOOKS}?from=0-3")).refuses(409, "history-changed");
    // Numbers still do, up to the one that comes next.
    assert_eq!(names(&server.get(&format!("{BOOKS}?from=9")).is(200)).len(), 0);
    server.get(&format!("{BOOKS}?from=10")).refuses(409, "history-changed");
    for nonsense in ["-3", "x-3", "3-", "3-x", "+3", "AB-3", "1:2"] {
        server.get(&format!("{BOOKS}?from={nonsense}")).refuses(400, "bad-request");
    }
    // A restart is no change: a follower goes on.
    let going_on = next(&server.get(BOOKS).is(200));
    server.terminate();
    server.restart();
    books(&server, 1);
    assert_eq!(names(&server.get(&going_on).is(200)).into_keys().collect::<Vec<_>>(), [9]);
}

/// The fields of the first `count` events of a stream, whatever they are.
fn stream(server: &Server, path: &str, last: &str, count: usize) -> Vec<BTreeMap<String, String>> {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nLast-Event-ID: {last}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut events = Vec::new();
    let mut told = BTreeMap::new();
    for line in BufReader::new(socket).lines().map(Result::unwrap) {
        match line.split_once(": ") {
            Some((field, value)) => drop(told.insert(field.to_owned(), value.to_owned())),
            None if line.is_empty() && told.contains_key("data") => {
                events.push(std::mem::take(&mut told))
            }
            None => told.clear(),
        }
        if events.len() == count {
            break;
        }
    }
    events
}

#[test]
fn a_stream_reports_that_the_past_is_another_and_begins_anew() {
    let (server, before, all) = put_back_server("", |_| {});
    let last = names(&before)[&6].clone();
    let told = stream(&server, BOOKS, &last, 9);
    assert_eq!(told[0]["event"], "reset");
    let reset: Value = serde_json::from_str(&told[0]["data"]).unwrap();
    assert_eq!(
        reset,
        serde_json::json!({ "code": "history-changed", "contexts": ["bookrent.book"] })
    );
    let is = names(&server.get(BOOKS).is(200));
    let ids: Vec<_> = told[1..].iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, is.values().cloned().collect::<Vec<_>>());
    // A stream that broke right after the reset begins anew too; and one after an event that is there goes on.
    assert_eq!(stream(&server, BOOKS, &told[0]["id"], 1)[0]["id"], is[&1]);
    assert_eq!(stream(&server, BOOKS, &is[&5], 1)[0]["id"], is[&6]);
    let cursor = all.split("from=").nth(1).unwrap().split('&').next().unwrap();
    let told = stream(&server, "/events", cursor, 9);
    assert_eq!(told[0]["event"], "reset");
    assert!(stream(&server, "/events", &told[0]["id"], 1)[0]["data"].contains(&is[&1]));
}

#[test]
fn over_a_broker_names_are_not_given_again_either() {
    let broker = Broker::start();
    let queue = Queue::bind(&broker.url(), "all", "bookrent.book.*");
    let (server, ..) =
        put_back_server(&format!("[amqp]\nurl = '{}'\n", broker.url()), |server| drained(server));
    drained(&server);
    let mut came = Vec::new();
    eventually("all have come", || {
        came.extend(queue.take_all());
        (came.iter().filter(|event| event.id().1 == 8).count() == 1).then_some(())
    });
    let names = |event: &Came| event.headers["cloudEvents:id"].clone();
    for sequence in 4..=6 {
        let mut of: Vec<_> =
            came.iter().filter(|event| event.id().1 == sequence).map(names).collect();
        of.sort();
        of.dedup();
        assert_eq!(of.len(), 2, "event {sequence} of both pasts: {of:?}");
    }
}
