//! The water purifiers, shuffled.

use super::world::{Client, World};
use holdfast::{
    domain::{Entity, Id, Lifecycle, Maintenance, Refusal},
    systems::purifier::{
        delivery::Delivery,
        mypage::Row,
        notification::Notification,
        payment::Payment,
        product::{self, Product},
        rental::{self, Rental},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PRICE: u64 = 30_000;
/// More than the sandbox approves.
const DEAR: u64 = 1_000_000;
const UNITS: u64 = 2;

fn register(world: &mut World, _: u64) -> Result<(), Refusal> {
    let product = product::Register { name: None, amt: PRICE, stock: UNITS };
    world.command::<Product>(None, product::Command::Register(product)).map(drop)
}
fn rent(world: &mut World, number: u64) -> Result<(), Refusal> {
    let amt = [PRICE, PRICE, PRICE, PRICE - 1, DEAR][(number / 4 % 5) as usize];
    let product_id = Id::new(number % 4);
    let address = "Seoul".into();
    let phone = Some("010-0000-0000".into());
    let wanted = rental::Request { customer_id: 7, product_id, amt, address, phone };
    world.command::<Rental>(None, rental::Command::Request(wanted)).map(drop)
}
fn cancel(world: &mut World, number: u64) -> Result<(), Refusal> {
    let orders = world.states::<Rental>().len() as u64;
    world
        .command::<Rental>(Some(Id::new(1 + number % orders.max(1))), rental::Command::Cancel)
        .map(drop)
}

fn maintain(world: &mut World, number: u64) -> Result<(), Refusal> {
    let asked = if number.is_multiple_of(3) { Maintenance::Withdraw } else { Maintenance::Restore };
    let product = Id::new(1 + number / 3 % 4);
    world.command::<Product>(Some(product), product::Command::Maintain(asked)).map(drop)
}

/// Everything of a context that there is to see.
fn seen<E: Entity>(states: &BTreeMap<u64, E>) -> BTreeMap<u64, Value> {
    let there = states.iter().filter(|(_, state)| {
        matches!(state.lifecycle(), Lifecycle::Established | Lifecycle::Withdrawn)
    });
    there
        .map(|(number, state)| {
            (*number, serde_json::to_value(state.represent(Id::new(*number))).unwrap())
        })
        .collect()
}

fn is_right(world: &mut World) -> Result<(), TestCaseError> {
    for (number, rental) in world.states::<Rental>() {
        prop_assert!(rental.lifecycle() != Lifecycle::Open, "rental {number} is never settled");
    }
    let products = seen(world.states::<Product>());
    let rentals = seen(world.states::<Rental>());
    let payments = seen(world.states::<Payment>());
    let deliveries = seen(world.states::<Delivery>());
    let rows = seen(world.rows::<Row>());
    let messages = seen(world.states::<Notification>());
    for (number, product) in &products {
        let out = rentals
            .values()
            .filter(|it| it["productId"] == *number && it["status"] == "RentalPlaced")
            .count();
        prop_assert_eq!(&product["stock"], UNITS - out as u64, "product {}", number);
    }
    for (number, rental) in &rentals {
        let delivery = deliveries.get(number).map(|delivery| delivery["status"].as_str().unwrap());
        let (paid, told) = match (rental["status"].as_str(), delivery) {
            (Some("RentalPlaced"), Some("DeliveryStarted")) => {
                ("PAYMENT COMPLETED", "DeliveryStarted")
            }
            (Some("RentalCanceled"), Some("DeliveryCanceled")) => {
                ("PAYMENT CANCELED", "DeliveryCanceled")
            }
            (Some("RentalCanceled"), None) => ("PAYMENT CANCELED", "PAYMENT CANCELED"),
            _ => ("", ""),
        };
        let payment = &payments[number];
        let row = &rows[number];
        let is = (&payment["status"], &row["status"]);
        prop_assert_eq!(
            is,
            (&json!(paid), &json!(told)),
            "rental {}: {}, {:?}",
            number,
            rental,
            delivery
        );
        for field in ["customerId", "productId", "amt", "address"] {
            prop_assert_eq!(&row[field], &rental[field], "{} of rental {}", field, number);
        }
        let texts: Vec<&str> = messages
            .values()
            .filter(|message| message["rentalId"] == *number)
            .filter_map(|message| message["text"].as_str())
            .collect();
        let of = |words: &str| texts.iter().filter(|text| text.contains(words)).count();
        let is_placed = rental["status"] == "RentalPlaced";
        prop_assert_eq!(of("접수되었습니다"), 1, "{:?}", texts);
        prop_assert_eq!(of("렌탈이 취소"), usize::from(!is_placed), "{:?}", texts);
        // The customer hears of the cancel of a delivery where they heard of its start.
        let started = of("배송이 시작");
        prop_assert!(!is_placed || started == 1, "{:?}", texts);
        prop_assert_eq!(of("배송이 취소"), if is_placed { 0 } else { started }, "{:?}", texts);
        prop_assert_eq!(texts.len(), 1 + usize::from(!is_placed) + started + of("배송이 취소"));
    }
    prop_assert!(rows.keys().eq(rentals.keys()), "{:?}", rows);
    for (number, payment) in payments.iter().filter(|(number, _)| !rentals.contains_key(number)) {
        prop_assert_eq!(
            &payment["status"],
            "PAYMENT CANCELED",
            "payment {} is kept for nothing",
            number
        );
        prop_assert!(!deliveries.contains_key(number), "delivery {} of no rental", number);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn in_any_order_each_unit_is_rented_or_in_stock_and_each_payment_is_kept_or_canceled(
        acts in prop::collection::vec((0..8_usize, any::<u64>()), 1..40),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let mut world = World::of("purifier", json!({ "decline_from": DEAR }));
        let what: [Client; 8] = [register, rent, rent, rent, rent, cancel, cancel, maintain];
        let clients: Vec<(Client, u64)> = acts.iter().map(|(act, number)| (what[*act], *number)).collect();
        world.run(&clients, &choices);
        is_right(&mut world)?;
    }
}
