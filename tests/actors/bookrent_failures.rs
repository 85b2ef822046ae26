//! BookRent, with every step failing in turn.

use super::{
    bench::{Bench, ensure, rent},
    step_failures::{Saga, fail_every_step},
};
use holdfast::actors::CommandRequest;
use serde_json::{Value, json};

/// What must be so of every book, rent, delivery and row once everything is quiet.
pub fn is_consistent(bench: &Bench) -> Result<(), String> {
    let books = bench.all("bookrent.book");
    let rents = bench.all("bookrent.rent");
    let deliveries = bench.all("bookrent.delivery");
    let rows = bench.all("bookrent.view");
    for (book, shown) in &books {
        let holders = rents
            .iter()
            .filter(|(_, rent)| rent["bookId"] == *book && rent["status"] == "Rent")
            .count();
        ensure(
            holders == usize::from(shown["status"] == false),
            format!("book {book} is held by {holders}: {shown}"),
        )?;
    }
    for (number, rent) in &rents {
        let find = |among: &[(u64, Value)]| {
            among.iter().find(|(of, _)| of == number).map(|(_, shown)| shown.clone())
        };
        let delivery = find(&deliveries).map(|delivery| delivery["status"].clone());
        let wanted = match rent["status"].as_str() {
            Some("Rent") => Some(json!("Delivery Started")),
            Some("Cancel") => Some(json!("Delivery Cancelled")),
            Some("Fail") => None,
            other => return Err(format!("rent {number} is {other:?}")),
        };
        // A cancel that arrives first withholds the delivery; in order it is cancelled.
        ensure(delivery == wanted, format!("rent {number}: {rent}, delivery {delivery:?}"))?;
        let row = find(&rows).unwrap_or_default();
        let told =
            (&row["rentStatus"], &row["bookId"], &row["userId"], row["deliveryStatus"].clone());
        let is = (&rent["status"], &rent["bookId"], &rent["userId"], wanted.unwrap_or_default());
        ensure(told == is, format!("rent {number} is {is:?}, its row says {told:?}"))?;
    }
    // What staff has withdrawn is shown by its number, and in no list.
    let listed = books.iter().filter(|(_, book)| book["withdrawn"].is_null());
    let totals = [
        ("book", listed.count()),
        ("rent", rents.len()),
        ("delivery", deliveries.len()),
        ("view", rows.len()),
    ];
    for (context, count) in totals {
        let total = bench.total(&format!("bookrent.{context}"), &[]);
        ensure(total == count as u64, format!("{context}: {count} are shown, {total} are listed"))?;
    }
    for status in ["Rent", "Fail", "Cancel"] {
        let count = rents.iter().filter(|(_, rent)| rent["status"] == status).count() as u64;
        let total = bench.total("bookrent.rent", &[("status", status)]);
        ensure(total == count, format!("{count} rents are {status}, {total} are listed"))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn after_any_failing_step_of_bookrent_the_data_is_consistent() {
    let register = || {
        (
            "bookrent.book",
            CommandRequest { body: json!({ "title": "title01" }), ..CommandRequest::default() },
        )
    };
    let cancel = CommandRequest {
        route: 1,
        number: Some(1),
        body: json!({ "status": "Cancel" }),
        ..CommandRequest::default()
    };
    let maintain = |route: usize, body: Value| {
        let number = Some(1);
        ("bookrent.book", CommandRequest { route, number, body, ..CommandRequest::default() })
    };
    let orders = vec![
        register(),
        maintain(1, json!({ "title": "title02" })),
        ("bookrent.rent", rent(1, 1)),
        maintain(2, Value::Null),
        ("bookrent.rent", rent(1, 2)),
        ("bookrent.rent", rent(9, 3)),
        ("bookrent.rent", cancel),
        maintain(1, json!({ "withdrawn": false })),
        ("bookrent.rent", rent(1, 4)),
    ];
    fail_every_step(Saga::of("bookrent", orders, is_consistent)).await;
}
