//! Tickets whose time passes while something else is on.

use super::{advance, cancel, costs, reserve, start, ticket};
use serde_json::json;
use support::Server;

const TUESDAY: &str = "2021-07-06";
/// From the beginning of the tests to after the end of the Tuesday.
const PAST_TUESDAY: &str = "PT210H";

#[test]
fn a_ticket_that_was_given_back_waits_for_its_end_again() {
    let server = start();
    ticket(&server, 1, "예약가능", TUESDAY).is(201);
    reserve(&server, 1, "A", "VIP").is(201);
    cancel(&server, 1).is(200);
    server.shows("/tickets/1", json!({"status": "예약가능"}));
    advance(&server, PAST_TUESDAY);
    server.shows("/tickets/1", json!({"status": "만료됨"}));
    costs(&server, 1, 10_000);
}

#[test]
fn what_ended_while_its_context_was_stopped_expires_at_its_start() {
    let server = start();
    ticket(&server, 1, "예약가능", TUESDAY).is(201);
    ticket(&server, 2, "예약가능", TUESDAY).is(201);
    reserve(&server, 2, "A", "Silver").is(201);
    server.stop("ticketing.ticket");
    advance(&server, PAST_TUESDAY);
    cancel(&server, 1).is(200);
    server.start_again("ticketing.ticket");
    reserve(&server, 1, "B", "VIP").refuses(409, "ticket-expired");
    server.shows("/tickets/1", json!({"status": "만료됨"}));
    server.shows("/tickets/2", json!({"status": "만료됨"}));
    server.shows("/views/2", json!({"status": "만료됨", "reservationStatus": "CANCELLED"}));
}

#[test]
fn of_what_ended_while_the_server_was_off_only_the_available_is_expired() {
    let mut server = start();
    for number in 1..=3 {
        ticket(&server, number, "예약가능", TUESDAY).is(201);
    }
    ticket(&server, 4, "예약가능", "2021-07-08").is(201);
    reserve(&server, 2, "A", "VIP").is(201);
    reserve(&server, 3, "A", "VIP").is(201);
    cancel(&server, 2).is(200);
    server.shows("/tickets/3", json!({"status": "예약가능"}));
    server.kill();
    server.set_argument("--clock", "2021-07-07T00:00:01+09:00");
    server.restart();
    for (number, status) in [(1, "만료됨"), (2, "예약됨"), (3, "만료됨"), (4, "예약가능")]
    {
        server.shows(&format!("/tickets/{number}"), json!({"status": status}));
        server.shows(&format!("/views/{number}"), json!({"status": status}));
    }
    cancel(&server, 1).is(200);
    server.shows("/tickets/2", json!({"status": "만료됨"}));
}

#[test]
fn about_the_new_year_a_year_is_that_of_the_calendar_and_not_that_of_its_weeks() {
    // The Monday before the new year is in the first week of the next one, the Friday after it in the last of the old.
    for (now, year) in
        [("2024-12-30T12:00:00Z", "2024-12-30T12:"), ("2021-01-01T12:00:00Z", "2021-01-01T12:")]
    {
        let server = Server::of("ticketing", "", &["--clock", now]);
        ticket(&server, 1, "예약가능", "2098-12-31").is(201).has("endtime", "2098-12-31T15:00:00Z");
        let made = reserve(&server, 1, "A", "Silver").is(201);
        assert!(made["updatedDate"].as_str().unwrap().starts_with(year), "{}", made.text);
        let events = server.get("/events/ticketing.reservation").is(200);
        let times: Vec<_> = events
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["time"].as_str().unwrap())
            .collect();
        assert!(times.len() == 2 && times.iter().all(|time| time.starts_with(year)), "{times:?}");
    }
}
