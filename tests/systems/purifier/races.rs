//! Many at once: the last units, and cancels against refusals.

use super::shop::{
    PRICE, PRODUCT, happened, is_supplied, is_undone, messages, messages_of_canceled, register,
    rent, start, stock, with_product, won,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use support::{Server, at_once, eventually};

/// Whether every rental has gone to its end: a unit went out for it, or it is undone everywhere.
fn all_is_done(server: &Server, rentals: u64, units: u64) -> Option<Vec<Value>> {
    let rows = server.all("mypages");
    let of = |status: &str| rows.iter().filter(|row| row["status"] == status).count() as u64;
    let done = of("DeliveryStarted") == units && of("DeliveryCanceled") == rentals - units;
    done.then_some(rows)
}

#[test]
fn of_a_hundred_rentals_of_five_units_five_keep_theirs_and_the_others_get_their_money_back() {
    const RENTALS: u64 = 100;
    const UNITS: u64 = 5;
    let server = start();
    let product = register(&server, UNITS);
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        // Every look at the stock shows what is left, never less than nothing and never more than there was.
        let looking = scope.spawn(|| {
            let client = server.apart();
            let mut seen = Vec::new();
            while !done.load(Ordering::SeqCst) {
                seen.push(stock(&client, product));
            }
            seen
        });
        at_once(&server, RENTALS, |client, customer| {
            rent(client, product, customer).is(201).has("status", "RentalPlaced");
        });
        eventually("every rental is done", || all_is_done(&server, RENTALS, UNITS));
        done.store(true, Ordering::SeqCst);
        looking.join().unwrap()
    });
    assert!(seen.is_sorted_by(|before, after| before >= after && *before <= UNITS), "{seen:?}");
    assert_eq!(stock(&server, product), 0);

    let payments = server.all("payments");
    let kept = won(&payments, "PAYMENT COMPLETED");
    let canceled = won(&payments, "PAYMENT CANCELED");
    assert_eq!(
        (kept, canceled),
        (UNITS * PRICE, (RENTALS - UNITS) * PRICE),
        "approved = kept + canceled"
    );
    assert_eq!(kept + canceled, RENTALS * PRICE);
    let rentals = server.all("rentals");
    for rental in &rentals {
        let number = rental["id"].as_u64().unwrap();
        if rental["status"] == "RentalPlaced" {
            assert_eq!(happened(&server, number, "ProductDecreased"), 1, "{rental}");
            server.get(&format!("/payments/{number}")).is(200).has("status", "PAYMENT COMPLETED");
        } else {
            assert_eq!(
                (&rental["status"], &rental["reason"]),
                (&json!("RentalCanceled"), &json!("out-of-stock"))
            );
            is_undone(&server, number);
            assert_eq!(happened(&server, number, "ProductIncreased"), 0, "{rental}");
        }
    }
    // Two of each: it was placed, and its unit is on its way, or there is none.
    let told = RENTALS * 2;
    eventually("all texts are sent", || (server.total("notifications") >= told).then_some(()));
    assert_eq!((server.total("notifications"), rentals.len() as u64), (told, RENTALS));
}

/// In the product's own log: each unit that came back had gone out, and the stock is what is left at each step.
fn the_stock_adds_up(server: &Server, product: u64, rentals: u64, initial: u64) {
    let mut out = 0;
    let mut back = 0;
    for number in 1..=rentals {
        let gone = happened(server, number, "ProductDecreased") as u64;
        let returned = happened(server, number, "ProductIncreased") as u64;
        assert!(
            gone <= 1 && returned <= gone,
            "rental {number}: {gone} went out, {returned} came back"
        );
        (out, back) = (out + gone, back + returned);
    }
    assert_eq!(stock(server, product), initial - (out - back));
}

#[test]
fn a_cancel_against_the_products_refusal_undoes_a_rental_once() {
    const RENTALS: u64 = 40;
    let server = start();
    let product = register(&server, 10);
    // All customers order and cancel at once, while the units run out and come back.
    at_once(&server, RENTALS, |client, customer| {
        let rental = rent(client, product, customer).is(201).id();
        client
            .patch(&format!("/rentals/{rental}"), json!({"status": "Cancel"}))
            .is(200)
            .has("status", "RentalCanceled");
    });
    for number in 1..=RENTALS {
        server.shows(&format!("/payments/{number}"), json!({"status": "PAYMENT CANCELED"}));
        for once in ["RentalCanceled", "PaymentCanceled"] {
            assert_eq!(happened(&server, number, once), 1, "{once} of rental {number}");
        }
        let (started, withheld) =
            eventually(&format!("the delivery of {number} is called off"), || {
                let [canceled, withheld] = ["DeliveryCanceled", "DeliveryWithheld"]
                    .map(|what| happened(&server, number, what));
                (canceled + withheld > 0).then_some((canceled, withheld))
            });
        assert_eq!(started + withheld, 1, "rental {number}");
        messages_of_canceled(&server, number);
    }
    server.shows(&format!("/products/{product}"), json!({"stock": 10}));
    the_stock_adds_up(&server, product, RENTALS, 10);
    assert_eq!(won(&server.all("payments"), "PAYMENT COMPLETED"), 0);
}

#[test]
fn a_cancel_that_crosses_the_refusal_on_its_way_brings_nothing_back_that_never_went_out() {
    const RENTALS: u64 = 8;
    let server = start();
    let product = with_product(&server, 0);
    server.stop(PRODUCT);
    for customer in 1..=RENTALS {
        rent(&server, product, customer).is(201);
        server.shows(&format!("/mypages/{customer}"), json!({"status": "DeliveryStarted"}));
    }
    thread::scope(|scope| {
        let refusing = scope.spawn(|| server.apart().start_again(PRODUCT));
        at_once(&server, RENTALS, |client, rental| {
            client.delete(&format!("/rentals/{rental}")).is(204)
        });
        refusing.join().unwrap();
    });
    for rental in 1..=RENTALS {
        is_undone(&server, rental);
        assert_eq!(
            (
                happened(&server, rental, "ProductRefused"),
                happened(&server, rental, "ProductIncreased")
            ),
            (1, 0)
        );
        messages(&server, rental, 2);
    }
    assert_eq!(stock(&server, product), 0);
}

#[test]
fn a_cancel_that_many_repeat_is_one_cancel() {
    let server = start();
    let product = with_product(&server, 1);
    rent(&server, product, 7).is(201);
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    is_supplied(&server, 1);
    at_once(&server, 50, |client, n| match n % 2 {
        0 => client.delete("/rentals/1").is(204),
        _ => client
            .patch("/rentals/1", json!({"status": "Cancel"}))
            .is(200)
            .has("status", "RentalCanceled"),
    });
    is_undone(&server, 1);
    assert_eq!((stock(&server, product), happened(&server, 1, "ProductIncreased")), (1, 1));
    messages(&server, 1, 4);
    let payments = server.all("payments");
    assert_eq!(
        (won(&payments, "PAYMENT COMPLETED"), won(&payments, "PAYMENT CANCELED")),
        (0, PRICE)
    );
}
