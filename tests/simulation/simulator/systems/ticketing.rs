//! Ticket reservation: a ticket is held by one reservation, expires by itself, and its price goes back exactly.

use super::{
    super::world::{Order, Scene},
    Model, must, text, withdrawn_is_given_to_none,
};
use holdfast::domain::Timestamp;
use serde_json::{Value, json};
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "ticketing",
    system: "ticketing",
    settings: || json!({}),
    // A Monday.
    clock: "2026-03-02T12:00:00+09:00",
    opening: || {
        let sold = json!({ "ticketId": SOLD, "status": "예약됨", "starttime": "2026-12-29", "endtime": "2026-12-29" });
        vec![ticket(1, 0), ticket(2, 1), ticket(3, 2), Order::post("tickets", sold)]
    },
    order,
    always,
    finally,
};

/// Registered as sold elsewhere.
const SOLD: u64 = 9;
/// From when to when, and whether that begins on one of the cheap days.
const DAYS: [(&str, &str, bool); 5] = [
    ("2026-03-03", "2026-03-03", false),
    ("2026-03-04", "2026-03-06", true),
    ("2026-02-26", "2026-02-26", true),
    ("2026-03-02T03:00:00Z", "2026-03-02T03:00:30Z", false),
    ("2026-03-04T23:30:00Z", "2026-12-31", true),
];

fn ticket(number: u64, day: usize) -> Order {
    let (starttime, endtime, _) = DAYS[day];
    let body = json!({ "ticketId": number.to_string(), "status": "예약가능", "starttime": starttime, "endtime": endtime });
    Order::post("tickets", body)
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let reservation = world.all("reservation").any(chance.number()).unwrap_or(1);
    let wanted = if chance.between(0, 12) == 0 { SOLD } else { chance.between(1, 6) };
    let one_of_them = chance.between(1, 6);
    let day = DAYS[chance.between(0, 5) as usize];
    match chance.between(0, 13) {
        12 => {
            let corrections = [
                json!({ "starttime": day.0, "endtime": day.1 }),
                json!({ "endtime": "2026-12-31" }),
                json!({ "status": "예약가능" }),
                json!({ "status": "예약가능", "endtime": "2026-12-31" }),
            ];
            Order::maintain(chance, "tickets", one_of_them, &corrections)
        }
        0..2 => ticket(chance.between(1, 6), chance.between(0, 5) as usize),
        2..8 => {
            let grade = [json!("VIP"), json!("VIP"), json!("Silver"), Value::Null]
                [chance.between(0, 4) as usize]
                .clone();
            Order::post(
                "reservations",
                json!({ "ticketId": wanted, "userId": "A", "userGrade": grade }),
            )
        }
        _ => Order::patch("reservations", reservation, json!({ "status": "CANCELLED" })),
    }
}

/// The reservations that hold this ticket.
fn holders<'a>(world: &Scene<'a>, ticket: u64) -> impl Iterator<Item = (u64, &'a Value)> {
    let is_live = move |it: &Value| it["ticketId"] == ticket && text(it, "status") == "RESERVED";
    world.all("reservation").iter().filter(move |(_, reservation)| is_live(reservation))
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "ticket", |_, fields| !fields["reservationId"].is_null())
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    for (number, ticket) in world.all("ticket").iter() {
        let holder = holders(world, number).next();
        let at = |field| text(ticket, field).parse::<Timestamp>().unwrap_or_default();
        match text(ticket, "status") {
            "예약됨" => must!(
                holder.is_some() || number == SOLD,
                "ticket {number} is held by no reservation: {ticket}"
            ),
            "예약가능" => {
                must!(
                    at("endtime") >= world.now(),
                    "ticket {number} ought to have expired: {ticket}"
                )
            }
            _ => must!(holder.is_none(), "ticket {number} has expired while {holder:?} held it"),
        }
        let is_cheap = DAYS
            .iter()
            .any(|(start, _, cheap)| *cheap && begins(start) == text(ticket, "starttime"));
        let of_the_day = if is_cheap { 8_000 } else { 10_000 };
        let is_vip = holder.is_some_and(|(_, holder)| text(holder, "userGrade") == "VIP");
        let right = (Some(json!(10_000)), Some(json!(of_the_day - if is_vip { 1_000 } else { 0 })));
        let priced = |context: &str| {
            let shown = world.all(context).get(number);
            (shown.map(|it| it["price"].clone()), shown.map(|it| it["discountedPrice"].clone()))
        };
        let price = priced("price");
        let told = priced("view");
        must!(
            price == right && told == right,
            "ticket {number} is {ticket}, of {holder:?}, costs {price:?}, {told:?}"
        );
        let row = world.all("view").get(number).cloned().unwrap_or_default();
        must!(row["status"] == ticket["status"], "ticket {number} is {ticket}, its row {row}");
        let told =
            row["reservationId"].as_u64().filter(|_| text(&row, "reservationStatus") == "RESERVED");
        must!(
            told == holder.map(|(holder, _)| holder),
            "ticket {number} is held by {holder:?}, its row {row}"
        );
    }
    Ok(())
}

/// A date begins at midnight in Seoul.
fn begins(start: &str) -> &str {
    match start {
        "2026-03-04" => "2026-03-03T15:00:00Z",
        "2026-02-26" => "2026-02-25T15:00:00Z",
        time => time,
    }
}
