//! Movie booking, with every step failing in turn.

use super::{
    bench::{Bench, ensure},
    step_failures::{Saga, fail_every_step},
};
use holdfast::actors::CommandRequest;
use serde_json::json;
use std::collections::BTreeMap;

const MOST: u64 = 12;

/// What must be so of every booking once everything is quiet: either all of it or none, and each seat sold once.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    let see = |context: &str, number| bench.see(&format!("movie.{context}"), number);
    let mut seen = BTreeMap::<&str, u64>::new();
    let mut seats = BTreeMap::<String, u64>::new();
    for number in 1..=MOST {
        let status = |context: &str| {
            see(context, number).map(|shown| shown["status"].as_str().unwrap().to_owned())
        };
        let all = ["book", "payment", "ticket", "point", "mypage"].map(status);
        for (context, status) in
            ["book", "payment", "ticket", "point", "mypage"].into_iter().zip(&all)
        {
            *seen.entry(context).or_default() += u64::from(status.is_some());
        }
        let all = all.each_ref().map(Option::as_deref);
        let right = match all[0] {
            // What was never established has been paid back, if it was paid.
            None => all == [None; 5] || all == [None, Some("Canceled"), None, None, None],
            Some("PaidComplete") => {
                all[1..].iter().flatten().eq(&["Paid", "Waiting", "Waiting Point", "PaidComplete"])
            }
            Some("PrintComplete") => {
                all[1..].iter().flatten().eq(&["Paid", "Printed", "Pointed", "Printed"])
            }
            Some("Canceled") => all == [Some("Canceled"); 5],
            Some(_) => false,
        };
        ensure(right, format!("booking {number}: {all:?}"))?;
        let score = if all[0] == Some("PrintComplete") { 100 } else { 0 };
        for context in ["point", "mypage"] {
            let shown = see(context, number);
            ensure(
                shown.as_ref().is_none_or(|shown| shown["score"] == score),
                format!("{context} {number}: {shown:?}"),
            )?;
        }
        if matches!(all[0], Some("PaidComplete" | "PrintComplete")) {
            *seats.entry(see("book", number).unwrap()["seat"].to_string()).or_default() += 1;
        }
    }
    ensure(seats.values().all(|sold| *sold == 1), format!("sold: {seats:?}"))?;
    for (context, count) in seen {
        let total = bench.total(&format!("movie.{context}"), &[]);
        ensure(total == count, format!("{context}: {count} are shown, {total} are listed"))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn after_any_failing_step_of_movie_booking_the_data_is_consistent() {
    let book = |seat: &str| {
        let body = json!({ "qty": 1, "movieName": "soul", "seat": seat, "showtime": "2026-12-24T10:00:00Z" });
        ("movie.book", CommandRequest { body, ..CommandRequest::default() })
    };
    let cancel = |number| {
        let body = json!({ "status": "Canceled" });
        (
            "movie.book",
            CommandRequest { route: 1, number: Some(number), body, ..CommandRequest::default() },
        )
    };
    let print = |number| {
        let body = json!({ "status": "Printed" });
        (
            "movie.ticket",
            CommandRequest { route: 0, number: Some(number), body, ..CommandRequest::default() },
        )
    };
    let orders = vec![book("1A"), print(1), cancel(1), book("2B"), cancel(2), book("2B"), print(2)];
    fail_every_step(Saga::of("movie", orders, is_consistent)).await;
}
