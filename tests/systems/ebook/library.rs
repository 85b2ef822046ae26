//! What the tests of the e-book library say to it.

use serde_json::{Value, json};
use support::{Answer, Client, Server, eventually};

pub const BOOK: &str = "ebook.book";
pub const RENT: &str = "ebook.rent";
pub const PAYMENT: &str = "ebook.payment";
pub const DASHBOARD: &str = "ebook.dashboard";

/// A library whose payments are waited for however slow the machine is.
pub fn start() -> Server {
    patient("")
}

/// The same, configured further.
pub fn patient(toml: &str) -> Server {
    Server::of("ebook", &format!("{toml}\n[guard.\"ebook.payment\"]\ntimeout_ms = 20000\n"), &[])
}

/// So many books that are never rented: the numbers of those that follow are not those of the rents.
pub fn fill(client: &Client, count: u64) {
    for n in 0..count {
        client.post("/books", json!({"bookName": format!("filler{n}"), "rentalFee": 1})).is(201);
    }
}

/// Two books whose numbers no rent of the test will have.
pub fn with_books(server: &Server) -> [u64; 2] {
    fill(server, 10);
    ["Hello, JAVA", "Hello, Rust"].map(|name| register(server, name))
}

pub fn register(client: &Client, name: &str) -> u64 {
    client
        .post("/books", json!({"bookName": name, "rentalFee": "3000"}))
        .is(201)
        .has("status", "POSSIBLE")
        .id()
}

pub fn request(client: &Client, book: u64, user: u64) -> Answer {
    let body = json!({"userId": user.to_string(), "bookId": book.to_string(), "rentalFee": "3000"});
    client.post("/rents", body)
}

/// A command that comes without a body.
pub fn command(client: &Client, collection: &str, verb: &str, number: u64) -> Answer {
    client.call("PATCH", &format!("/{collection}/{verb}/{number}"), |request| request)
}

/// Approves the request that a book holds, once its amount, which was open, is judged.
#[track_caller]
pub fn approve_when_judged(client: &Client, book: u64) -> Answer {
    eventually("the amount is judged", || {
        let approved = client.patch(&format!("/books/{book}"), json!({"status": "APPROVED"}));
        (approved.status != 409 || approved.problem(409) != "amount-open").then_some(approved)
    })
    .is(200)
}

/// What happened in the saga of a rent, in which context.
pub fn told(client: &Client, rent: u64) -> Vec<(String, String)> {
    let saga = client.get(&format!("/admin/sagas/ebook/{rent}")).is(200);
    let entries = saga["entries"].as_array().unwrap().clone();
    // The number of a rent is also that of a book.
    let words = |entry: &Value, word: &str| entry[word].as_str().unwrap().to_owned();
    entries.iter().map(|entry| (words(entry, "context"), words(entry, "what"))).collect()
}

pub fn happened(client: &Client, rent: u64, what: &str) -> usize {
    told(client, rent).iter().filter(|(_, happened)| happened == what).count()
}

pub fn is_a_date(answer: &Answer, field: &str) {
    assert!(
        answer[field].as_str().is_some_and(|date| date.ends_with('Z')),
        "`{field}` in {}",
        answer.text
    );
}
