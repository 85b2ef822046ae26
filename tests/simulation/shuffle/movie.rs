//! Movie booking, shuffled.

use super::world::{Client, World};
use holdfast::{
    domain::{DateOrTime, Entity, Id, Lifecycle, Refusal, Timestamp},
    systems::movie::{
        book::{self, Book},
        mypage::Row,
        order::Request,
        payment::Payment,
        point::Point,
        ticket::{self, Ticket},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// More than the sandbox approves.
const DEAR: u64 = 90_000;

/// Books two of five seats of a showtime.
fn order(world: &mut World, number: u64) -> Result<(), Refusal> {
    let seat = Some(format!("{}A, {}A", number % 5, (number + 1 + number / 5 % 4) % 5));
    let total_price = [None, Some(10_000), Some(DEAR)][(number / 20 % 3) as usize];
    let movie_name = Some("soul".into());
    let showtime = Some(DateOrTime::Moment(Timestamp::default()));
    let wanted = Request { qty: 2, movie_name, seat, total_price, showtime };
    world.command::<Book>(None, book::Command::Request(wanted)).map(drop)
}

/// One that is paid and not printed, or any that there may be.
fn one(world: &mut World, number: u64) -> u64 {
    let paid = seen(world.states::<Book>())
        .into_iter()
        .filter(|(_, book)| book["status"] == "PaidComplete");
    let paid: Vec<u64> = paid.map(|(number, _)| number).collect();
    paid.get(number as usize % paid.len().max(1)).copied().unwrap_or(1 + number % 4)
}
fn cancel(world: &mut World, number: u64) -> Result<(), Refusal> {
    let one = one(world, number);
    world.command::<Book>(Some(Id::new(one)), book::Command::Cancel).map(drop)
}
fn print(world: &mut World, number: u64) -> Result<(), Refusal> {
    let one = one(world, number);
    world.command::<Ticket>(Some(Id::new(one)), ticket::Command::Print).map(drop)
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
    for (number, book) in world.states::<Book>() {
        prop_assert!(book.lifecycle() != Lifecycle::Open, "booking {number} is never settled");
    }
    let books = seen(world.states::<Book>());
    let payments = seen(world.states::<Payment>());
    let tickets = seen(world.states::<Ticket>());
    let points = seen(world.states::<Point>());
    let rows = seen(world.rows::<Row>());
    let mut sold = BTreeSet::new();
    for (number, book) in &books {
        let status = book["status"].as_str().unwrap_or_default();
        let (all, score) = match status {
            "PaidComplete" => (["Paid", "Waiting", "Waiting Point", "PaidComplete"], 0),
            "PrintComplete" => (["Paid", "Printed", "Pointed", "Printed"], 100),
            _ => (["Canceled"; 4], 0),
        };
        let is =
            [&payments, &tickets, &points, &rows].map(|context| context[number]["status"].clone());
        prop_assert_eq!(is, all.map(|status| json!(status)), "booking {} is {}", number, status);
        let scores = (&points[number]["score"], &rows[number]["score"]);
        prop_assert_eq!(scores, (&json!(score), &json!(score)), "the score of {}", number);
        if status != "Canceled" {
            for seat in book["seat"].as_str().unwrap_or_default().split(", ") {
                prop_assert!(sold.insert(seat.to_owned()), "seat {seat} is sold twice");
            }
        }
    }
    for context in [&tickets, &points, &rows] {
        prop_assert_eq!(context.keys().collect::<Vec<_>>(), books.keys().collect::<Vec<_>>());
    }
    for (number, payment) in payments.iter().filter(|(number, _)| !books.contains_key(number)) {
        prop_assert_eq!(&payment["status"], "Canceled", "payment {} is kept for nothing", number);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn in_any_order_no_booking_is_both_printed_and_canceled(
        acts in prop::collection::vec((0..7_usize, any::<u64>()), 1..40),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let mut world = World::of("movie", json!({ "decline_from": DEAR }));
        let what: [Client; 7] = [order, order, order, cancel, cancel, print, print];
        let clients: Vec<(Client, u64)> = acts.iter().map(|(act, number)| (what[*act], *number)).collect();
        world.run(&clients, &choices);
        is_right(&mut world)?;
    }
}
