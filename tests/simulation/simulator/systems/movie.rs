//! Movie booking: a seat is sold once, and of printing and canceling one wins.

use super::{
    super::world::{Order, Scene},
    Model, must, text,
};
use serde_json::json;
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "movie",
    system: "movie",
    settings: || json!({ "decline_from": DEAR }),
    clock: "2026-03-02T09:00:00Z",
    opening: Vec::new,
    order,
    always,
    finally,
};

/// More than the sandbox approves.
const DEAR: u64 = 90_000;
const SEATS: [(u64, &str); 5] = [(1, "1A"), (1, "2B"), (2, "1A,2B"), (2, "2B, 3C"), (2, "1A")];
const SHOWS: [Option<&str>; 3] = [Some("2026-03-02T19:00:00Z"), Some("2026-03-03"), None];

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let mut one = |context: &str| world.all(context).any(chance.number());
    let book = one("book").unwrap_or(1);
    let ticket = one("ticket").unwrap_or(1);
    match chance.between(0, 12) {
        0..6 => {
            let (qty, seat) = SEATS[chance.between(0, 5) as usize];
            let showtime = SHOWS[chance.between(0, 3) as usize];
            let price = if chance.between(0, 8) == 0 { DEAR } else { 10_000 };
            let wanted = json!({
                "qty": qty.to_string(), "movieName": "soul", "seat": seat, "totalPrice": price, "showtime": showtime
            });
            Order::post("books", wanted)
        }
        6..9 => Order::patch("tickets", ticket, json!({ "status": "Printed" })),
        9..11 => Order::patch("books", book, json!({ "status": "Canceled" })),
        _ => Order::delete("books", book),
    }
}

fn status<'a>(world: &Scene<'a>, context: &str, number: u64) -> Option<&'a str> {
    world.all(context).get(number).map(|it| text(it, "status"))
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    for (number, payment) in world.all("payment").iter() {
        must!(
            payment["totalPrice"].as_u64() < Some(DEAR),
            "payment {number} ought to have been declined: {payment}"
        );
    }
    for (number, book) in world.all("book").iter() {
        let ticket = status(world, "ticket", number);
        let payment = status(world, "payment", number);
        let right = match text(book, "status") {
            "PaidComplete" => payment == Some("Paid"),
            "PrintComplete" => payment == Some("Paid") && ticket == Some("Printed"),
            "Canceled" => payment.is_some() && ticket == Some("Canceled"),
            _ => false,
        };
        must!(right, "booking {number} is {book}, its ticket {ticket:?}, its payment {payment:?}");
        let refused = world.said("book", number, "BookCancelRefused") > 0;
        must!(
            !refused || ticket == Some("Printed"),
            "booking {number} is not canceled, and its ticket is {ticket:?}"
        );
    }
    for (number, _) in
        world.all("ticket").iter().filter(|(_, ticket)| text(ticket, "status") == "Printed")
    {
        let points = world.all("point").get(number);
        let granted = points
            .is_some_and(|points| points["score"] == 100 && text(points, "status") == "Pointed");
        must!(granted, "ticket {number} is printed, and its points are {points:?}");
        must!(world.said("ticket", number, "Printed") == 1, "ticket {number} is printed twice");
    }
    Ok(())
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    let books = world.all("book");
    for (number, book) in books.iter() {
        let of = |context| status(world, context, number);
        let all = (text(book, "status"), of("ticket"), of("payment"), of("point"), of("mypage"));
        let score = |context: &str| world.all(context).get(number).map(|it| it["score"].clone());
        let right = match all {
            (
                "PaidComplete",
                Some("Waiting"),
                Some("Paid"),
                Some("Waiting Point"),
                Some("PaidComplete"),
            ) => 0,
            ("PrintComplete", Some("Printed"), Some("Paid"), Some("Pointed"), Some("Printed")) => {
                100
            }
            (
                "Canceled",
                Some("Canceled"),
                Some("Canceled"),
                Some("Canceled"),
                Some("Canceled"),
            ) => 0,
            _ => return Err(format!("booking {number} is {all:?}")),
        };
        let scores = (score("point"), score("mypage"));
        must!(
            scores == (Some(json!(right)), Some(json!(right))),
            "booking {number} is {all:?}, with {scores:?} points"
        );
    }
    for context in ["ticket", "point", "mypage"] {
        let orphan = world.all(context).iter().find(|(number, _)| books.get(*number).is_none());
        must!(orphan.is_none(), "a {context} is of no booking: {orphan:?}");
    }
    for (number, payment) in
        world.all("payment").iter().filter(|(number, _)| books.get(*number).is_none())
    {
        must!(
            text(payment, "status") == "Canceled",
            "payment {number} is kept for nothing: {payment}"
        );
    }
    Ok(())
}
