//! One of the two is killed, or what connects them is cut: nothing that was acknowledged is lost, and nothing happens twice.

use crate::servers::section;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};
use support::{
    Client, Server,
    database::{Database, name_in},
    eventually,
    relay::Relay,
};

const BOOKS: u64 = 400;

/// What was acknowledged: rents by their numbers, each with its book.
pub type Acknowledged = Mutex<BTreeMap<u64, u64>>;

/// Rents books, one after the other, each until it is answered, while `disturb` runs; wherever the server is by then.
fn rent_while(
    server: &Mutex<Server>,
    books: &AtomicU64,
    acknowledged: &Acknowledged,
    disturb: impl FnOnce(),
) {
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while !done.load(SeqCst) {
                    let book = books.fetch_add(1, SeqCst) + 1;
                    rent(server, book, acknowledged);
                }
            });
        }
        let before = acknowledged.lock().unwrap().len();
        eventually("rents are acknowledged", || {
            (acknowledged.lock().unwrap().len() > before + 20).then_some(())
        });
        disturb();
        done.store(true, SeqCst);
    });
}

fn rent(server: &Mutex<Server>, book: u64, acknowledged: &Acknowledged) {
    rent_at(|_| server.lock().unwrap().url().to_owned(), book, acknowledged);
}

/// Rents a book, until that is answered: each attempt at the URL that `url` gives.
pub fn rent_at(url: impl Fn(usize) -> String, book: u64, acknowledged: &Acknowledged) {
    assert!(book <= BOOKS, "there are books enough");
    let mut attempts = 0;
    let key = format!("book-{book}");
    let body = json!({"bookId": book, "userId": book, "address": "address1"});
    let number = eventually("the rent is answered", || {
        attempts += 1;
        let answer = Client::new(url(attempts)).try_post_once("/rents", &key, &body).ok()?;
        matches!(answer.status, 201 | 202).then(|| answer.id())
    });
    let other = acknowledged.lock().unwrap().insert(number, book);
    assert_eq!(other, None, "each order has a number of its own");
}

/// Every acknowledged rent is there once, and holds its book.
pub fn check(server: &Client, acknowledged: &Acknowledged) {
    let acknowledged = acknowledged.lock().unwrap();
    for (number, book) in acknowledged.iter() {
        server.shows(&format!("/rents/{number}"), json!({"status": "Rent", "bookId": book}));
    }
    let rents = server.all("rents");
    let books: Vec<u64> = rents.iter().filter_map(|rent| rent["bookId"].as_u64()).collect();
    let mut once = books.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), books.len(), "no book is rented twice");
    eventually("each order has a delivery of its own", || {
        (server.total("deliveries") == rents.len() as u64).then_some(())
    });
    eventually("each order is in the view", || {
        let views = server.all("views");
        let are_whole =
            views.iter().all(|view: &Value| view["deliveryStatus"] == "Delivery Started");
        (views.len() == rents.len() && are_whole).then_some(())
    });
}

pub fn register_books(server: &Client) {
    for number in 1..=BOOKS {
        assert_eq!(server.register_book(&format!("title{number}")), number);
    }
}

#[test]
fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let server = Server::of("bookrent", &section(&Database::shared().create()), &[]);
    register_books(&server);
    let server = Mutex::new(server);
    let books = AtomicU64::new(0);
    let acknowledged = Acknowledged::default();
    for _ in 0..2 {
        rent_while(&server, &books, &acknowledged, || {
            let mut server = server.lock().unwrap();
            server.kill();
            server.restart();
        });
    }
    check(&server.into_inner().unwrap(), &acknowledged);
}

#[test]
fn a_database_that_is_killed_is_waited_for_and_nothing_is_lost_or_doubled() {
    let mut database = Database::start(&[]);
    let url = database.create();
    let server = Server::of("bookrent", &section(&url), &[]);
    let pid = server.pid();
    register_books(&server);
    let server = Mutex::new(server);
    let books = AtomicU64::new(0);
    let acknowledged = Acknowledged::default();
    for _ in 0..2 {
        rent_while(&server, &books, &acknowledged, || {
            database.kill();
            let client = server.lock().unwrap().apart();
            eventually("health says what is waited for", || {
                let health = client.get("/readyz?verbose").text;
                health.contains("cannot be reached").then_some(())
            });
            database.restart();
        });
    }
    let server = server.into_inner().unwrap();
    assert_eq!(server.pid(), pid, "it is the same process");
    check(&server, &acknowledged);
}

#[test]
fn a_connection_that_is_cut_between_commit_and_answer_doubles_nothing() {
    let database = Database::shared();
    let url = database.create();
    let name = name_in(&url);
    let relay = Relay::at("127.0.0.1:0", format!("127.0.0.1:{}", database.port()));
    let port = relay.address().rsplit(':').next().unwrap();
    let through = url.replace(&format!(":{}/", database.port()), &format!(":{port}/"));
    let mut server = Server::of("bookrent", &section(&through), &[]);
    let last = || {
        let last = database.sql(name, "select last from holdfast.lease where system = 'bookrent'");
        last.parse::<u64>().unwrap()
    };
    for round in 1..=5 {
        let book = server.register_book("title01");
        let before = last();
        relay.hold_answers(true);
        let client = server.apart();
        let rented = thread::spawn(move || client.rent(book, round));
        eventually("a group is committed whose answer is held", || (last() > before).then_some(()));
        relay.cut();
        relay.hold_answers(false);
        let rent = rented.join().unwrap().has("status", "Rent").has("bookId", book);
        assert_eq!(rent.id(), round, "no number is lost or given twice");
        server.shows(&format!("/views/{round}"), json!({"deliveryStatus": "Delivery Started"}));
    }
    for collection in ["rents", "deliveries", "views"] {
        assert_eq!(server.total(collection), 5, "{collection}");
    }
    assert!(server.terminate().success());
    server.restart();
    for collection in ["rents", "deliveries", "views"] {
        assert_eq!(server.total(collection), 5, "{collection}");
    }
}
