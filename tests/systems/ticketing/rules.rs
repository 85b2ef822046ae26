//! What is promised of each command.

use super::{advance, cancel, costs, happened, reserve, start, ticket};
use serde_json::{Value, json};
use support::{Server, holdfast, run};

const TUESDAY: &str = "2021-07-06";
const WEDNESDAY: &str = "2021-07-07";

#[test]
fn nothing_is_seen_of_a_reservation_that_was_refused() {
    let server = start();
    ticket(&server, 1, "예약가능", TUESDAY).is(201);
    reserve(&server, 1, "A", "VIP").is(201).has("id", 1);
    reserve(&server, 1, "B", "VIP").refuses(409, "ticket-taken");
    reserve(&server, 9, "B", "VIP").refuses(409, "ticket-unknown");
    costs(&server, 1, 9_000);
    for refused in [2, 3] {
        server.get(&format!("/reservations/{refused}")).refuses(404, "not-found");
        cancel(&server, refused).refuses(404, "not-found");
    }
    assert_eq!(
        (server.total("reservations"), server.total("tickets"), server.total("views")),
        (1, 1, 1)
    );
    server.get("/views/9").refuses(404, "not-found");
    server.get("/prices/9").refuses(404, "not-found");
    server.get("/views/1").is(200).has("userId", "A");
}

#[test]
fn a_ticket_registered_as_expired_is_never_bookable_however_late_it_ends() {
    let server = start();
    let body =
        json!({"ticketId": 1, "status": "만료됨", "starttime": TUESDAY, "endtime": "2099-12-31"});
    server.post("/tickets", body).is(201).has("status", "만료됨");
    reserve(&server, 1, "A", "VIP").refuses(409, "ticket-expired");
    server.shows(
        "/views/1",
        json!({"status": "만료됨", "reservationId": null, "reservationStatus": null}),
    );
}

#[test]
fn a_late_repeat_of_a_cancel_changes_nothing_and_does_not_undo_the_next_reservation() {
    let server = start();
    ticket(&server, 1, "예약가능", WEDNESDAY).is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    costs(&server, 1, 7_000);
    let first = cancel(&server, 1).is(200);
    costs(&server, 1, 8_000);
    let second = cancel(&server, 1).is(200).has("status", "CANCELLED");
    assert_eq!(first.header("etag"), second.header("etag"));
    reserve(&server, 1, "C", "VIP").is(201).has("id", 2);
    cancel(&server, 1).is(200);
    costs(&server, 1, 7_000);
    server.get("/tickets/1").is(200).has("status", "예약됨");
    server.shows(
        "/views/1",
        json!({"userId": "C", "reservationStatus": "RESERVED", "reservationId": 2}),
    );
    assert_eq!(happened(&server, 1, "Cancelled"), 1);
}

#[test]
fn the_reserver_is_optional_text_and_fields_of_the_server_cannot_be_set() {
    let server = start();
    (1..=3).for_each(|number| drop(ticket(&server, number, "예약가능", TUESDAY).is(201)));
    let made = server.post("/reservations", json!({"ticketId": 1})).is(201);
    made.has("userId", Value::Null).has("userGrade", Value::Null).has("status", "RESERVED");
    server
        .post("/reservations", json!({"ticketId": 2, "userId": "42"}))
        .is(201)
        .has("userId", "42");
    let bold = json!({"ticketId": "3", "id": 99, "status": "CANCELLED", "updatedDate": "1999-01-01T00:00:00Z"});
    let made = server.post("/reservations", bold).is(201).has("id", 3).has("status", "RESERVED");
    assert!(made["updatedDate"].as_str().unwrap().starts_with("2021-"), "{}", made.text);
}

#[test]
fn lists_are_filtered_and_what_is_not_listed_is_not_allowed() {
    let server = start();
    (1..=3).for_each(|number| drop(ticket(&server, number, "예약가능", TUESDAY).is(201)));
    reserve(&server, 1, "A", "VIP").is(201);
    reserve(&server, 2, "B", "VIP").is(201);
    cancel(&server, 2).is(200);
    server.shows("/views/2", json!({"status": "예약가능", "reservationStatus": "CANCELLED"}));
    server.shows("/views/1", json!({"status": "예약됨", "userId": "A"}));
    costs(&server, 3, 10_000);
    for path in [
        "/tickets?status=예약됨",
        "/tickets?ticketId=3",
        "/reservations?status=CANCELLED",
        "/reservations?userId=A",
        "/reservations?ticketId=2",
        "/prices?ticketId=3",
        "/views?status=예약됨",
        "/views?userId=A",
        "/views?ticketId=1",
    ] {
        assert_eq!(server.get(path).is(200)["page"]["totalElements"], 1, "{path}");
    }
    for (method, path) in [
        ("PATCH", "/prices/1"),
        ("PATCH", "/views/1"),
        ("PUT", "/tickets/1"),
        ("DELETE", "/reservations/1"),
    ] {
        let answer =
            server.call(method, path, |request| request.json(&json!({"status": "예약됨"})));
        answer.problem(405);
        assert!(!answer.header("allow").is_empty());
    }
    let answer = server.patch("/reservations/1", json!({"status": "RESERVED"}));
    assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
}

#[test]
fn a_price_once_given_stays_when_the_configuration_changes() {
    let toml = "[systems.ticketing]\nbase_price = 5000\ndiscount_days = ['Tuesday']\ndiscount_rate = 10\n\
                vip_discount = 300\n";
    let mut server = Server::of("ticketing", toml, &["--clock", super::JUNE]);
    ticket(&server, 1, "예약가능", TUESDAY).is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    server.shows("/prices/1", json!({"price": 5_000, "discountedPrice": 4_200}));
    assert!(server.terminate().success());
    std::fs::write(server.directory().join("holdfast.toml"), "").unwrap();
    server.restart();
    cancel(&server, 1).is(200);
    server.shows("/prices/1", json!({"price": 5_000, "discountedPrice": 4_500}));
    advance(&server, "PT1H");
}

#[test]
fn a_zone_that_there_is_not_refuses_to_start() {
    let directory = tempfile::TempDir::new().unwrap();
    let config = directory.path().join("holdfast.toml");
    std::fs::write(&config, "[systems.ticketing]\nzone = 'Asia/Nowhere'\n").unwrap();
    let mut command = holdfast();
    command
        .args(["serve", "--system", "ticketing", "--listen", "127.0.0.1:0", "--config"])
        .arg(&config);
    let output = run(command.arg("--data").arg(directory.path().join("data")));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("ticketing") && said.contains("Nowhere"),
        "{said}"
    );
}

#[test]
fn a_weekday_is_that_of_seoul_in_any_time_zone_of_the_server() {
    let elsewhere = [
        ("TZ", "America/Los_Angeles"),
        ("LANG", "en_US.UTF-8"),
        ("LC_ALL", "C"),
        ("TZDIR", "/nowhere"),
    ];
    let server =
        Server::among(&elsewhere, "127.0.0.1:0", "ticketing", "", &["--clock", super::JUNE]);
    // The last moment of a Tuesday, the first of a Wednesday, the last of a Thursday, the first of a Friday: in Seoul.
    let days = [
        ("2021-07-06T23:59:59+09:00", 10_000),
        ("2021-07-06T15:00:00Z", 8_000),
        ("2021-07-08T14:59:59Z", 8_000),
        ("2021-07-09T00:00:00+09:00", 10_000),
        (WEDNESDAY, 8_000),
    ];
    for (number, (from, price)) in (1..).zip(days) {
        server
            .post(
                "/tickets",
                json!({"ticketId": number, "starttime": from, "endtime": "2021-07-31"}),
            )
            .is(201);
        costs(&server, number, price);
    }
    server.get("/tickets/5").is(200).has("starttime", "2021-07-06T15:00:00Z");
}
