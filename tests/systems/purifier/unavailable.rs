//! Each context unavailable in turn, slow, or killed in the middle.

use super::shop::{
    DELIVERY, MYPAGE, NOTIFICATION, PAYMENT, PRICE, PRODUCT, RENTAL, happened, hasty, is_supplied,
    is_undone, messages, rent, start, stock, with_product, won,
};
use serde_json::json;
use std::thread;
use support::{Server, eventually};

#[test]
fn orders_are_taken_while_the_product_is_away_and_judged_when_it_is_back() {
    let server = start();
    let product = with_product(&server, 2);
    server.stop(PRODUCT);
    for number in 1..=4 {
        rent(&server, product, number).is(201).has("id", number).has("status", "RentalPlaced");
    }
    server.shows("/mypages/4", json!({"status": "DeliveryStarted"}));
    server.get(&format!("/products/{product}")).problem(503);
    // The customer of the second has changed his mind before the product gets any.
    server.patch("/rentals/2", json!({"status": "Cancel"})).is(200);
    server.shows("/mypages/2", json!({"status": "DeliveryCanceled"}));
    server.start_again(PRODUCT);
    is_undone(&server, 2);
    let out = eventually("every rental is judged", || {
        let judged = |number: &u64| happened(&server, *number, "ProductDecreased") > 0;
        let refused = |number: &u64| happened(&server, *number, "ProductRefused") > 0;
        let all = [1, 2, 3, 4].iter().all(|number| judged(number) || refused(number));
        all.then(|| [1, 2, 3, 4].into_iter().filter(judged).collect::<Vec<_>>())
    });
    for number in (1..=4).filter(|number| !out.contains(number)) {
        is_undone(&server, number);
    }
    let kept = out.iter().filter(|number| **number != 2).count() as u64;
    assert!(kept > 0, "{out:?}");
    server.shows(&format!("/products/{product}"), json!({"stock": 2 - kept}));
    assert_eq!(won(&server.all("payments"), "PAYMENT COMPLETED"), kept * PRICE);
}

#[test]
fn with_the_payment_away_nothing_is_established_and_its_return_makes_all_well() {
    let server = hasty(610);
    let product = with_product(&server, 1);
    server.stop(PAYMENT);
    let refused = rent(&server, product, 7);
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    server.start_again(PAYMENT);
    eventually("the payment was called off", || {
        (happened(&server, 1, "PaymentWithheld") == 1).then_some(())
    });
    for path in ["/rentals/1", "/payments/1", "/deliveries/1", "/mypages/1"] {
        server.get(path).refuses(404, "not-found");
    }
    for collection in ["rentals", "payments", "deliveries", "mypages", "notifications"] {
        assert_eq!(server.total(collection), 0, "{collection}");
    }
    assert_eq!(stock(&server, product), 1);
}

#[test]
fn a_payment_after_the_customer_was_asked_to_try_again_is_canceled() {
    let server = hasty(2000);
    let product = with_product(&server, 5);
    // The fault holds back the answer, not the charge.
    server.delay(PAYMENT, 5000, 5000);
    rent(&server, product, 7).refuses(503, "retry-later");
    server.heal(PAYMENT);
    server.shows("/payments/1", json!({"status": "PAYMENT CANCELED", "amt": PRICE}));
    for path in ["/rentals/1", "/deliveries/1", "/mypages/1"] {
        server.get(path).refuses(404, "not-found");
    }
    eventually("the delivery will never start", || {
        (happened(&server, 1, "DeliveryWithheld") == 1).then_some(())
    });
    assert_eq!(
        (happened(&server, 1, "PaymentApproved"), happened(&server, 1, "PaymentCanceled")),
        (1, 1)
    );
    assert_eq!((happened(&server, 1, "RentalPlaced"), happened(&server, 1, "MessageSent")), (0, 0));
    assert_eq!(
        (stock(&server, product), server.total("rentals"), server.total("mypages")),
        (5, 0, 0)
    );
}

#[test]
fn canceling_waits_for_no_other_context() {
    let server = start();
    let product = with_product(&server, 1);
    rent(&server, product, 7).is(201);
    server.shows(&format!("/products/{product}"), json!({"stock": 0}));
    is_supplied(&server, 1);
    let others = [PAYMENT, DELIVERY, PRODUCT, MYPAGE, NOTIFICATION];
    others.iter().for_each(|context| server.stop(context));
    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200).has("status", "RentalCanceled");
    server.delete("/rentals/1").is(204);
    others.iter().for_each(|context| server.start_again(context));
    is_undone(&server, 1);
    assert_eq!((stock(&server, product), happened(&server, 1, "ProductIncreased")), (1, 1));
    messages(&server, 1, 4);
}

#[test]
fn a_delivery_that_is_away_starts_later_and_not_at_all_when_it_was_canceled_meanwhile() {
    let server = start();
    let product = with_product(&server, 5);
    server.stop(DELIVERY);
    for number in 1..=2 {
        rent(&server, product, 7).is(201).has("id", number);
        server.shows(
            &format!("/mypages/{number}"),
            json!({"status": "PAYMENT COMPLETED", "deliveryId": null}),
        );
    }
    server.get("/deliveries/1").problem(503);
    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200);
    server.shows("/mypages/1", json!({"status": "PAYMENT CANCELED"}));
    server.start_again(DELIVERY);
    server.shows("/mypages/2", json!({"status": "DeliveryStarted", "deliveryId": 2}));
    // It gets the order and its cancel in either order: it never was, or is canceled.
    let withheld = eventually("the delivery of the first is called off", || {
        let never = happened(&server, 1, "DeliveryWithheld");
        let canceled = happened(&server, 1, "ProductIncreased");
        (never + canceled == 1).then_some(never == 1)
    });
    server.shows(
        "/mypages/1",
        json!({"status": if withheld { "PAYMENT CANCELED" } else { "DeliveryCanceled" }}),
    );
    server.shows(&format!("/products/{product}"), json!({"stock": 4}));
    messages(&server, 1, 2);
    messages(&server, 2, 2);
}

#[test]
fn messages_and_my_pages_that_were_away_are_written_when_they_are_back_and_each_once() {
    let server = start();
    let product = with_product(&server, 5);
    server.stop(NOTIFICATION);
    server.stop(MYPAGE);
    rent(&server, product, 7).is(201);
    server.shows(&format!("/products/{product}"), json!({"stock": 4}));
    server.get("/mypages/1").problem(503);
    server.get("/notifications").problem(503);
    server.start_again(MYPAGE);
    server
        .shows("/mypages/1", json!({"status": "DeliveryStarted", "paymentId": 1, "deliveryId": 1}));
    server.start_again(NOTIFICATION);
    messages(&server, 1, 2);
}

#[test]
fn my_pages_are_read_while_everything_else_is_away() {
    let server = start();
    let product = with_product(&server, 1);
    rent(&server, product, 7).is(201);
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    [PRODUCT, RENTAL, PAYMENT, DELIVERY, NOTIFICATION]
        .iter()
        .for_each(|context| server.stop(context));
    server.get("/mypages/1").is(200).has("status", "DeliveryStarted").has("address", "Seoul");
    assert_eq!(server.get("/mypages?customerId=7").is(200)["page"]["totalElements"], 1);
    rent(&server, product, 7).problem(503);
}

#[test]
fn a_rental_is_open_until_its_payment_has_answered() {
    let server = start();
    let product = with_product(&server, 1);
    server.delay(PAYMENT, 4000, 4000);
    thread::scope(|scope| {
        let asking = scope.spawn(|| rent(&server, product, 7));
        server.shows("/rentals/1", json!({"status": "Requested"}));
        for refused in
            [server.patch("/rentals/1", json!({"status": "Cancel"})), server.delete("/rentals/1")]
        {
            refused.refuses(409, "still-open");
            assert_eq!(refused.header("retry-after"), "1");
        }
        assert_eq!(
            (server.total("rentals"), server.total("deliveries"), server.total("mypages")),
            (0, 0, 0)
        );
        asking.join().unwrap().is(201).has("status", "RentalPlaced");
    });
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
}

/// The process is killed while a saga is open; the same thing comes of it afterwards.
fn after_a_crash_with(away: &str, act: impl Fn(&Server)) -> (Server, u64) {
    let mut server = start();
    let product = with_product(&server, 1);
    server.stop(away);
    act(&server);
    server.kill();
    server.restart();
    (server, product)
}

#[test]
fn a_crash_between_payment_and_delivery_loses_no_rental() {
    let (server, product) = after_a_crash_with(DELIVERY, |server| {
        rent(server, 11, 7).is(201);
        rent(server, 11, 8).is(201);
    });
    server.shows(&format!("/products/{product}"), json!({"stock": 0}));
    let refused = eventually("one of the two is refused", || {
        [1, 2].into_iter().find(|number| happened(&server, *number, "ProductRefused") == 1)
    });
    is_undone(&server, refused);
    messages(&server, refused, 2);
    messages(&server, 3 - refused, 2);
    server.get(&format!("/mypages/{}", 3 - refused)).is(200).has("status", "DeliveryStarted");
    let payments = server.all("payments");
    assert_eq!(
        (won(&payments, "PAYMENT COMPLETED"), won(&payments, "PAYMENT CANCELED")),
        (PRICE, PRICE)
    );
}

#[test]
fn a_crash_after_a_cancel_pays_back_and_takes_back_once() {
    let (server, product) = after_a_crash_with(PAYMENT, |server| {
        server.start_again(PAYMENT);
        rent(server, 11, 7).is(201);
        is_supplied(server, 1);
        server.stop(PAYMENT);
        server.patch("/rentals/1", json!({"status": "Cancel"})).is(200);
    });
    is_undone(&server, 1);
    assert_eq!((stock(&server, product), happened(&server, 1, "ProductIncreased")), (1, 1));
    messages(&server, 1, 4);
}
