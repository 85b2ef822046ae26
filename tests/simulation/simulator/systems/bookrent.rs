//! BookRent: one rent at a time holds a book.

use super::{
    super::world::{Order, World},
    Business, must, text, withdrawn_is_given_to_none,
};
use serde_json::json;
use support::chance::Chance;

pub const BUSINESS: Business = Business {
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

fn order(chance: &mut Chance, world: &World) -> Order {
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
                json!({ "bookId": book, "userId": user.to_string(), "address": "a" }),
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

fn always(world: &World) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "book", |event, _| event == "StatusChanged")?;
    let books = world.all("book");
    for (number, book) in books.iter() {
        let mut holders = world
            .all("rent")
            .iter()
            .filter(|(_, rent)| rent["bookId"] == number && text(rent, "status") == "Rent");
        if let Some((first, _)) = holders.next() {
            must!(
                holders.next().is_none(),
                "book {number} is rented twice, by rent {first} and another"
            );
            must!(
                book["status"] == false,
                "book {number} is rented by {first} and stands on the shelf"
            );
        }
    }
    for (number, rent) in
        world.all("rent").iter().filter(|(_, rent)| text(rent, "status") == "Rent")
    {
        let is_there = rent["bookId"].as_u64().is_some_and(|book| books.get(book).is_some());
        must!(is_there, "rent {number} has a book that is not there: {rent}");
    }
    Ok(())
}

/// Whether the last that was said of its status is that staff has put it away.
fn is_put_away(world: &World, book: u64) -> bool {
    let said = world.events("book").into_iter().filter(|(number, _)| *number == book);
    let status = |event: &serde_json::Value| {
        let (name, fields) = event.as_object()?.iter().next()?;
        fields["status"].as_bool().map(|status| name == "BookCorrected" && !status)
    };
    said.rev().find_map(|(_, event)| status(&event)) == Some(true)
}

fn finally(world: &World) -> Result<(), String> {
    let rents = world.all("rent");
    let views = world.all("view");
    for (number, book) in world.all("book").iter() {
        let is_held = rents
            .iter()
            .any(|(_, rent)| rent["bookId"] == number && text(rent, "status") == "Rent");
        let is_right = is_held || book["status"] == true || is_put_away(world, number);
        must!(is_right, "book {number} is held by no rent: {book}");
    }
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
