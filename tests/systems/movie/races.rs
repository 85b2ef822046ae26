//! Many at once: one seat for twenty, a print against a cancel.

use super::theatre::{cancel, happened, movie, print, shows_canceled, shows_printed};
use serde_json::{Value, json};
use std::{thread, time::Duration};
use support::at_once;

fn seats(seat: &str) -> Value {
    let qty = seat.split(',').count();
    json!({"qty": qty, "movieName": "soul", "seat": seat, "showtime": "2026-12-24T19:00:00+09:00"})
}

#[test]
fn of_all_who_want_a_seat_at_once_one_gets_it_and_after_a_cancel_the_next_one_does() {
    let server = movie("");
    for (round, clients) in [2, 2, 2, 2, 20, 20].into_iter().enumerate() {
        let body = seats(&format!("{round}A"));
        for again in 0..3 {
            let answers =
                at_once(&server, clients as u64, |client, _| client.post("/books", body.clone()));
            let (won, lost): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|answer| answer.status == 201);
            assert_eq!((won.len(), lost.len()), (1, clients - 1), "round {round}, again {again}");
            lost.iter().for_each(|answer| answer.refuses(409, "seat-taken"));
            let winner = won[0].id();
            cancel(&server, winner).is(200).has("status", "Canceled");
            shows_canceled(&server, winner);
        }
    }
    let booked = server.total("books");
    let canceled = server.get("/books?status=Canceled").is(200);
    assert_eq!((booked, &canceled["page"]["totalElements"]), (18, &json!(18)));
    assert_eq!(server.total("payments"), 18, "who has no seat has not paid");
}

#[test]
fn of_bookings_that_overlap_none_is_half_a_booking() {
    let server = movie("");
    // Each wants two neighbouring seats of ten, so that every seat is wanted by two; the last one wants all.
    let wanted = |n: usize| match n {
        10 => (0..10).map(|seat| format!("{seat}B")).collect::<Vec<_>>().join(","),
        n => format!("{n}B,{}B", (n + 1) % 10),
    };
    let answers =
        at_once(&server, 11, |client, n| client.post("/books", seats(&wanted(n as usize - 1))));
    let mut sold: Vec<String> = Vec::new();
    for (n, answer) in answers.iter().enumerate() {
        match answer.status {
            201 => sold.extend(wanted(n).split(',').map(Into::into)),
            _ => answer.refuses(409, "seat-taken"),
        }
    }
    let count = sold.len();
    sold.sort();
    sold.dedup();
    assert_eq!(sold.len(), count, "a seat is sold twice: {sold:?}");
    assert!(count >= 2, "at least two get a seat");
    // What was refused holds nothing: every seat that is not sold can be had.
    for seat in (0..10).map(|seat| format!("{seat}B")) {
        let answer = server.post("/books", seats(&seat));
        assert_eq!(answer.status == 201, !sold.contains(&seat), "{seat}: {}", answer.text);
    }
}

#[test]
fn of_a_print_and_a_cancel_at_once_exactly_one_wins_and_the_other_is_refused() {
    const ROUNDS: usize = 60;
    let server = movie("");
    let mut prints = 0;
    for round in 0..ROUNDS {
        let id = server
            .post("/books", json!({"qty": 1, "movieName": "soul", "totalPrice": 5000}))
            .is(201)
            .id();
        server.shows(&format!("/tickets/{id}"), json!({"status": "Waiting"}));
        // Every third round the points are slow, so that the cancel comes upon an open question.
        match round % 3 {
            0 => server.delay("movie.point", 5, 30),
            _ => server.heal("movie.point"),
        }
        let answers = at_once(&server, 2, |client, n| {
            if (n == 1) ^ (round % 2 == 0) {
                // A print has the shorter way; it sets out a little later, more so from round to round.
                thread::sleep(Duration::from_micros(round as u64 % 10 * 300));
                ("print", print(client, id))
            } else {
                ("cancel", cancel(client, id))
            }
        });
        let of = |who: &str| answers.iter().find(|(did, _)| *did == who).unwrap().1.clone();
        match (of("print"), of("cancel")) {
            (print, cancel) if print.status == 200 => {
                prints += 1;
                assert_eq!(print["status"], "Printed");
                cancel.refuses(409, "ticket-printed");
                shows_printed(&server, id);
            }
            (print, cancel) => {
                print.refuses(409, "ticket-canceled");
                cancel.is(200).has("status", "Canceled");
                shows_canceled(&server, id);
            }
        }
    }
    eprintln!("{prints} of {ROUNDS} were printed");
    let count =
        |path: &str| server.get(path).is(200)["page"]["totalElements"].as_u64().unwrap() as usize;
    assert_eq!(
        (count("/books?status=PrintComplete"), count("/payments?status=Paid")),
        (prints, prints)
    );
    assert_eq!(
        (count("/books?status=Canceled"), count("/payments?status=Canceled")),
        (ROUNDS - prints, ROUNDS - prints)
    );
    assert_eq!(
        (count("/points?status=Pointed"), count("/tickets?status=Printed")),
        (prints, prints)
    );
}

#[test]
fn however_many_print_and_cancel_at_once_points_are_granted_once_and_money_goes_back_once() {
    let server = movie("");
    for _ in 0..10 {
        let id = server.post("/books", json!({"qty": 1, "totalPrice": 5000})).is(201).id();
        server.shows(&format!("/tickets/{id}"), json!({"status": "Waiting"}));
        let answers = at_once(&server, 20, |client, n| match n % 2 {
            0 => (true, print(client, id)),
            _ => (false, cancel(client, id)),
        });
        let printed = answers.iter().any(|(prints, answer)| *prints && answer.status == 200);
        for (prints, answer) in &answers {
            match (prints, printed) {
                (true, true) | (false, false) => drop(answer.clone().is(200)),
                (true, false) => answer.refuses(409, "ticket-canceled"),
                (false, true) => answer.refuses(409, "ticket-printed"),
            }
        }
        if printed {
            shows_printed(&server, id)
        } else {
            shows_canceled(&server, id)
        }
        assert_eq!(happened(&server, id, "WrittenPoint"), usize::from(printed));
        for what in ["Canceled", "PaymentCanceled"] {
            assert_eq!(happened(&server, id, what), usize::from(!printed), "{what}");
        }
    }
}
