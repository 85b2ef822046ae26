//! Ticket reservation (티켓 예약) over HTTP: its transcript, tickets that expire by themselves, contexts away, races.
mod rules;
mod time;
mod unavailable;

use serde_json::json;
use std::thread;
use support::{Answer, Client, Server, eventually};

const JUNE: &str = "2021-06-28T12:00:00+09:00";

fn start() -> Server {
    Server::of("ticketing", "", &["--clock", JUNE])
}

fn ticket(server: &Client, number: u64, status: &str, day: &str) -> Answer {
    let body =
        json!({"ticketId": number.to_string(), "status": status, "starttime": day, "endtime": day});
    server.post("/tickets", body)
}

fn reserve(server: &Client, ticket: u64, user: &str, grade: &str) -> Answer {
    server.post(
        "/reservations",
        json!({"ticketId": ticket.to_string(), "userId": user, "userGrade": grade}),
    )
}

fn cancel(server: &Client, reservation: u64) -> Answer {
    server.patch(&format!("/reservations/{reservation}"), json!({"status": "CANCELLED"}))
}

fn happened(server: &Client, reservation: u64, what: &str) -> usize {
    let told = server.get(&format!("/admin/sagas/ticketing/{reservation}")).is(200).text;
    told.matches(&format!("\"what\":\"{what}\"")).count()
}

fn costs(server: &Client, ticket: u64, discounted: u64) {
    let fields = json!({"ticketId": ticket, "price": 10_000, "discountedPrice": discounted});
    server.shows(&format!("/prices/{ticket}"), fields.clone());
    server.shows(&format!("/views/{ticket}"), fields);
}

fn advance(server: &Client, by: &str) {
    server.post("/admin/clock", json!({ "advance": by })).is(200);
}

#[test]
fn the_transcript_replays_line_by_line() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-06")
        .is(201)
        .has("ticketId", 1)
        .has("status", "예약가능");
    ticket(&server, 2, "예약가능", "2021-07-07").is(201);
    ticket(&server, 3, "예약가능", "2021-07-07").is(201);
    ticket(&server, 4, "예약됨", "2021-12-31").is(201).has("status", "예약됨");
    ticket(&server, 5, "예약가능", "2020-06-25").is(201).has("status", "예약가능");
    server.shows("/tickets/5", json!({"status": "만료됨"}));
    assert_eq!(server.total("tickets"), 5);
    for (number, discounted) in [(1, 10_000), (2, 8_000), (3, 8_000), (4, 10_000), (5, 8_000)] {
        server.shows(
            &format!("/prices/{number}"),
            json!({"price": 10_000, "discountedPrice": discounted}),
        );
    }
    let made = reserve(&server, 1, "A", "Silver")
        .is(201)
        .has("status", "RESERVED")
        .has("reservationId", 1);
    assert!(made["updatedDate"].as_str().unwrap().starts_with("2021-06-28"), "{}", made.text);
    server.get("/tickets/1").is(200).has("status", "예약됨");
    server.shows("/prices/1", json!({"discountedPrice": 10_000}));
    reserve(&server, 2, "A", "Silver").is(201);
    server.shows("/prices/2", json!({"discountedPrice": 8_000}));
    reserve(&server, 3, "B", "VIP").is(201);
    server.shows("/prices/3", json!({"discountedPrice": 7_000}));
    reserve(&server, 4, "B", "VIP").refuses(409, "ticket-taken");
    reserve(&server, 5, "B", "VIP").refuses(409, "ticket-expired");
    let row = json!({"reservationStatus": "RESERVED", "status": "예약됨", "discountedPrice": 7_000, "userId": "B"});
    server.shows("/views/3", row);
    cancel(&server, 3).is(200).has("status", "CANCELLED");
    server.shows(
        "/views/3",
        json!({"reservationStatus": "CANCELLED", "status": "예약가능", "discountedPrice": 8_000}),
    );
    assert_eq!(server.total("reservations"), 3, "what was refused is in no list");
}

#[test]
fn a_number_is_registered_once_and_what_cannot_be_is_refused() {
    let server = start();
    ticket(&server, 7, "예약가능", "2021-07-06").is(201);
    ticket(&server, 7, "예약가능", "2021-07-06").refuses(409, "ticket-registered");
    let backwards = json!({"ticketId": 8, "starttime": "2021-07-06", "endtime": "2021-07-04"});
    server.post("/tickets", backwards).refuses(422, "ends-before-start");
    server
        .post("/tickets", json!({"ticketId": 8, "starttime": "tomorrow", "endtime": "2021-07-05"}))
        .problem(400);
    reserve(&server, 99, "A", "VIP").refuses(409, "ticket-unknown");
    server.get("/reservations/1").problem(404);
    for path in ["/prices", "/views"] {
        server.post(path, json!({})).problem(405);
    }
    let moment = json!({"ticketId": 9, "starttime": "2021-07-06T19:00:00+09:00", "endtime": "2021-07-06T12:00:00Z"});
    server.post("/tickets", moment).is(201).has("starttime", "2021-07-06T10:00:00Z");
}

#[test]
fn an_available_ticket_expires_by_itself_at_the_end_of_its_day_in_seoul_and_a_taken_one_does_not() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-06-28").is(201);
    ticket(&server, 2, "예약가능", "2021-06-28").is(201);
    reserve(&server, 2, "A", "Silver").is(201);
    advance(&server, "PT11H59M");
    server.get("/tickets/1").is(200).has("status", "예약가능");
    advance(&server, "PT2M");
    server.shows("/tickets/1", json!({"status": "만료됨"}));
    server.shows("/views/1", json!({"status": "만료됨"}));
    server.get("/tickets/2").is(200).has("status", "예약됨");
    reserve(&server, 1, "B", "VIP").refuses(409, "ticket-expired");
    cancel(&server, 1).is(200);
    server.shows("/tickets/2", json!({"status": "만료됨"}));
    assert_eq!(happened(&server, 1, "Cancelled"), 1);
}

#[test]
fn a_ticket_expires_while_the_server_is_off() {
    let mut server = start();
    ticket(&server, 1, "예약가능", "2021-07-06").is(201);
    server.kill();
    server.set_argument("--clock", "2021-07-07T00:00:01+09:00");
    server.restart();
    server.shows("/tickets/1", json!({"status": "만료됨"}));
    reserve(&server, 1, "A", "VIP").refuses(409, "ticket-expired");
}

#[test]
fn prices_days_and_zones_are_configured() {
    let toml = "[systems.ticketing]\nbase_price = 20000\ndiscount_days = ['Monday']\ndiscount_rate = 50\n\
                vip_discount = 500\nzone = 'America/New_York'\n";
    let server = Server::of("ticketing", toml, &["--clock", JUNE]);
    // Monday in New York, Tuesday in Seoul.
    let body = json!({"ticketId": 1, "starttime": "2021-07-06T03:00:00Z", "endtime": "2021-07-07"});
    server.post("/tickets", body).is(201).has("endtime", "2021-07-08T04:00:00Z");
    server.shows("/prices/1", json!({"price": 20_000, "discountedPrice": 10_000}));
    reserve(&server, 1, "A", "VIP").is(201);
    server.shows("/prices/1", json!({"discountedPrice": 9_500}));
}

#[test]
fn cancelling_works_while_price_ticket_and_view_are_all_away() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    server.shows("/views/1", json!({"discountedPrice": 7_000, "reservationStatus": "RESERVED"}));
    let away = ["ticketing.price", "ticketing.ticket", "ticketing.view"];
    away.iter().for_each(|context| server.stop(context));
    cancel(&server, 1).is(200).has("status", "CANCELLED");
    let refused = reserve(&server, 1, "C", "Silver");
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok(), "{:?}", refused.headers);
    away.iter().for_each(|context| server.start_again(context));
    let row = json!({"status": "예약가능", "discountedPrice": 8_000, "reservationStatus": "CANCELLED", "userId": "B"});
    server.shows("/views/1", row);
    reserve(&server, 1, "D", "VIP").is(201);
    server.shows("/views/1", json!({"discountedPrice": 7_000, "userId": "D", "status": "예약됨"}));
    assert_eq!(server.total("reservations"), 2, "the one without an answer is in no list");
}

#[test]
fn a_ticket_that_answers_too_late_is_not_held_by_whom_it_was_refused() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    server.delay("ticketing.ticket", 900, 900);
    reserve(&server, 1, "A", "Silver").refuses(503, "retry-later");
    server.heal("ticketing.ticket");
    server.shows("/tickets/1", json!({"status": "예약가능"}));
    eventually("it can be had", || (reserve(&server, 1, "B", "VIP").status == 201).then_some(()));
}

#[test]
fn of_fifty_reservations_for_a_ticket_one_succeeds_and_the_others_leave_no_trace() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|user| {
                let own = server.apart();
                scope.spawn(move || reserve(&own, 1, &user.to_string(), "Silver"))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(winners.len(), 1);
    answers
        .iter()
        .filter(|answer| answer.status != 201)
        .for_each(|answer| answer.refuses(409, "ticket-taken"));
    assert_eq!(server.total("reservations"), 1);
    server.shows(
        "/views/1",
        json!({"reservationId": winners[0]["reservationId"], "userId": winners[0]["userId"]}),
    );
}

#[test]
fn a_cancel_repeated_by_many_is_one_and_the_price_is_exactly_back() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    reserve(&server, 1, "B", "VIP").is(201);
    server.shows("/prices/1", json!({"discountedPrice": 7_000}));
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| cancel(&server.apart(), 1).is(200).has("status", "CANCELLED"));
        }
    });
    server.shows("/prices/1", json!({"discountedPrice": 8_000}));
    assert_eq!(happened(&server, 1, "Cancelled"), 1);
}

#[test]
fn many_who_take_and_leave_a_ticket_leave_its_price_as_it_was() {
    let server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    thread::scope(|scope| {
        for (user, grade) in [("A", "VIP"), ("B", "Silver"), ("C", "VIP"), ("D", "Silver")] {
            let own = server.apart();
            scope.spawn(move || {
                for _ in 0..15 {
                    let answer = reserve(&own, 1, user, grade);
                    if answer.status == 201 {
                        cancel(&own, answer["id"].as_u64().unwrap()).is(200);
                    }
                }
            });
        }
    });
    server.shows("/tickets/1", json!({"status": "예약가능"}));
    server.shows("/prices/1", json!({"discountedPrice": 8_000}));
    let last = server.shows("/views/1", json!({"status": "예약가능", "discountedPrice": 8_000}));
    assert_eq!(last["reservationStatus"], "CANCELLED");
    let made = eventually("it can be had again", || {
        Some(reserve(&server, 1, "Z", "VIP")).filter(|answer| answer.status == 201)
    });
    server.shows(
        "/views/1",
        json!({"discountedPrice": 7_000, "reservationId": made["id"], "userId": "Z"}),
    );
}

#[test]
fn a_kill_while_a_reservation_is_open_leaves_nothing_half_done() {
    let mut server = start();
    ticket(&server, 1, "예약가능", "2021-07-07").is(201);
    server.delay("ticketing.ticket", 60_000, 60_000);
    let own = server.apart();
    let asking = thread::spawn(move || {
        let body = json!({"ticketId": 1, "userId": "A"});
        own.try_post_once("/reservations", "key-1", &body).map(|answer| answer.status)
    });
    eventually("it is recorded", || (server.metric("holdfast_saga_waiting") >= 1.0).then_some(()));
    server.kill();
    let _ = asking.join();
    server.restart();
    // Whichever way it was settled: the ticket is with a reservation that is open, or free.
    eventually("ticket and reservation agree", || {
        let open = server.get("/reservations/1");
        let stands = open.status == 200 && open["status"] == "RESERVED";
        let held = server.get("/tickets/1").is(200)["status"] == "예약됨";
        (open["status"] != "Requested" && stands == held).then_some(())
    });
}
