//! What the tests of movie booking say to it, and what must be so of a booking.

use serde_json::{Value, json};
use support::{Answer, Client, Server};

pub const BOOK: &str = "movie.book";
pub const PAYMENT: &str = "movie.payment";
pub const TICKET: &str = "movie.ticket";
pub const POINT: &str = "movie.point";
pub const MYPAGE: &str = "movie.mypage";

/// A theatre with these settings, where every answer is waited for however slow the machine is.
pub fn movie(settings: &str) -> Server {
    with_patience(20_000, settings)
}

/// A theatre where every answer is waited for so long.
pub fn with_patience(millis: u64, settings: &str) -> Server {
    let guard = |context: &str| format!("[guard.\"{context}\"]\ntimeout_ms = {millis}\n");
    let guards: String = [PAYMENT, TICKET, POINT].map(guard).concat();
    Server::of("movie", &format!("{guards}[systems.movie]\n{settings}\n"), &[])
}

pub fn soul() -> Value {
    json!({"qty": "2", "movieName": "soul", "seat": "1A,2B", "totalPrice": "10000"})
}

#[track_caller]
pub fn book(client: &Client) -> u64 {
    client.post("/books", soul()).is(201).id()
}

/// Books, and waits for the ticket.
#[track_caller]
pub fn book_with_ticket(client: &Client) -> u64 {
    let id = book(client);
    client.shows(&format!("/tickets/{id}"), json!({"status": "Waiting"}));
    id
}

#[track_caller]
pub fn print(client: &Client, id: u64) -> Answer {
    client.patch(&format!("/tickets/{id}"), json!({"status": "Printed"}))
}

#[track_caller]
pub fn cancel(client: &Client, id: u64) -> Answer {
    client.patch(&format!("/books/{id}"), json!({"status": "Canceled"}))
}

/// What happened in the saga of a booking, in sequence.
#[track_caller]
pub fn saga(client: &Client, id: u64) -> Vec<Value> {
    let answer = client.get(&format!("/admin/sagas/movie/{id}")).is(200);
    answer.body.as_object().unwrap().values().find_map(Value::as_array).unwrap().clone()
}

#[track_caller]
pub fn happened(client: &Client, id: u64, what: &str) -> usize {
    saga(client, id).iter().filter(|entry| entry["what"] == what).count()
}

/// Everything that a canceled booking comes to.
#[track_caller]
pub fn shows_canceled(client: &Client, id: u64) {
    let canceled = || json!({"status": "Canceled"});
    for collection in ["books", "payments", "tickets"] {
        client.shows(&format!("/{collection}/{id}"), canceled());
    }
    client.shows(&format!("/points/{id}"), json!({"status": "Canceled", "score": 0}));
    client.shows(&format!("/mypages/{id}"), json!({"status": "Canceled", "score": 0}));
}

/// Everything that a printed booking comes to.
#[track_caller]
pub fn shows_printed(client: &Client, id: u64) {
    client.shows(&format!("/books/{id}"), json!({"status": "PrintComplete"}));
    client.shows(&format!("/payments/{id}"), json!({"status": "Paid"}));
    client.shows(&format!("/tickets/{id}"), json!({"status": "Printed"}));
    client.shows(&format!("/points/{id}"), json!({"status": "Pointed", "score": 100}));
    client.shows(&format!("/mypages/{id}"), json!({"status": "Printed", "score": 100}));
}

/// Everything that a booking comes to before it is printed or canceled.
#[track_caller]
pub fn shows_waiting(client: &Client, id: u64) {
    client.shows(&format!("/points/{id}"), json!({"status": "Waiting Point", "score": 0}));
    client.shows(&format!("/mypages/{id}"), json!({"status": "PaidComplete", "score": 0}));
    client.get(&format!("/tickets/{id}")).is(200).has("status", "Waiting");
    client.get(&format!("/books/{id}")).is(200).has("status", "PaidComplete");
}
