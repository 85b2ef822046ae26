//! Two servers on one database: one leads, the other is its standby, passes on, and takes over.

use crate::{
    faults::{Acknowledged, check, register_books, rent_at},
    servers::section,
};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};
use support::{
    Server,
    database::{Database, name_in},
    eventually,
};

/// A server on the database at `url`, called `name`.
fn node(url: &str, name: &str) -> Server {
    let toml = format!("{}[node]\nname = \"{name}\"\n", section(url));
    Server::of("bookrent", &toml, &[])
}

/// The node that holds the leases.
fn leader(database: &Database, url: &str) -> String {
    database.sql(name_in(url), "select node from holdfast.lease where system = 'bookrent'")
}

/// Rents at all of `urls` in turn, four at a time, until `disturb` has run and some more are acknowledged.
fn rent_while(
    urls: &[String],
    books: &AtomicU64,
    acknowledged: &Acknowledged,
    disturb: impl FnOnce(),
) {
    let done = AtomicBool::new(false);
    let more = |count: usize| {
        let before = acknowledged.lock().unwrap().len();
        eventually("rents are acknowledged", || {
            (acknowledged.lock().unwrap().len() > before + count).then_some(())
        });
    };
    thread::scope(|threads| {
        for client in 0..4 {
            let done = &done;
            threads.spawn(move || {
                while !done.load(SeqCst) {
                    let book = books.fetch_add(1, SeqCst) + 1;
                    rent_at(
                        |attempt| urls[(client + attempt) % urls.len()].clone(),
                        book,
                        acknowledged,
                    );
                }
            });
        }
        more(20);
        disturb();
        more(20);
        done.store(true, SeqCst);
    });
}

#[test]
fn a_leader_that_is_killed_is_replaced_and_nothing_is_lost_or_doubled() {
    let database = Database::shared();
    let url = database.create();
    let mut first = node(&url, "first");
    let second = node(&url, "second");
    assert!(second.get("/readyz?verbose").text.contains("standby: first leads"));
    register_books(&second);
    let books = AtomicU64::new(0);
    let acknowledged = Acknowledged::default();
    let urls = [first.url().to_owned(), second.url().to_owned()];
    rent_while(&urls, &books, &acknowledged, || {
        first.kill();
        eventually("the other node leads", || (leader(database, &url) == "second").then_some(()));
    });
    check(&second, &acknowledged);
    first.restart();
    assert!(first.get("/readyz?verbose").text.contains("standby: second leads"));
    check(&first, &acknowledged);
}

#[test]
fn a_leader_that_is_asked_to_stop_hands_over_without_a_failed_request() {
    let database = Database::shared();
    let url = database.create();
    let mut first = node(&url, "first");
    let second = node(&url, "second");
    register_books(&second);
    let books = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let answers = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let client = second.apart();
                while !done.load(SeqCst) {
                    let book = books.fetch_add(1, SeqCst) + 1;
                    let answer = client.rent(book, book);
                    answers.lock().unwrap().push((answer.status, answer.text.clone()));
                }
            });
        }
        let more = || {
            let before = answers.lock().unwrap().len();
            eventually("requests are answered", || {
                (answers.lock().unwrap().len() > before + 20).then_some(())
            });
        };
        more();
        assert!(first.terminate().success());
        more();
        done.store(true, SeqCst);
    });
    let answers = answers.into_inner().unwrap();
    let failed: Vec<_> =
        answers.iter().filter(|(status, _)| !matches!(status, 201 | 202)).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(leader(database, &url), "second");
    assert_eq!(second.total("rents"), answers.len() as u64, "none was done twice");
}

#[test]
fn a_leader_that_was_frozen_writes_nothing_when_it_goes_on() {
    let database = Database::shared();
    let url = database.create();
    let mut first = node(&url, "first");
    let second = node(&url, "second");
    register_books(&second);
    let books = AtomicU64::new(0);
    let acknowledged = Acknowledged::default();
    let urls = [first.url().to_owned(), second.url().to_owned()];
    rent_while(&urls[..1], &books, &acknowledged, || {});
    first.freeze(true);
    eventually("the other node leads", || (leader(database, &url) == "second").then_some(()));
    rent_while(&urls[1..], &books, &acknowledged, || first.freeze(false));
    assert_eq!(first.wait().code(), Some(1), "{}", first.said());
    assert!(first.said().contains("taken over"), "{}", first.said());
    assert_eq!(leader(database, &url), "second");
    check(&second, &acknowledged);
}
