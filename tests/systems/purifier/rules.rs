//! The transcript, and what is promised in words.

use super::shop::{
    PRICE, TOO_DEAR, happened, is_supplied, is_undone, messages, order, register, rent, start,
    stock, told, with_product, won,
};
use serde_json::json;
use support::Server;

#[test]
fn the_transcript_replays_line_by_line() {
    let server = Server::of("purifier", "", &[]);
    let product =
        server.post("/products", json!({"name": "P1", "amt": "30000", "stock": "1"})).is(201);
    product.has("id", 1).has("name", "P1").has("amt", 30_000).has("stock", 1);
    let body = json!({
        "customerId": "7", "productId": "1", "amt": "30000", "address": "Seoul", "phone": "010-0000-0000",
    });
    let rental = server.post("/rentals", body).is(201).has("id", 1).has("status", "RentalPlaced");
    let rental =
        rental.has("customerId", 7).has("productId", 1).has("amt", 30_000).has("address", "Seoul");
    let rental = rental.has("phone", "010-0000-0000");
    assert!(rental.header("location").ends_with("/rentals/1"), "{:?}", rental.headers);
    assert_eq!(rental["_links"]["self"]["href"], rental["_links"]["rental"]["href"]);

    let payment = server.get("/payments/1").is(200).has("status", "PAYMENT COMPLETED");
    payment.has("rentalId", 1).has("productId", 1).has("amt", 30_000);
    server.shows("/products/1", json!({"stock": 0}));
    let row = server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    let row =
        row.has("rentalId", 1).has("customerId", 7).has("productId", 1).has("address", "Seoul");
    row.has("amt", 30_000).has("paymentId", 1).has("deliveryId", 1);
    let delivery = server.get("/deliveries/1").is(200).has("status", "DeliveryStarted");
    delivery.has("paymentId", 1).has("productId", 1).has("address", "Seoul").has("amt", 30_000);

    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200).has("status", "RentalCanceled");
    server.shows("/payments/1", json!({"status": "PAYMENT CANCELED"}));
    server.shows("/deliveries/1", json!({"status": "DeliveryCanceled"}));
    server.shows("/products/1", json!({"stock": 1}));
    server.shows("/mypages/1", json!({"status": "DeliveryCanceled"}));
}

#[test]
fn my_pages_may_be_spelt_as_they_were() {
    let server = start();
    let product = with_product(&server, 1);
    rent(&server, product, 7).is(201);
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    server.get("/myPages/1").is(200).has("customerId", 7);
    server.get("/purifier/myPages/1").is(200);
    for query in
        ["customerId=7", &format!("productId={product}"), "rentalId=1", "status=DeliveryStarted"]
    {
        assert_eq!(
            server.get(&format!("/myPages?{query}")).is(200)["page"]["totalElements"],
            1,
            "{query}"
        );
    }
    assert_eq!(server.get("/mypages?customerId=8").is(200)["page"]["totalElements"], 0);
}

#[test]
fn a_canceled_rental_stays_readable_and_a_delete_is_a_cancel() {
    let server = start();
    let product = with_product(&server, 3);
    for number in 1..=3 {
        rent(&server, product, 7).is(201).has("id", number);
        server.shows(&format!("/mypages/{number}"), json!({"status": "DeliveryStarted"}));
    }
    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200);
    for _ in 0..2 {
        server.delete("/rentals/2").is(204);
    }
    server.patch("/rentals/2", json!({"status": "Cancel"})).is(200).has("status", "RentalCanceled");
    server.delete("/rentals/9").refuses(404, "not-found");
    for number in [1, 2] {
        is_undone(&server, number);
        let rental =
            server.get(&format!("/rentals/{number}")).is(200).has("status", "RentalCanceled");
        rental.has("address", "Seoul").has("customerId", 7).has("reason", json!(null));
    }
    assert_eq!(stock(&server, product), 2);
    assert_eq!(
        (server.total("rentals"), server.total("payments"), server.total("deliveries")),
        (3, 3, 3)
    );
    assert_eq!(
        server.get("/rentals?customerId=7&status=RentalCanceled").is(200)["page"]["totalElements"],
        2
    );
}

#[test]
fn an_order_out_of_stock_unknown_or_at_another_price_is_undone_and_the_customer_gets_the_reason() {
    let server = start();
    let empty = with_product(&server, 0);
    let full = register(&server, 5);
    let orders = [
        (empty, PRICE, "out-of-stock", "재고"),
        (999, PRICE, "product-unknown", "없는 상품"),
        (full, 1, "price-differs", "가격"),
    ];
    for (place, (product, amt, reason, words)) in orders.into_iter().enumerate() {
        let number = place as u64 + 1;
        server.post("/rentals", order(product, 7, amt)).is(201).has("id", number);
        is_undone(&server, number);
        server.get(&format!("/rentals/{number}")).is(200).has("reason", reason);
        assert_eq!(happened(&server, number, "ProductRefused"), 1);
        assert_eq!(
            happened(&server, number, "ProductIncreased"),
            0,
            "what never went out does not come back"
        );
        let texts = messages(&server, number, 2);
        assert!(texts.iter().all(|text| !text.contains("배송")), "{texts:?}");
        assert!(texts[1].contains("환불"), "{texts:?}");
        assert_eq!(texts.iter().filter(|text| text.contains(words)).count(), 1, "{texts:?}");
        server
            .patch(&format!("/rentals/{number}"), json!({"status": "Cancel"}))
            .is(200)
            .has("reason", reason);
    }
    assert_eq!((stock(&server, empty), stock(&server, full)), (0, 5));
    server.get("/products/999").refuses(404, "not-found");
    assert_eq!(server.total("products"), 12);
}

#[test]
fn each_change_of_status_sends_one_text_message_to_the_customers_telephone() {
    let server = start();
    let product = with_product(&server, 2);
    rent(&server, product, 7).is(201);
    messages(&server, 1, 2);
    let without_phone =
        json!({"customerId": 8, "productId": product, "amt": PRICE, "address": "Busan"});
    server.post("/rentals", without_phone).is(201).has("phone", json!(null));
    is_supplied(&server, 2);
    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200);
    server.patch("/rentals/1", json!({"status": "Cancel"})).is(200);
    is_undone(&server, 1);

    let texts = messages(&server, 1, 4);
    for words in [
        "접수되었습니다",
        "배송이 시작되었습니다",
        "렌탈이 취소되었습니다",
        "배송이 취소되었습니다",
    ] {
        let telling = texts.iter().filter(|text| text.contains(words) && text.contains("1번"));
        assert_eq!(telling.count(), 1, "{words} in {texts:?}");
    }
    let all = server.all("notifications");
    let numbers: Vec<u64> = all.iter().map(|message| message["id"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=4).collect::<Vec<_>>(), "a counter of its own, without gaps");
    for number in numbers {
        let sent = server.shows(&format!("/notifications/{number}"), json!({"status": "SENT"}));
        let sent = sent.has("customerId", 7).has("phone", "010-0000-0000").has("rentalId", 1);
        assert!(sent["sentAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", sent.text);
    }
    assert_eq!(server.get("/notifications?status=SENT").is(200)["page"]["totalElements"], 4);
    assert_eq!(server.get("/notifications?customerId=8").is(200)["page"]["totalElements"], 0);
}

#[test]
fn payments_deliveries_and_messages_cannot_be_written_from_outside() {
    let server = start();
    let product = with_product(&server, 1);
    rent(&server, product, 7).is(201);
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    let forged =
        json!({"rentalId": 1, "productId": product, "amt": 1, "status": "PAYMENT COMPLETED"});
    for collection in ["payments", "deliveries", "mypages", "myPages", "notifications"] {
        let refused = server.post(&format!("/{collection}"), forged.clone());
        refused.problem(405);
        assert!(refused.header("allow").contains("GET"), "{:?}", refused.headers);
        server
            .patch(&format!("/{collection}/1"), json!({"status": "PAYMENT CANCELED"}))
            .problem(405);
        server.delete(&format!("/{collection}/1")).problem(405);
    }
    server.patch("/rentals/1", json!({"status": "RentalPlaced"})).problem(400);
    server.get("/payments/1").is(200).has("status", "PAYMENT COMPLETED").has("amt", PRICE);
    server.post("/products", json!({"name": "P", "amt": 1, "stock": -1})).problem(400);
    // What others own is ignored where a client sets it.
    let order = json!({"id": 77, "status": "RentalCanceled", "reason": "out-of-stock", "customerId": 7,
        "productId": product, "amt": PRICE, "address": "Seoul"});
    server
        .post("/rentals", order)
        .is(201)
        .has("id", 2)
        .has("status", "RentalPlaced")
        .has("reason", json!(null));
}

#[test]
fn a_declined_payment_establishes_nothing() {
    let server = start();
    let product = with_product(&server, 1);
    server.post("/rentals", order(product, 7, TOO_DEAR)).refuses(409, "payment-declined");
    for path in ["/rentals/1", "/payments/1", "/deliveries/1", "/mypages/1"] {
        server.get(path).refuses(404, "not-found");
    }
    for collection in ["rentals", "payments", "deliveries", "mypages", "notifications"] {
        assert_eq!(server.total(collection), 0, "{collection}");
    }
    // Its number is spent; the next rental is none the worse for it.
    rent(&server, product, 7).is(201).has("id", 2);
    server.shows("/mypages/2", json!({"status": "DeliveryStarted"}));
    messages(&server, 2, 2);
    let told = told(&server, 1);
    assert!(
        !told.iter().any(|what| what == "PaymentApproved" || what == "RentalPlaced"),
        "{told:?}"
    );
    assert_eq!(won(&server.all("payments"), "PAYMENT COMPLETED"), PRICE);
}
