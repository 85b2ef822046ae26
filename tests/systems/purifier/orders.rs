//! Water purifier rental (정수기 렌탈) over HTTP: contexts away, races for the last unit, text messages.
use serde_json::{Value, json};
use std::thread;
use support::{Answer, Client, Server, eventually};

const AMT: u64 = 30_000;

fn start() -> Server {
    Server::of("purifier", "", &[])
}

fn product(server: &Client, stock: u64) -> u64 {
    server.post("/products", json!({"name": "P1", "amt": AMT, "stock": stock})).is(201)["id"]
        .as_u64()
        .unwrap()
}

fn rental(server: &Client, product: u64) -> Answer {
    let body = json!({"customerId": "7", "productId": product, "amt": AMT, "address": "Seoul", "phone": "010-0000-0000"});
    server.post("/rentals", body)
}

fn cancel(server: &Client, rental: u64) -> Answer {
    server.patch(&format!("/rentals/{rental}"), json!({"status": "Cancel"}))
}

fn texts(server: &Client, rental: u64) -> Vec<String> {
    let of = |message: &Value| message["text"].as_str().unwrap().to_owned();
    let found = server.get(&format!("/notifications?rentalId={rental}&size=100")).is(200);
    found.items("notifications").iter().map(of).collect()
}

fn happened(server: &Client, rental: u64, what: &str) -> usize {
    let told = server.get(&format!("/admin/sagas/purifier/{rental}")).is(200).text;
    told.matches(&format!("\"what\":\"{what}\"")).count()
}

#[test]
fn each_change_of_status_sends_one_text_message() {
    let server = start();
    product(&server, 1);
    rental(&server, 1).is(201);
    eventually("the start of the delivery has a text", || {
        (texts(&server, 1).len() == 2).then_some(())
    });
    cancel(&server, 1).is(200);
    cancel(&server, 1).is(200);
    let told = eventually("four messages are sent", || {
        Some(texts(&server, 1)).filter(|texts| texts.len() >= 4)
    });
    for words in ["접수되었습니다", "배송이 시작", "렌탈이 취소", "배송이 취소"]
    {
        assert_eq!(told.iter().filter(|text| text.contains(words)).count(), 1, "{words}: {told:?}");
    }
    let message = server.shows("/notifications/1", json!({"status": "SENT"}));
    assert!(
        message["sentAt"].is_string() && message["phone"] == "010-0000-0000",
        "{}",
        message.text
    );
    server.post("/notifications", json!({})).problem(405);
}

#[test]
fn an_unavailable_product_cancels_the_order_and_the_customer_gets_the_reason() {
    let server = start();
    let sold_out = product(&server, 0);
    let cases = [
        (sold_out, AMT, "out-of-stock", "재고"),
        (sold_out, AMT + 1, "price-differs", "가격"),
        (99, AMT, "product-unknown", "없는"),
    ];
    for (number, (product, amt, reason, words)) in (1_u64..).zip(cases) {
        let body = json!({"customerId": 7, "productId": product, "amt": amt, "address": "Seoul",
            "phone": "010-0000-0000"});
        server.post("/rentals", body).is(201).has("status", "RentalPlaced");
        server.shows(
            &format!("/rentals/{number}"),
            json!({"status": "RentalCanceled", "reason": reason}),
        );
        server.shows(&format!("/payments/{number}"), json!({"status": "PAYMENT CANCELED"}));
        server.shows(&format!("/deliveries/{number}"), json!({"status": "DeliveryCanceled"}));
        server.shows(&format!("/mypages/{number}"), json!({"status": "DeliveryCanceled"}));
        eventually("the customer gets the reason", || {
            texts(&server, number).iter().any(|text| text.contains(words)).then_some(())
        });
        assert_eq!(
            happened(&server, number, "ProductIncreased"),
            0,
            "nothing comes back that had not gone out"
        );
    }
    server.get(&format!("/products/{sold_out}")).is(200).has("stock", 0);
    server.get("/products/99").problem(404);
}

#[test]
fn a_declined_payment_establishes_nothing() {
    let server = Server::of("purifier", "[systems.purifier]\ndecline_from = 50000\n", &[]);
    product(&server, 1);
    let dear = json!({"customerId": 7, "productId": 1, "amt": 50_000, "address": "Seoul"});
    server.post("/rentals", dear).refuses(409, "payment-declined");
    server.get("/rentals/1").problem(404);
    assert_eq!(server.total("rentals") + server.total("payments") + server.total("mypages"), 0);
    rental(&server, 1).is(201).has("id", 2);
    assert_eq!(texts(&server, 1), Vec::<String>::new());
}

#[test]
fn without_an_answer_nothing_is_established_and_what_was_paid_goes_back() {
    let server = start();
    product(&server, 1);
    server.stop("purifier.payment");
    let refused = rental(&server, 1);
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok(), "{:?}", refused.headers);
    server.start_again("purifier.payment");
    rental(&server, 1).is(201).has("id", 2);
    server.shows("/products/1", json!({"stock": 0}));

    // Slower than any caller waits: the payment goes through, and back.
    server.delay("purifier.payment", 900, 900);
    rental(&server, 1).refuses(503, "retry-later");
    server.heal("purifier.payment");
    server.shows("/payments/3", json!({"status": "PAYMENT CANCELED"}));
    server.get("/rentals/3").problem(404);
    server.get("/mypages/3").problem(404);
    assert_eq!(server.total("rentals"), 1);
}

#[test]
fn each_context_may_be_away_and_what_it_missed_is_done_when_it_is_back() {
    let server = start();
    product(&server, 100);
    for (number, away) in (1_u64..).zip(["product", "delivery", "mypage", "notification"]) {
        let away = format!("purifier.{away}");
        server.stop(&away);
        rental(&server, 1).is(201).has("status", "RentalPlaced");
        server.start_again(&away);
        server.shows(&format!("/mypages/{number}"), json!({"status": "DeliveryStarted"}));
        server.shows("/products/1", json!({"stock": 100 - number}));
        eventually("both messages are sent", || (texts(&server, number).len() == 2).then_some(()));
    }
    for (number, away) in (1_u64..).zip(["product", "delivery", "payment", "mypage"]) {
        let away = format!("purifier.{away}");
        server.stop(&away);
        cancel(&server, number).is(200).has("status", "RentalCanceled");
        server.start_again(&away);
        server.shows(&format!("/mypages/{number}"), json!({"status": "DeliveryCanceled"}));
    }
    server.shows("/products/1", json!({"stock": 100}));
}

#[test]
fn a_cancelled_rental_can_still_be_read_and_fields_of_the_server_cannot_be_written() {
    let server = start();
    product(&server, 1);
    rental(&server, 1).is(201);
    server.delete("/rentals/1").is(204);
    server.delete("/rentals/1").is(204);
    server.get("/rentals/1").is(200).has("status", "RentalCanceled").has("amt", AMT);
    assert_eq!(happened(&server, 1, "RentalCanceled"), 1);
    for path in ["/payments", "/deliveries", "/mypages"] {
        server.post(path, json!({"status": "PAYMENT COMPLETED"})).problem(405);
    }
    cancel(&server, 9).problem(404);
}

/// Stock and money add up: what is out is with rentals that are open, what is kept is theirs too.
fn the_books_balance(server: &Client, stock: u64) {
    eventually("stock and money add up", || {
        let rentals = server.all("rentals");
        let payments = server.all("payments");
        let placed =
            rentals.iter().filter(|rental| rental["status"] == "RentalPlaced").count() as u64;
        let kept =
            payments.iter().filter(|payment| payment["status"] == "PAYMENT COMPLETED").count()
                as u64;
        let left = server.get("/products/1").is(200)["stock"].as_u64().unwrap();
        (left + placed == stock && kept == placed).then_some(())
    });
}

#[test]
fn of_many_rentals_for_the_last_units_no_more_succeed_than_there_are_units() {
    const CLIENTS: u64 = 24;
    const STOCK: u64 = 5;
    let server = start();
    product(&server, STOCK);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let own = server.apart();
            scope.spawn(move || {
                let number = rental(&own, 1).is(201)["id"].as_u64().unwrap();
                // Some change their mind, whatever becomes of the order meanwhile.
                if client % 3 == 0 {
                    thread::scope(|scope| {
                        for _ in 0..4 {
                            scope.spawn(|| cancel(&own.apart(), number).is(200));
                        }
                    });
                }
            });
        }
        for _ in 0..50 {
            let left = server.get("/products/1").is(200)["stock"].as_u64().unwrap();
            assert!(left <= STOCK, "{left} of {STOCK} are left");
        }
    });
    the_books_balance(&server, STOCK);
    for number in 1..=CLIENTS {
        let out = happened(&server, number, "ProductDecreased");
        eventually("what went out for an order that does not stand is back", || {
            let stands =
                server.get(&format!("/rentals/{number}")).is(200)["status"] == "RentalPlaced";
            let back = happened(&server, number, "ProductIncreased");
            (if stands { (out, back) == (1, 0) } else { out == back }).then_some(())
        });
        assert!(happened(&server, number, "RentalCanceled") <= 1);
        assert!(happened(&server, number, "PaymentCanceled") <= 1);
    }
}

#[test]
fn a_kill_in_the_middle_leaves_no_order_half_done() {
    let mut server = start();
    product(&server, 3);
    server.stop("purifier.delivery");
    rental(&server, 1).is(201);
    rental(&server, 1).is(201);
    cancel(&server, 2).is(200);
    server.kill();
    server.restart();
    server.shows("/mypages/1", json!({"status": "DeliveryStarted"}));
    server.shows("/payments/2", json!({"status": "PAYMENT CANCELED"}));
    the_books_balance(&server, 3);
    eventually("both messages are sent", || (texts(&server, 1).len() == 2).then_some(()));
}
