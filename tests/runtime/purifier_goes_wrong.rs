//! The water purifiers, with every step going wrong.

use super::{
    bench::Bench,
    steps::{Saga, every_step_goes_wrong},
};
use holdfast::{
    actors::{Layout, Order},
    systems,
};
use serde_json::{Value, json};

const MOST: u64 = 12;
const PRICE: u64 = 30_000;

fn purifier(board: &mut Layout<'_>) {
    assert!(systems::lay_out("purifier", board));
}

fn all(bench: &Bench, context: &str) -> Vec<(u64, Value)> {
    let context = format!("purifier.{context}");
    (1..=MOST).filter_map(|number| Some((number, bench.see(&context, number)?))).collect()
}

/// What must be so of every product, rental, payment, delivery, row and message once nobody is busy.
fn the_world_is_right(bench: &Bench) -> Result<(), String> {
    let [products, rentals, payments] = ["product", "rental", "payment"].map(|context| all(bench, context));
    let [deliveries, rows] = ["delivery", "mypage"].map(|context| all(bench, context));
    let so = |what: bool, why: String| if what { Ok(()) } else { Err(why) };
    let find = |among: &[(u64, Value)], number: u64| {
        among.iter().find(|(of, _)| *of == number).map(|(_, shown)| shown.clone()).unwrap_or_default()
    };
    for (number, product) in &products {
        let holds = |rental: &Value| rental["productId"] == *number && rental["status"] == "RentalPlaced";
        let out = rentals.iter().filter(|(_, rental)| holds(rental)).count() as u64;
        // The name of the product says how many there were.
        let initial: u64 = product["name"].as_str().unwrap_or_default().parse().map_err(|_| format!("{product}"))?;
        so(product["stock"] == initial - out, format!("product {number} is {product}, {out} of {initial} are out"))?;
    }
    let mut changes = 0;
    for (number, rental) in &rentals {
        let [payment, delivery, row] = [&payments, &deliveries, &rows].map(|among| find(among, *number));
        let (paid, told, texts) = match (rental["status"].as_str(), delivery["status"].as_str()) {
            (Some("RentalPlaced"), Some("DeliveryStarted")) => ("PAYMENT COMPLETED", "DeliveryStarted", 2),
            (Some("RentalCanceled"), Some("DeliveryCanceled")) => ("PAYMENT CANCELED", "DeliveryCanceled", 4),
            (Some("RentalCanceled"), None) => ("PAYMENT CANCELED", "PAYMENT CANCELED", 2),
            _ => return Err(format!("rental {number} is {rental}, its delivery {delivery}")),
        };
        so(payment["status"] == paid, format!("rental {number}: {rental}, its payment: {payment}"))?;
        so(row["status"] == told, format!("rental {number}: {rental}, its row: {row}"))?;
        for field in ["customerId", "productId", "amt", "address"] {
            so(row[field] == rental[field], format!("{field} of rental {number}: {rental}, its row: {row}"))?;
        }
        let heard = bench.total("purifier.notification", &[("rentalId", &number.to_string())]);
        so(heard == texts, format!("rental {number}: {rental} was told {heard} times, not {texts}"))?;
        let happened = bench.events("purifier.rental", *number);
        let once = |what: &str| happened.iter().filter(|it| *it == what).count() <= 1;
        let undone = ["RentalCanceled", "PaymentCanceled", "DeliveryCanceled", "ProductIncreased", "ProductDecreased"];
        so(undone.iter().all(|what| once(what)), format!("rental {number}: {happened:?}"))?;
        changes += texts;
    }
    // What was never a rental is paid back, if it was paid at all.
    for (number, payment) in &payments {
        let is_rental = !find(&rentals, *number).is_null();
        let is_kept = payment["status"] == "PAYMENT COMPLETED";
        so(is_rental || !is_kept, format!("payment {number} is kept for nothing: {payment}"))?;
    }
    so(bench.total("purifier.notification", &[]) == changes, format!("{changes} changes are told"))?;
    let counts = [("product", &products), ("rental", &rentals), ("payment", &payments), ("delivery", &deliveries)];
    for (context, shown) in counts.into_iter().chain([("mypage", &rentals)]) {
        let total = bench.total(&format!("purifier.{context}"), &[]);
        so(total == shown.len() as u64, format!("{context}: {} are shown, {total} are listed", shown.len()))?;
    }
    Ok(())
}

#[actix_rt::test]
async fn whatever_goes_wrong_at_whichever_step_of_the_purifiers_the_world_is_right_afterwards() {
    let register = |stock: u64| {
        let body = json!({ "name": stock.to_string(), "amt": PRICE, "stock": stock });
        ("purifier.product", Order { body, ..Order::default() })
    };
    let rent = |product: u64| {
        let body = json!({ "customerId": 7, "productId": product, "amt": PRICE, "address": "Seoul" });
        ("purifier.rental", Order { body, ..Order::default() })
    };
    let body = json!({ "status": "Cancel" });
    let cancel =
        |number| ("purifier.rental", Order { door: 1, number: Some(number), body: body.clone(), ..Order::default() });
    let orders = vec![register(0), register(1), rent(2), cancel(1), rent(1), cancel(2), rent(2)];
    every_step_goes_wrong(Saga { lay_out: purifier, orders, right: the_world_is_right }).await;
}
