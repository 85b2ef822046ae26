//! What was stored before texts and numbers were judged is read and shown as it is, and found.

use serde_json::json;
use std::process::Command;
use support::Server;
use tempfile::TempDir;

/// What version 0.1 has stored: bookings of movies (`movie/claims.rs`), a bike, a rider and a ticket whose numbers are beyond
/// 2^53 − 1, the rent of that bike, a book with a blank title, and reservations of `가` in both forms of Unicode.
pub fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/early-values.tar.xz");
    let to = directory.path().display().to_string();
    assert!(Command::new("tar").args(["-xJf", archive, "-C", &to]).status().unwrap().success());
    directory
}

const RIDER: u64 = i64::MAX as u64;
const BIKE: u64 = u64::MAX;
const TICKET: u64 = 1 << 60;

#[test]
fn early_values_are_shown_and_their_things_go_on() {
    let server = Server::over(&[], directory());
    server.get(&format!("/gbike/bikes/{BIKE}")).is(200).has("location", "\u{200b}");
    server.get(&format!("/gbike/userDeposits/{RIDER}")).is(200).has("deposit", 100_000);
    server.get("/bookrent/books/1").is(200).has("title", " ");
    let ticket = server.get(&format!("/ticketing/tickets/{TICKET}")).is(200);
    assert_eq!(ticket["starttime"], ticket["endtime"]);
    for filter in [format!("userid={RIDER}"), format!("bikeid={BIKE}")] {
        let found = server.get(&format!("/gbike/rents?{filter}")).is(200);
        assert_eq!(found["page"]["totalElements"], 1, "{}", found.text);
    }
    let events = server.get(&format!("/events/gbike.bike?subject={BIKE}")).is(200);
    assert_eq!(events.body[0]["subject"], BIKE.to_string(), "{}", events.text);
    let story = server.get(&format!("/admin/sagas/gbike.bike/{BIKE}")).is(200);
    assert_eq!(story["entries"][0]["number"], BIKE, "{}", story.text);
    // Others are not found under such numbers, and are not created with them.
    server.get(&format!("/gbike/bikes/{}", BIKE - 1)).refuses(422, "out-of-range");
    server.get(&format!("/gbike/rents?userid={}", RIDER + 1)).refuses(422, "out-of-range");
    let top_up = json!({"userid": RIDER, "deposit": 1});
    server.post("/gbike/userDeposits", top_up).refuses(422, "out-of-range");

    let returned = server.patch("/gbike/rents/1", json!({"endlocation": "분당"}));
    returned.is(200).has("status", "RETURNED").has("bikeid", BIKE);
    server
        .shows(&format!("/gbike/bikes/{BIKE}"), json!({"status": "사용가능", "location": "분당"}));
    let path = format!("/gbike/bikes/{BIKE}");
    server.patch(&path, json!({"location": "판교"})).is(200).has("location", "판교");
    let cancelled = server.patch("/ticketing/reservations/1", json!({"status": "CANCELLED"}));
    cancelled.is(200).has("userId", "\u{1100}\u{1161}");
}

#[test]
fn lists_find_texts_of_either_form() {
    let server = Server::over(&[], directory());
    for query in ["%EA%B0%80", "%E1%84%80%E1%85%A1"] {
        for list in ["reservations", "views"] {
            let found = server.get(&format!("/ticketing/{list}?userId={query}")).is(200);
            assert_eq!(found["page"]["totalElements"], 2, "{}", found.text);
        }
    }
}
