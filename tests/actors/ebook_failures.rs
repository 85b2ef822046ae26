//! The e-book library, with every step failing in turn.

use super::{
    bench::{Bench, ensure, eventually, find, guarded, hasty},
    step_failures::{Saga, fail_every_step},
};
use futures_util::future::{Either, select};
use holdfast::{
    actors::{CommandRequest, Injected, NodeBuilder},
    domain::Board,
    store::MemoryStore,
    systems::ebook::{book::Book, dashboard::Row, payment::Payment, rent::Rent},
};
use serde_json::{Value, json};

/// What must be so of every book, rent, payment and row once everything is quiet.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    let books = bench.all("ebook.book");
    let rents = bench.all("ebook.rent");
    let payments = bench.all("ebook.payment");
    let rows = bench.all("ebook.dashboard");
    for (number, book) in &books {
        let wanted = match book["status"].as_str() {
            Some("PAID") => Some("RENTED"),
            Some("APPROVED") => Some("APPROVED"),
            Some("POSSIBLE") => None,
            other => return Err(format!("book {number} is {other:?}")),
        };
        let of = |rent: &Value| {
            rent["bookId"] == *number
                && matches!(rent["status"].as_str(), Some("RENTED" | "APPROVED"))
        };
        let holders: Vec<_> = rents.iter().filter(|(_, rent)| of(rent)).collect();
        let right = match (wanted, holders.as_slice()) {
            (None, []) => book["rentId"].is_null(),
            (Some(status), [(rent, shown)]) => book["rentId"] == *rent && shown["status"] == status,
            _ => false,
        };
        ensure(right, format!("book {number} is {book}, its rents are {holders:?}"))?;
    }
    for (number, rent) in &rents {
        let payment = find(&payments, *number);
        let row = find(&rows, *number);
        let (paid, told) = match rent["status"].as_str() {
            Some("RENTED") => ("PAID", "PAID"),
            Some("APPROVED") => ("PAID", "APPROVED"),
            Some("RETURNED") => ("PAID", "RETURNED"),
            Some("CANCELED") => ("REFUNDED", "CANCELED"),
            other => return Err(format!("rent {number} is {other:?}")),
        };
        ensure(
            payment["status"] == paid,
            format!("rent {number}: {rent}, its payment: {payment}"),
        )?;
        let book = find(&books, rent["bookId"].as_u64().unwrap_or_default());
        let fee = &payment["rentalFee"];
        ensure(
            paid != "PAID" || *fee == book["rentalFee"],
            format!("the payment of rent {number} is {payment}"),
        )?;
        ensure(row["status"] == told, format!("rent {number}: {rent}, its row: {row}"))?;
        for field in [
            "bookId",
            "userId",
            "rentedDate",
            "returnedDate",
            "canceledDate",
            "reason",
            "bookName",
            "rentalFee",
        ] {
            ensure(
                row[field] == rent[field],
                format!("{field} of rent {number}: {rent}, its row: {row}"),
            )?;
        }
        ensure(
            row["paidDate"] == payment["paidDate"],
            format!("rent {number}, paid: {payment}, its row: {row}"),
        )?;
    }
    // What was never a rent is paid back, if it was paid at all.
    for (number, payment) in &payments {
        let is_rent = !find(&rents, *number).is_null();
        ensure(
            is_rent || payment["status"] == "REFUNDED",
            format!("payment {number} is kept for nothing: {payment}"),
        )?;
    }
    let totals = [
        ("book", books.len()),
        ("rent", rents.len()),
        ("payment", payments.len()),
        ("dashboard", rents.len()),
    ];
    for (context, count) in totals {
        let total = bench.total(&format!("ebook.{context}"), &[]);
        ensure(total == count as u64, format!("{context}: {count} are shown, {total} are listed"))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn after_any_failing_step_of_the_library_the_data_is_consistent() {
    let register = || {
        (
            "ebook.book",
            CommandRequest {
                body: json!({ "bookName": "Hello, JAVA", "rentalFee": 3000 }),
                ..CommandRequest::default()
            },
        )
    };
    let rent = |book: u64, fee: Option<u64>| {
        let body = json!({ "userId": 7, "bookId": book, "rentalFee": fee });
        ("ebook.rent", CommandRequest { body, ..CommandRequest::default() })
    };
    let command = |context, route, number| {
        (context, CommandRequest { route, number: Some(number), ..CommandRequest::default() })
    };
    let orders = vec![
        register(),
        register(),
        // The first rent is of the second book.
        rent(2, None),
        rent(2, Some(3000)),
        rent(1, Some(3000)),
        command("ebook.book", 1, 2),
        rent(9, Some(3000)),
        command("ebook.rent", 1, 1),
        command("ebook.book", 2, 1),
        rent(1, Some(1)),
        // One is withdrawn while it is held, one while it may be.
        rent(1, None),
        command("ebook.rent", 3, 6),
        rent(2, Some(3000)),
        command("ebook.rent", 3, 7),
    ];
    fail_every_step(Saga::of("ebook", orders, is_consistent)).await;
}

fn payment_last(board: &mut NodeBuilder<'_>) {
    board.aggregate::<Rent>();
    board.aggregate::<Book>();
    board.view::<Row>();
    board.aggregate::<Payment>();
}

#[actix_rt::test]
async fn an_ask_recovered_after_a_crash_waits_for_a_context_that_starts_later() {
    let rent = CommandRequest {
        body: json!({ "userId": 7, "bookId": 9, "rentalFee": 3000 }),
        ..CommandRequest::default()
    };
    let settings = || guarded("ebook.payment", hasty(20_000));
    for round in 0..60 {
        let bench = Bench::of(MemoryStore::new(), settings(), payment_last).ready().await;
        bench
            .context("ebook.payment")
            .set_fault(Some(Injected { delay_ms: (60_000, 60_000), failure_rate: 0.0 }));
        let asking = Box::pin(bench.order("ebook.rent", rent.clone()));
        let paid = Box::pin(eventually(|| bench.see("ebook.payment", 1).is_some()));
        assert!(matches!(select(asking, paid).await, Either::Right(_)), "no answer has come yet");
        let bench = bench.crashed(settings(), payment_last).await;
        eventually(|| bench.see("ebook.rent", 1).is_none_or(|rent| rent["status"] != "Requested"))
            .await;
        let told = bench.events("ebook.rent", 1);
        assert!(told.contains(&"Rented".to_owned()), "round {round}: {told:?}");
    }
}
