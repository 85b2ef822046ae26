//! At the bound of connections.

use super::connection::{Connection, metric, refuses, text, with_files};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};
use support::{Server, eventually, holdfast};

fn bounded(most: usize, further: &str) -> Server {
    let toml = format!("[http]\nmax_connections = {most}\nprobes = '127.0.0.1:0'\n{further}");
    Server::of("bookrent", &toml, &[])
}

#[test]
fn who_has_been_idle_for_longest_makes_room_for_a_newcomer() {
    let server = bounded(12, "");
    let connect = |_| {
        let mut wire = Connection::to(server.address());
        wire.ask("GET", "/livez", "").is(200);
        wire
    };
    let mut all: Vec<_> = (0..12).map(connect).collect();
    // The first one has something to say again, and is the last to have been idle.
    all[0].ask("GET", "/livez", "").is(200);
    let newcomers: Vec<_> = (0..3).map(connect).collect();
    for wire in &mut all[1..4] {
        wire.has_ended();
    }
    drop(all.drain(1..4));
    for mut wire in all.into_iter().chain(newcomers) {
        wire.ask("GET", "/books", "").is(200);
    }
    assert_eq!(metric(server.probes(), "holdfast_connections_most"), 12);
}

#[test]
fn a_connection_with_a_request_under_way_stays_open_and_a_new_one_is_refused_with_retry_after() {
    let server = bounded(3, "[guard.\"bookrent.book\"]\ntimeout_ms = 20000\n");
    let mut busy = Connection::busy(&server, 3, 4000);
    let mut newcomer = Connection::to(server.address());
    let heard = newcomer.hear().expect("it gets an answer").refuses(503, "retry-later");
    assert_eq!((heard.field("retry-after"), heard.field("connection")), ("1", "close"));
    newcomer.has_ended();
    for wire in &mut busy {
        assert_eq!(wire.hear().expect("it is answered").is(201).json()["status"], "Rent");
    }
    Connection::to(server.address()).ask("GET", "/livez", "").is(200);
}

#[test]
fn who_has_sent_half_a_body_makes_room_too() {
    let server = bounded(3, "body_timeout_ms = 60000\nheader_timeout_ms = 60000\n");
    let mut slow: Vec<_> = (0..3)
        .map(|_| {
            let mut wire = Connection::to(server.address());
            wire.say(&text("POST", "/books", &" ".repeat(100))[..150]);
            wire
        })
        .collect();
    let mut newcomer = Connection::to(server.address());
    newcomer.ask("GET", "/livez", "").is(200);
    if let Some(heard) = slow[0].hear() {
        heard.refuses(503, "retry-later");
    }
    slow[0].has_ended();
}

#[test]
fn writers_that_are_closed_at_the_bound_lose_no_answer() {
    let server = bounded(8, "");
    let address = server.address().to_owned();
    let acknowledged = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let write = || {
            let mut wire = Connection::to(&address);
            for _ in 0..150 {
                let answer = loop {
                    match wire.try_ask("POST", "/books", "{\"title\":\"t\"}") {
                        Some(answer) if answer.status == 503 => wire = Connection::to(&address),
                        Some(answer) => break answer,
                        None => wire = Connection::to(&address),
                    }
                };
                answer.is(201);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        };
        let crowd = || {
            let mut idle = Vec::new();
            while !over.load(Ordering::Relaxed) {
                idle.push(Connection::to(&address));
                if idle.len() == 20 {
                    idle.clear();
                }
                thread::yield_now();
            }
        };
        let writers: Vec<_> = (0..4).map(|_| scope.spawn(write)).collect();
        scope.spawn(crowd);
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    assert!(metric(server.probes(), "holdfast_connections_spared_total") > 0);
    // Neither more nor less than was acknowledged.
    let books = eventually("there is room again", || {
        server.try_get("/books").ok().filter(|answer| answer.status == 200)
    });
    assert_eq!(books["page"]["totalElements"], acknowledged.load(Ordering::Relaxed));
}

#[test]
fn there_are_never_more_than_the_limit_of_open_files_carries() {
    let data = tempfile::TempDir::new().unwrap();
    let toml = "[http]\nmax_connections = 100000\nprobes = '127.0.0.1:0'\n";
    let server = Server::through(with_files(200), &data.path().join("data"), toml);
    let most = metric(server.probes(), "holdfast_connections_most");
    assert!((8..150).contains(&most), "{most}");
    assert!(server.said().contains("max_connections"), "{}", server.said());
    let all = with_files(130);
    let mut command = std::process::Command::new(&all[0]);
    command.args(&all[1..]).arg(holdfast().get_program()).args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    command.env("HOLDFAST_HTTP__WORKERS", "16");
    refuses(command.arg(data.path().join("other")), 1, &["ulimit"]);
}
