//! Water purifier rental, with every step failing in turn.

use super::{
    bench::{Bench, ensure},
    step_failures::{Saga, fail_every_step},
};
use holdfast::actors::CommandRequest;
use serde_json::json;

const STOCK: u64 = 1;

/// What must be so of stock, money, deliveries, rows and messages once everything is quiet.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    let rentals = bench.all("purifier.rental");
    let of = |context: &str, number: u64| bench.see(context, number).unwrap_or_default();
    for (number, rental) in &rentals {
        let stands = rental["status"] == "RentalPlaced";
        let words = if stands {
            ["PAYMENT COMPLETED", "DeliveryStarted", "DeliveryStarted"]
        } else {
            ["PAYMENT CANCELED", "DeliveryCanceled", "DeliveryCanceled"]
        };
        let contexts = ["purifier.payment", "purifier.delivery", "purifier.mypage"];
        for (context, word) in contexts.iter().zip(words) {
            let shown = of(context, *number);
            // A cancel that arrives first withholds the delivery; then the row ends with the payment.
            let withheld = !stands && of("purifier.delivery", *number).is_null();
            let fits = match *context {
                "purifier.delivery" if withheld => true,
                "purifier.mypage" if withheld => shown["status"] == "PAYMENT CANCELED",
                _ => shown["status"] == word,
            };
            ensure(fits, format!("rental {number} is {rental}, its {context} is {shown}"))?;
        }
        let told = bench.total("purifier.notification", &[("rentalId", &number.to_string())]);
        let supplied = bench.events("purifier.rental", *number);
        let supplied = supplied.iter().any(|event| event == "RentalSupplied");
        let wanted = if stands { 2 } else { 2 + 2 * u64::from(supplied) };
        ensure(
            told == wanted,
            format!("rental {number} is {rental}, {told} messages of {wanted} were sent"),
        )?;
    }
    for (number, payment) in bench.all("purifier.payment") {
        let is_rental = rentals.iter().any(|(rental, _)| *rental == number);
        ensure(
            is_rental || payment["status"] == "PAYMENT CANCELED",
            format!("payment {number} is kept for nothing"),
        )?;
    }
    if let Some(product) = bench.see("purifier.product", 1) {
        let out =
            rentals.iter().filter(|(_, rental)| rental["status"] == "RentalPlaced").count() as u64;
        ensure(
            product["stock"] == STOCK - out.min(STOCK) && out <= STOCK,
            format!("{out} are out, and {product}"),
        )?;
    }
    let total = bench.total("purifier.rental", &[]);
    ensure(
        total == rentals.len() as u64,
        format!("{} are shown, {total} are listed", rentals.len()),
    )
}

#[actix_rt::test]
async fn after_any_failing_step_of_the_purifier_the_data_is_consistent() {
    let register = CommandRequest {
        body: json!({ "name": "P1", "amt": 30_000, "stock": STOCK }),
        ..CommandRequest::default()
    };
    let rental = |product: u64, amt: u64| {
        let body = json!({ "customerId": 7, "productId": product, "amt": amt, "address": "Seoul",
            "phone": "010-0000-0000" });
        ("purifier.rental", CommandRequest { body, ..CommandRequest::default() })
    };
    let cancel = CommandRequest { route: 2, number: Some(1), ..CommandRequest::default() };
    let orders = vec![
        ("purifier.product", register),
        rental(1, 30_000),
        rental(9, 30_000),
        ("purifier.rental", cancel),
        rental(1, 30_000),
        rental(1, 29_999),
    ];
    fail_every_step(Saga::of("purifier", orders, is_consistent)).await;
}
