//! Clients that do not read, or read slowly, and streams.

use super::connection::{Connection, metric, raise_limit, resident, text};
use std::{thread, time::Duration};
use support::{Server, eventually, within};

fn server(further: &str) -> Server {
    Server::of("bookrent", &format!("[http]\nprobes = '127.0.0.1:0'\n{further}"), &[])
}

#[test]
fn who_does_not_read_is_closed_and_what_waits_for_them_is_little() {
    raise_limit();
    let many = if std::env::var_os("HOLDFAST_LIMITS").is_some() { 1500 } else { 500 };
    let server = server("write_timeout_ms = 4000\n");
    let asked = text("GET", "/openapi.json", "").repeat(50);
    let crowd: Vec<_> = (0..many)
        .map(|_| {
            let mut wire = Connection::to(server.address());
            wire.stuff(&asked);
            wire
        })
        .collect();
    Connection::to(server.address()).ask("GET", "/livez", "").is(200);
    let mut most = 0;
    within(Duration::from_secs(60), "all are closed", || {
        most = most.max(resident(&server));
        (metric(server.probes(), "holdfast_connections_broken_total") == many).then_some(())
    });
    assert!(most < 200, "{most} MiB");
    assert_eq!(metric(server.probes(), "holdfast_unsent_bytes"), 0);
    for mut wire in crowd {
        wire.ends();
    }
    server.get("/readyz").is(200);
}

#[test]
fn what_waits_for_all_of_them_together_is_bounded_too() {
    raise_limit();
    let server = server("write_timeout_ms = 600000\nunsent_mb = 1\n");
    let asked = text("GET", "/openapi.json", "").repeat(50);
    let _crowd: Vec<_> = (0..400)
        .map(|_| {
            let mut wire = Connection::to(server.address());
            wire.stuff(&asked);
            wire
        })
        .collect();
    eventually("those who have not read for longest are broken off", || {
        (metric(server.probes(), "holdfast_connections_broken_total") > 20).then_some(())
    });
    eventually("and no more waits than may", || {
        (metric(server.probes(), "holdfast_unsent_bytes") <= 1 << 20).then_some(())
    });
}

#[test]
fn who_reads_slowly_and_goes_on_reading_gets_everything() {
    let server = server("write_timeout_ms = 3000\n");
    let mut wire = Connection::to(server.address());
    let whole = wire.ask("GET", "/openapi.json", "").body.len();
    wire.say(&text("GET", "/openapi.json", "").repeat(8));
    for _ in 0..8 {
        // As long as a slow line takes, in all much longer than anything may wait.
        thread::sleep(Duration::from_millis(600));
        assert_eq!(wire.hear().unwrap().is(200).body.len(), whole);
    }
}

#[test]
fn streams_are_counted_and_one_too_many_is_refused_with_retry_after() {
    let server = server("max_streams = 2\n");
    let open = || {
        let mut wire = Connection::to(server.address());
        wire.say("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
        let heard = wire.hear().unwrap();
        (wire, heard)
    };
    let (first, heard) = open();
    let (_second, _) = open();
    heard.is(200);
    let (_, refused) = open();
    assert!(!refused.refuses(503, "too-many-streams").field("retry-after").is_empty());
    assert_eq!(metric(server.probes(), "holdfast_streams"), 2);
    drop(first);
    eventually("its place is free again", || {
        // It is seen to be gone when there is something to send it.
        server.register_book("title");
        (metric(server.probes(), "holdfast_streams") == 1).then_some(())
    });
    open().1.is(200);
}

#[test]
fn streams_of_those_who_do_not_read_end() {
    let server = server("write_timeout_ms = 1000\n");
    let mut writer = Connection::to(server.address());
    for _ in 0..10 {
        writer.say(
            &text("POST", "/books", "{\"title\":\"a title of some length, as titles have\"}")
                .repeat(100),
        );
        for _ in 0..100 {
            writer.hear().unwrap().is(201);
        }
    }
    let _deaf: Vec<_> = (0..8)
        .map(|_| {
            let mut wire = Connection::to(server.address());
            wire.say("GET /events?from=bookrent.book:1 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
            wire
        })
        .collect();
    eventually("none of them is left", || {
        (metric(server.probes(), "holdfast_connections_broken_total") == 8).then_some(())
    });
    assert_eq!(metric(server.probes(), "holdfast_streams"), 0);
    writer.ask("POST", "/books", "{\"title\":\"t\"}").is(201);
}
