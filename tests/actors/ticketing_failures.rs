//! Ticket reservation, with every step failing in turn.

use super::{
    bench::{Bench, ensure, find},
    step_failures::{Saga, fail_every_step},
};
use holdfast::actors::CommandRequest;
use serde_json::{Value, json};

/// What a ticket costs on its day: staff moves one to a day that is no cheaper one.
fn costs(ticket: &Value) -> u64 {
    if ticket["starttime"] == "2098-06-30T15:00:00Z" { 10_000 } else { 8_000 }
}

/// What must be so of every ticket, reservation, price and row once everything is quiet.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    let tickets = bench.all("ticketing.ticket");
    let reservations = bench.all("ticketing.reservation");
    let prices = bench.all("ticketing.price");
    let rows = bench.all("ticketing.view");
    for (number, ticket) in &tickets {
        let of: Vec<_> =
            reservations.iter().filter(|(_, one)| one["ticketId"] == *number).collect();
        let live: Vec<_> = of.iter().filter(|(_, one)| one["status"] == "RESERVED").collect();
        let status = match (number, live.len()) {
            (2, 0) => "만료됨",
            (_, 0) => "예약가능",
            (_, 1) => "예약됨",
            (_, many) => return Err(format!("ticket {number} is held by {many}")),
        };
        ensure(ticket["status"] == status, format!("ticket {number} is not {status}: {ticket}"))?;
        let is_vip = live.iter().any(|(_, one)| one["userGrade"] == "VIP");
        let left = json!(costs(ticket) - if is_vip { 1000 } else { 0 });
        let price = find(&prices, *number);
        let row = find(&rows, *number);
        ensure(
            price["discountedPrice"] == left,
            format!("ticket {number} costs {price}, not {left}"),
        )?;
        ensure(row["discountedPrice"] == left, format!("ticket {number} costs {left}: {row}"))?;
        ensure(row["status"] == status, format!("ticket {number} is {status}: {row}"))?;
        let last = live.first().copied().or(of.last());
        let expected = last.map(|(id, one)| (json!(id), one["status"].clone())).unwrap_or_default();
        let is = (row["reservationId"].clone(), row["reservationStatus"].clone());
        ensure(is == expected, format!("ticket {number} was last held by {expected:?}: {row}"))?;
    }
    let is_offered = |ticket: &Value| ticket["withdrawn"].is_null();
    let is_held = |number: u64| {
        let mut of = reservations.iter().filter(|(_, one)| one["ticketId"] == number);
        of.any(|(_, one)| one["status"] == "RESERVED")
    };
    let offered = tickets.iter().filter(|(_, ticket)| is_offered(ticket)).count();
    let priced = tickets.iter().filter(|(number, it)| is_offered(it) || is_held(*number)).count();
    let totals = [
        ("ticket", offered),
        ("reservation", reservations.len()),
        ("price", priced),
        ("view", priced),
    ];
    for (context, count) in totals {
        let total = bench.total(&format!("ticketing.{context}"), &[]);
        ensure(total == count as u64, format!("{context}: {count} are shown, {total} are listed"))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn after_any_failing_step_of_ticketing_the_data_is_consistent() {
    let register = |ticket: u64, day: &str| {
        let body = json!({ "ticketId": ticket, "starttime": day, "endtime": day });
        ("ticketing.ticket", CommandRequest { body, ..CommandRequest::default() })
    };
    let reserve = |ticket: u64, grade: &str| {
        let body = json!({ "ticketId": ticket, "userId": "B", "userGrade": grade });
        ("ticketing.reservation", CommandRequest { body, ..CommandRequest::default() })
    };
    let cancel = CommandRequest {
        route: 1,
        number: Some(1),
        body: json!({ "status": "CANCELLED" }),
        ..CommandRequest::default()
    };
    let maintain = |route: usize, body: Value| {
        let number = Some(1);
        ("ticketing.ticket", CommandRequest { route, number, body, ..CommandRequest::default() })
    };
    let orders = vec![
        register(1, "2098-07-02"),
        register(2, "2020-06-25"),
        maintain(1, json!({ "starttime": "2098-07-01" })),
        reserve(1, "VIP"),
        maintain(2, Value::Null),
        reserve(1, "Silver"),
        ("ticketing.reservation", cancel),
        maintain(1, json!({ "withdrawn": false })),
        reserve(2, "VIP"),
        reserve(1, "Silver"),
    ];
    fail_every_step(Saga::of("ticketing", orders, is_consistent)).await;
}
