//! Seats are claimed in any spelling, also those that were booked when each spelling was a seat of its own.

use crate::early_values::directory;
use serde_json::json;
use support::{Answer, Server, eventually};
use tempfile::TempDir;

// What is stored in the directory: for one showtime, `1A` of `Soul` and `1a` of `soul` half a minute later (bookings 1 and 2),
// `2B` (3), `가1` in both forms of Unicode (4 and 5), a canceled `3C` (6); and 300 seats of another movie.

fn book(server: &Server, movie: &str, seat: &str, showtime: &str) -> Answer {
    let body = json!({"qty": 1, "movieName": movie, "seat": seat, "showtime": showtime});
    server.post("/movie/books", body)
}

const SHOWTIME: &str = "2099-12-24T10:00:00Z";

#[test]
fn two_old_bookings_of_one_seat_are_both_kept_and_named_until_both_are_canceled() {
    let mut server = Server::over(&[], directory());
    let contested = |server: &Server| {
        let contexts = server.get("/admin/contexts").is(200).body;
        let contexts = contexts["contexts"].as_array().unwrap();
        let books = contexts.iter().find(|context| context["context"] == "movie.book").unwrap();
        books["contested"].clone()
    };
    let soul = |seat: &str| format!("{seat},{SHOWTIME},soul");
    let both = json!([
        {"key": soul("1a"), "numbers": [1, 2]},
        {"key": soul("가1"), "numbers": [4, 5]},
    ]);
    assert_eq!(contested(&server), both);
    let rewritten = server.said();
    let line = rewritten.lines().find(|line| line.contains("movie.book") && line.contains("rows"));
    assert!(line.is_some_and(|line| line.contains("rewrote")), "{rewritten}");
    for (number, seat) in [(1, "1A"), (2, "1a"), (4, "\u{1100}\u{1161}1"), (5, "가1")] {
        let shown = server.get(&format!("/movie/books/{number}")).is(200);
        assert_eq!(shown["status"], "PaidComplete", "neither is canceled");
        assert_eq!(shown["seat"], seat, "it is shown as it was stored");
    }
    for (movie, seat) in [("SOUL", "1A"), (" soul", "2b "), ("Soul", "가1"), ("UP", "r300")] {
        book(&server, movie, seat, "2099-12-24T10:00:59Z").refuses(409, "seat-taken");
    }
    book(&server, "Soul", "3c", SHOWTIME).is(201);
    book(&server, "Soul", "1A", "2099-12-24T10:01:00Z").is(201);

    let cancel = |server: &Server, number: u64| {
        server.patch(&format!("/movie/books/{number}"), json!({"status": "Canceled"})).is(200);
    };
    cancel(&server, 1);
    book(&server, "Soul", "1A", SHOWTIME).refuses(409, "seat-taken");
    server.kill();
    server.restart();
    assert_eq!(contested(&server), json!([both[1]]));
    book(&server, "Soul", "1A", SHOWTIME).refuses(409, "seat-taken");
    cancel(&server, 2);
    book(&server, "Soul", "1A", SHOWTIME).is(201);
    cancel(&server, 5);
    cancel(&server, 4);
    book(&server, "Soul", "가1", SHOWTIME).is(201);
    assert_eq!(contested(&server), json!([]));
}

#[test]
fn a_kill_while_claims_are_rewritten_loses_nothing() {
    let mut server = Server::over(&[], directory());
    server.kill();
    server.restart();
    for seat in 1..=300 {
        book(&server, "up", &format!("r{seat}"), SHOWTIME).refuses(409, "seat-taken");
    }
    let total = || server.get("/movie/books").is(200)["page"]["totalElements"].clone();
    eventually("all bookings are listed", || (total() == json!(306)).then_some(()));
}

#[test]
fn one_seat_is_sold_once_in_any_spelling() {
    let server = Server::over(&[], TempDir::new().unwrap());
    book(&server, "Soul", "1a", SHOWTIME).is(201).has("seat", "1a");
    book(&server, "Straße", "가1", SHOWTIME).is(201);
    for (movie, seat, showtime) in [
        ("soul", "1A", SHOWTIME),
        ("Soul", "1\u{200d}a", SHOWTIME),
        ("\u{3000}SOUL ", " 1a", "2099-12-24T19:00:59+09:00"),
        ("STRASSE", "\u{1100}\u{1161}1", SHOWTIME),
    ] {
        book(&server, movie, seat, showtime).refuses(409, "seat-taken");
    }
    let twice = json!({"qty": 2, "movieName": "Soul", "seat": "5a,5A", "showtime": SHOWTIME});
    server.post("/movie/books", twice).refuses(422, "wrong-seats");
    assert_eq!(server.get("/movie/books").is(200)["page"]["totalElements"], 2);
}
