//! The e-book library, shuffled.

use super::world::{Client, World};
use holdfast::{
    domain::{Aggregate, Entity, Id, Lifecycle, Refusal},
    systems::ebook::{
        book::{self, Book},
        dashboard::Row,
        notification::Notification,
        payment::Payment,
        rent::{self, Rent},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FEE: u64 = 3000;
/// More than the sandbox approves.
const DEAR: u64 = 9000;

fn register(world: &mut World, number: u64) -> Result<(), Refusal> {
    // Some cost more than the sandbox approves.
    let rental_fee = if number.is_multiple_of(4) { DEAR } else { FEE };
    let book = book::Register { book_name: "Hello, JAVA".into(), rental_fee };
    world.command::<Book>(None, book::Command::Register(book)).map(drop)
}
fn rent(world: &mut World, number: u64) -> Result<(), Refusal> {
    let rental_fee =
        [None, Some(FEE), Some(FEE), Some(FEE - 1), Some(DEAR)][(number / 4 % 5) as usize];
    let phone = Some("010-0000-0000".into());
    let book_id = Id::new(number % 4);
    let wanted = rent::Request { user_id: 7, book_id, book_name: None, rental_fee, phone };
    world.command::<Rent>(None, rent::Command::Request(wanted)).map(drop)
}
/// One of those that are in this status, or any that there may be.
fn one_in<A: Aggregate>(world: &mut World, status: &str, number: u64) -> Option<Id<A>> {
    let shown = seen(world.states::<A>());
    let fitting: Vec<u64> =
        shown.iter().filter(|(_, it)| it["status"] == status).map(|(number, _)| *number).collect();
    let any = fitting.get(number as usize % fitting.len().max(1)).copied();
    Some(Id::new(any.unwrap_or(number % 4)))
}
fn approve(world: &mut World, number: u64) -> Result<(), Refusal> {
    let book = one_in::<Book>(world, "PAID", number);
    world.command(book, book::Command::Approve).map(drop)
}
fn reject(world: &mut World, number: u64) -> Result<(), Refusal> {
    let book = one_in::<Book>(world, "PAID", number);
    world.command(book, book::Command::Reject).map(drop)
}
fn give_back(world: &mut World, number: u64) -> Result<(), Refusal> {
    let rent = one_in::<Rent>(world, "APPROVED", number);
    world.command(rent, rent::Command::Return).map(drop)
}
fn withdraw(world: &mut World, number: u64) -> Result<(), Refusal> {
    let rent = one_in::<Rent>(world, "RENTED", number);
    world.command(rent, rent::Command::Withdraw).map(drop)
}

/// Everything of a context that there is to see.
fn seen<E: Entity>(states: &BTreeMap<u64, E>) -> BTreeMap<u64, Value> {
    let there = states.iter().filter(|(_, state)| state.lifecycle() == Lifecycle::Established);
    there
        .map(|(number, state)| {
            (*number, serde_json::to_value(state.represent(Id::new(*number))).unwrap())
        })
        .collect()
}

fn is_right(world: &mut World) -> Result<(), TestCaseError> {
    for (number, rent) in world.states::<Rent>() {
        prop_assert!(rent.lifecycle() != Lifecycle::Open, "rent {number} is never settled");
    }
    let books = seen(world.states::<Book>());
    let rents = seen(world.states::<Rent>());
    let payments = seen(world.states::<Payment>());
    let rows = seen(world.rows::<Row>());
    let messages = seen(world.states::<Notification>());
    for (number, book) in &books {
        let holders: Vec<_> = rents
            .iter()
            .filter(|(_, rent)| rent["bookId"] == *number)
            .filter(|(_, rent)| rent["status"] == "RENTED" || rent["status"] == "APPROVED")
            .collect();
        let right = match (book["status"].as_str(), holders.as_slice()) {
            (Some("POSSIBLE"), []) => book["rentId"].is_null(),
            (Some("PAID"), [(rent, shown)]) => {
                book["rentId"] == **rent && shown["status"] == "RENTED"
            }
            (Some("APPROVED"), [(rent, shown)]) => {
                book["rentId"] == **rent && shown["status"] == "APPROVED"
            }
            _ => false,
        };
        prop_assert!(right, "book {number} is {book}, its rents are {holders:?}");
    }
    for (number, rent) in &rents {
        let (paid, told) = match rent["status"].as_str() {
            Some("RENTED") => ("PAID", "PAID"),
            Some("APPROVED") => ("PAID", "APPROVED"),
            Some("RETURNED") => ("PAID", "RETURNED"),
            Some("CANCELED") => ("REFUNDED", "CANCELED"),
            _ => ("", ""),
        };
        let payment = &payments[number];
        let row = &rows[number];
        let reason = rent["reason"].as_str();
        prop_assert_eq!(reason.is_some(), rent["status"] == "CANCELED", "rent {}", rent);
        for field in ["reason", "bookName", "rentalFee"] {
            prop_assert_eq!(&row[field], &rent[field], "{} of rent {}", field, number);
        }
        let book = books.get(&rent["bookId"].as_u64().unwrap_or_default());
        prop_assert!(
            paid == "REFUNDED" || rent["bookName"] == book.unwrap_or(&Value::Null)["bookName"],
            "rent {number}: {rent}, {book:?}"
        );
        prop_assert_eq!(&rent["rentalFee"], &payment["rentalFee"], "rent {}", number);
        let texts: Vec<&str> = messages
            .values()
            .filter(|message| message["rentId"] == *number)
            .filter_map(|message| message["text"].as_str())
            .collect();
        let changes = match told {
            "PAID" => 1,
            "RETURNED" => 3,
            _ => 2,
        };
        prop_assert_eq!(
            texts.len(),
            changes,
            "rent {} is {}, its customer got {:?}",
            number,
            rent,
            texts
        );
        prop_assert_eq!(
            (&payment["status"], &row["status"]),
            (&json!(paid), &json!(told)),
            "rent {}: {}",
            number,
            rent
        );
        prop_assert!(
            paid == "REFUNDED" || payment["rentalFee"] == FEE,
            "rent {number}: {rent}, {payment}"
        );
        for date in ["rentedDate", "returnedDate", "canceledDate"] {
            prop_assert_eq!(&row[date], &rent[date], "{} of rent {}", date, number);
        }
    }
    for (number, book) in world.states::<Book>() {
        prop_assert!(!format!("{book:?}").contains("let_go: [#"), "book {number} forgets nothing");
    }
    prop_assert_eq!(rows.keys().collect::<Vec<_>>(), rents.keys().collect::<Vec<_>>());
    for (number, payment) in payments.iter().filter(|(number, _)| !rents.contains_key(number)) {
        prop_assert_eq!(&payment["status"], "REFUNDED", "payment {} is kept for nothing", number);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn in_any_order_every_request_is_held_lent_returned_or_refunded(
        acts in prop::collection::vec((0..10_usize, any::<u64>()), 1..40),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let mut world = World::of("ebook", json!({ "decline_from": DEAR }));
        let what: [Client; 10] = [
            register, rent, rent, rent, approve, approve, reject, give_back, withdraw, withdraw,
        ];
        let clients: Vec<(Client, u64)> = acts.iter().map(|(act, number)| (what[*act], *number)).collect();
        world.run(&clients, &choices);
        is_right(&mut world)?;
    }
}
