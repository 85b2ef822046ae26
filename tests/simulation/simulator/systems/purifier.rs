//! The purifiers: a unit is out for each delivery that is not canceled, and what is paid is kept for a rental or paid
//! back.

use super::{
    super::world::{Order, Scene},
    Model, must, text, withdrawn_is_given_to_none,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "purifier",
    system: "purifier",
    settings: || json!({ "decline_from": DEAR }),
    clock: "2026-03-02T09:00:00Z",
    opening: || vec![product(1), product(2)],
    order,
    always,
    finally,
};

const PRICE: u64 = 30_000;
/// More than the sandbox approves.
const DEAR: u64 = 90_000;

fn product(stock: u64) -> Order {
    Order::post("products", json!({ "name": "P1", "amt": PRICE, "stock": stock }))
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    let rental = world.all("rental").any(chance.number()).unwrap_or(1);
    let one_of_them = chance.between(1, 4);
    match chance.between(0, 13) {
        0 => product(chance.between(0, 4)),
        1..8 => {
            let amt = [PRICE, PRICE, PRICE, PRICE - 1, DEAR][chance.between(0, 5) as usize];
            let product = chance.between(1, 4);
            let amt = amt.to_string();
            let phone = chance.coin().then_some("010-0000-0000");
            let wanted = json!({
                "customerId": 7, "productId": product, "amt": amt, "address": "Seoul", "phone": phone
            });
            Order::post("rentals", wanted)
        }
        8..11 => Order::patch("rentals", rental, json!({ "status": "Cancel" })),
        11 => Order::delete("rentals", rental),
        _ => {
            let corrections = [
                json!({ "stockChange": 1 }),
                json!({ "stockChange": -1 }),
                json!({ "amt": PRICE - 1 }),
                json!({ "amt": PRICE }),
            ];
            Order::maintain(chance, "products", one_of_them, &corrections)
        }
    }
}

/// What a product has said, in order.
fn said(world: &Scene<'_>, product: u64) -> impl Iterator<Item = (String, Value)> {
    let events = world.events("product").iter().filter(move |(number, _)| *number == product);
    events.filter_map(|(_, event)| {
        let (name, fields) = event.as_object()?.iter().next()?;
        Some((name.clone(), fields.clone()))
    })
}

/// How many units there would be if none was out: those at first, and what staff has added or taken since.
fn supplied(world: &Scene<'_>, product: u64) -> usize {
    let mut supplied = 0;
    let mut stock = 0;
    for (name, fields) in said(world, product) {
        let Some(now) = fields["stock"].as_u64() else { continue };
        if name == "ProductRegistered" || name == "ProductCorrected" {
            supplied = supplied + now - stock;
        }
        stock = now;
    }
    supplied as usize
}

/// What the product cost when it gave its unit to a rental.
fn price_when_taken(world: &Scene<'_>, product: u64, rental: u64) -> Option<u64> {
    let mut price = None;
    for (name, fields) in said(world, product) {
        price = fields["amt"].as_u64().or(price);
        if name == "ProductDecreased" && fields["rentalId"] == rental {
            return price;
        }
    }
    None
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "product", |event, _| event == "ProductDecreased")?;
    for (number, product) in world.all("product").iter() {
        let at_first = supplied(world, number);
        let out = world.said("product", number, "ProductDecreased");
        let back = world.said("product", number, "ProductIncreased");
        must!(
            back <= out && out - back <= at_first,
            "of product {number}, {product}, {out} went out and {back} came"
        );
        let left = at_first - (out - back);
        must!(product["stock"] == left, "of product {number}, {product}, there ought to be {left}");
    }
    for (number, payment) in world.all("payment").iter() {
        must!(
            payment["amt"].as_u64() < Some(DEAR),
            "payment {number} ought to have been declined: {payment}"
        );
    }
    for (number, rental) in world.all("rental").iter() {
        must!(
            world.all("payment").get(number).is_some(),
            "rental {number} was never paid: {rental}"
        );
    }
    Ok(())
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    let rentals = world.all("rental");
    let payments = world.all("payment");
    let deliveries = world.all("delivery");
    for (number, product) in world.all("product").iter() {
        let is_out = |delivery: &serde_json::Value| {
            delivery["productId"] == number && text(delivery, "status") == "DeliveryStarted"
        };
        let out = deliveries.iter().filter(|(_, delivery)| is_out(delivery)).count();
        let left = product["stock"].as_u64().map(|stock| stock as usize);
        let supplied = supplied(world, number);
        must!(
            left.is_some_and(|left| left + out == supplied),
            "of product {number}, {product}, {out} of {supplied} are out"
        );
    }
    for (number, rental) in rentals.iter() {
        let status = |context| world.all(context).get(number).map(|it| text(it, "status"));
        let payment = status("payment");
        let delivery = status("delivery");
        let row = status("mypage");
        let all = (text(rental, "status"), payment, delivery, row);
        let right = matches!(
            all,
            (
                "RentalPlaced",
                Some("PAYMENT COMPLETED"),
                Some("DeliveryStarted"),
                Some("DeliveryStarted")
            ) | (
                "RentalCanceled",
                Some("PAYMENT CANCELED"),
                Some("DeliveryCanceled"),
                Some("DeliveryCanceled")
            ) | ("RentalCanceled", Some("PAYMENT CANCELED"), None, Some("PAYMENT CANCELED"))
        );
        must!(right, "rental {number} is {all:?}");
        if text(rental, "status") == "RentalPlaced" {
            let product = rental["productId"].as_u64().unwrap_or_default();
            let price = price_when_taken(world, product, number);
            must!(price == rental["amt"].as_u64(), "rental {number} is {rental}, of {price:?}");
        }
        let messages =
            world.all("notification").iter().filter(|(_, message)| message["rentalId"] == number);
        let texts: Vec<&str> = messages.map(|(_, message)| text(message, "text")).collect();
        let told = texts.iter().collect::<BTreeSet<_>>().len();
        let supplied = world.said("rental", number, "RentalSupplied");
        must!(
            supplied <= 1,
            "the customer of rental {number} hears twice that its delivery starts"
        );
        let changes = match text(rental, "status") {
            _ if rental["phone"].is_null() => 0,
            "RentalCanceled" => 2 + 2 * supplied,
            _ => 2,
        };
        let of = |words: &str| texts.iter().filter(|text| text.contains(words)).count();
        must!(
            rental["phone"].is_null() || (of("배송이 시작"), of("배송이 취소")).0 == supplied,
            "rental {number} is {all:?}, its customer was told {texts:?}"
        );
        must!(
            texts.len() == told && told == changes,
            "rental {number} is {all:?}, its customer was told {texts:?}"
        );
    }
    must!(world.all("mypage").len() == rentals.len(), "there are pages of no rental");
    for (number, payment) in payments.iter().filter(|(number, _)| rentals.get(*number).is_none()) {
        must!(
            text(payment, "status") == "PAYMENT CANCELED",
            "payment {number} is kept for nothing: {payment}"
        );
    }
    for (number, delivery) in deliveries.iter() {
        must!(rentals.get(number).is_some(), "delivery {number} is of no rental: {delivery}");
    }
    Ok(())
}
