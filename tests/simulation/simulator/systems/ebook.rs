//! The e-book library: a book is held or lent for one rent, and what is paid is kept for a rent or paid back.

use super::{
    super::world::{Order, Scene},
    Model, must, text, withdrawn_is_given_to_none,
};
use serde_json::json;
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "ebook",
    system: "ebook",
    settings: || json!({ "decline_from": DEAR }),
    clock: "2026-03-02T09:00:00Z",
    opening: || vec![book(FEE), book(FEE), book(DEAR)],
    order,
    always,
    finally,
};

const FEE: u64 = 3000;
/// More than the sandbox approves.
const DEAR: u64 = 9000;

fn book(fee: u64) -> Order {
    Order::post("books", json!({ "bookName": "Hello, JAVA", "rentalFee": fee }))
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let mut number = |context| world.all(context).any(chance.number());
    let book_number = number("book").unwrap_or(1);
    let rent = number("rent").unwrap_or(1);
    match chance.between(0, 21) {
        0 => book(FEE),
        1..7 => {
            let fee = [json!(null), json!(FEE), json!(FEE), json!("2999"), json!(DEAR)]
                [chance.between(0, 5) as usize]
                .clone();
            Order::post(
                "rents",
                json!({ "userId": 7, "bookId": chance.between(1, 5), "rentalFee": fee, "phone": "010" }),
            )
        }
        7..10 => Order::verb("books", "approve", book_number),
        10 => Order::patch("books", book_number, json!({ "status": "APPROVED" })),
        11..13 => Order::verb("books", "reject", book_number),
        13 => Order::patch("books", book_number, json!({ "status": "REJECTED" })),
        14 => Order::patch("rents", rent, json!({ "status": "RETURNED" })),
        15..18 => Order::delete("rents", rent),
        18 => Order::patch("rents", rent, json!({ "status": "CANCELED" })),
        20 => {
            let corrections = [
                json!({ "bookName": "JAVA" }),
                json!({ "rentalFee": FEE }),
                json!({ "rentalFee": FEE, "bookName": "Hello, JAVA" }),
            ];
            Order::maintain(chance, "books", book_number, &corrections)
        }
        _ => Order::verb("rents", "return", rent),
    }
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "book", |event, _| event == "RequestHeld")?;
    for (number, rent) in world.all("rent").iter() {
        let Some(payment) = world.all("payment").get(number) else {
            return Err(format!("rent {number} was never paid: {rent}"));
        };
        let refunded = text(payment, "status") == "REFUNDED";
        match text(rent, "status") {
            "APPROVED" | "RETURNED" => {
                must!(!refunded, "rent {number} is {rent}, and its money is back: {payment}")
            }
            "CANCELED" if rent["reason"] == "withdrawn" => {
                let held = world.all("book").get(rent["bookId"].as_u64().unwrap_or_default());
                must!(
                    held.is_none_or(|book| book["rentId"] != number),
                    "rent {number} is withdrawn, and its book is {held:?}"
                );
                must!(
                    world.said("rent", number, "RentApproved") == 0,
                    "rent {number} is withdrawn and approved"
                );
            }
            "CANCELED" => {
                must!(refunded, "rent {number} is {rent}, and its money is kept: {payment}")
            }
            _ => {}
        }
        must!(
            rent["reason"].is_null() == (text(rent, "status") != "CANCELED"),
            "rent {number} is {rent}"
        );
        let refusals = world.said("rent", number, "RentWithdrawRefused");
        must!(
            refusals == 0 || matches!(text(rent, "status"), "RENTED" | "APPROVED" | "RETURNED"),
            "rent {number} was not withdrawn, and is {rent}"
        );
    }
    for (number, payment) in world.all("payment").iter() {
        must!(
            payment["rentalFee"].as_u64() < Some(DEAR),
            "payment {number} ought to have been declined: {payment}"
        );
    }
    Ok(())
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    let rents = world.all("rent");
    let rows = world.all("dashboard");
    let payments = world.all("payment");
    for (number, book) in world.all("book").iter() {
        let holders: Vec<_> = rents
            .iter()
            .filter(|(_, rent)| {
                rent["bookId"] == number && ["RENTED", "APPROVED"].contains(&text(rent, "status"))
            })
            .collect();
        let right = match (text(book, "status"), holders.as_slice()) {
            ("POSSIBLE", []) => book["rentId"].is_null(),
            ("PAID", [(rent, shown)]) => {
                book["rentId"] == *rent && text(shown, "status") == "RENTED"
            }
            ("APPROVED", [(rent, shown)]) => {
                book["rentId"] == *rent && text(shown, "status") == "APPROVED"
            }
            _ => false,
        };
        must!(right, "book {number} is {book}, its rents are {holders:?}");
    }
    for (number, rent) in rents.iter() {
        let (paid, told) = match text(rent, "status") {
            "RENTED" => ("PAID", "PAID"),
            "APPROVED" => ("PAID", "APPROVED"),
            "RETURNED" => ("PAID", "RETURNED"),
            "CANCELED" => ("REFUNDED", "CANCELED"),
            _ => return Err(format!("rent {number} is {rent}")),
        };
        let (Some(payment), Some(row)) = (payments.get(number), rows.get(number)) else {
            return Err(format!("rent {number} lacks its payment or its row"));
        };
        must!(text(payment, "status") == paid, "rent {number} is {rent}, its payment {payment}");
        must!(paid == "REFUNDED" || payment["rentalFee"] == FEE, "rent {number} cost {payment}");
        must!(text(row, "status") == told, "rent {number} is {rent}, its row {row}");
        for field in
            ["rentedDate", "returnedDate", "canceledDate", "reason", "bookName", "rentalFee"]
        {
            must!(row[field] == rent[field], "{field} of rent {number}: {rent}, and {row}");
        }
        must!(
            payment["rentalFee"] == rent["rentalFee"],
            "rent {number} is {rent}, its payment {payment}"
        );
    }
    must!(rows.len() == rents.len(), "the dashboard has rows of no rent");
    for (number, payment) in payments.iter().filter(|(number, _)| rents.get(*number).is_none()) {
        must!(
            text(payment, "status") == "REFUNDED",
            "payment {number} is kept for nothing: {payment}"
        );
    }
    Ok(())
}
