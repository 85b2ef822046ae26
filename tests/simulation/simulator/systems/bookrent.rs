//! BookRent: one rent at a time holds a book.

use super::{
    super::world::{Order, Scene},
    Model, must, text, withdrawn_is_given_to_none,
};
use serde_json::json;
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "bookrent",
    system: "bookrent",
    settings: || json!({}),
    clock: "2026-03-02T09:00:00Z",
    opening: || vec![book(), book()],
    order,
    always,
    finally,
};

fn book() -> Order {
    Order::post("books", json!({ "title": "title01" }))
}

/// A short one, or one of which a row of a log has room for one only.
fn address(chance: &mut Chance) -> String {
    if chance.between(0, 4) == 0 { "a".to_owned() } else { "가".repeat(1200) }
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let one_of_them = chance.between(1, 4);
    match chance.between(0, 13) {
        0 => book(),
        12 => {
            let corrections = [
                json!({ "title": "title02" }),
                json!({ "status": true }),
                json!({ "status": false }),
            ];
            Order::maintain(chance, "books", one_of_them, &corrections)
        }
        1..7 => {
            // One of the books is not there, at first.
            let book = chance.between(1, 4);
            let user = chance.between(1, 3);
            Order::post(
                "rents",
                json!({ "bookId": book, "userId": user.to_string(), "address": address(chance) }),
            )
        }
        _ => {
            let rents = world.all("rent");
            let rent = rents
                .any(chance.number())
                .filter(|_| chance.coin())
                .unwrap_or(chance.between(1, 5));
            Order::patch("rents", rent, json!({ "status": "Cancel" }))
        }
    }
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "book", |event, _| event == "StatusChanged")
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    let rents = world.all("rent");
    let views = world.all("view");
    for (number, rent) in rents.iter() {
        let delivery = world.all("delivery").get(number).map(|delivery| text(delivery, "status"));
        let right = match text(rent, "status") {
            "Rent" => delivery == Some("Delivery Started"),
            "Cancel" => delivery.is_none_or(|status| status == "Delivery Cancelled"),
            "Fail" => delivery.is_none(),
            _ => false,
        };
        must!(right, "rent {number} is {rent}, its delivery {delivery:?}");
        let Some(row) = views.get(number) else {
            return Err(format!("rent {number} is not in the view"));
        };
        let told = (text(row, "rentStatus"), row["deliveryStatus"].as_str());
        must!(told == (text(rent, "status"), delivery), "rent {number} is {rent}, its row {row}");
    }
    must!(views.len() == rents.len(), "the view has rows of no rent");
    Ok(())
}
