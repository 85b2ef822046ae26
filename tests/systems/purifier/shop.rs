//! What the tests of the purifiers say to them.

use serde_json::{Value, json};
use support::{Answer, Client, Server, eventually};

pub const PRODUCT: &str = "purifier.product";
pub const RENTAL: &str = "purifier.rental";
pub const PAYMENT: &str = "purifier.payment";
pub const DELIVERY: &str = "purifier.delivery";
pub const MYPAGE: &str = "purifier.mypage";
pub const NOTIFICATION: &str = "purifier.notification";

/// What a purifier costs here.
pub const PRICE: u64 = 30_000;
/// From this amount on, payments are declined.
pub const TOO_DEAR: u64 = 1_000_000;

/// A shop whose payments are waited for however slow the machine is.
pub fn start() -> Server {
    Server::of("purifier", &format!("{}[guard.\"{PAYMENT}\"]\ntimeout_ms = 20000\n", terms()), &[])
}

/// A shop that waits for a payment no longer than this.
pub fn hasty(millis: u64) -> Server {
    Server::of(
        "purifier",
        &format!("{}[guard.\"{PAYMENT}\"]\ntimeout_ms = {millis}\n", terms()),
        &[],
    )
}

fn terms() -> String {
    format!("[systems.purifier]\ndecline_from = {TOO_DEAR}\n")
}

/// A product whose number is that of no rental of the test, which are fewer than ten.
pub fn with_product(server: &Server, stock: u64) -> u64 {
    for _ in 0..10 {
        register(server, 0);
    }
    register(server, stock)
}

pub fn register(client: &Client, stock: u64) -> u64 {
    client
        .post(
            "/products",
            json!({"name": "P1", "amt": PRICE.to_string(), "stock": stock.to_string()}),
        )
        .is(201)
        .id()
}

pub fn order(product: u64, customer: u64, amt: u64) -> Value {
    let customer = customer.to_string();
    let product = product.to_string();
    let amt = amt.to_string();
    json!({"customerId": customer, "productId": product, "amt": amt, "address": "Seoul", "phone": "010-0000-0000"})
}

pub fn rent(client: &Client, product: u64, customer: u64) -> Answer {
    client.post("/rentals", order(product, customer, PRICE))
}

/// All that happened in the saga of a rental.
pub fn told(client: &Client, rental: u64) -> Vec<String> {
    let saga = client.get(&format!("/admin/sagas/purifier/{rental}")).is(200);
    let what = |entry: &Value| entry["what"].as_str().unwrap().to_owned();
    saga["entries"].as_array().unwrap().iter().map(what).collect()
}

pub fn happened(client: &Client, rental: u64, what: &str) -> usize {
    told(client, rental).iter().filter(|happened| *happened == what).count()
}

pub fn stock(client: &Client, product: u64) -> u64 {
    client.get(&format!("/products/{product}")).is(200)["stock"].as_u64().unwrap()
}

/// Waits until so many texts have gone to the customer of a rental; gives the texts.
#[track_caller]
pub fn messages(client: &Client, rental: u64, count: usize) -> Vec<String> {
    let messages = eventually(&format!("{count} messages of rental {rental}"), || {
        let page = client.get(&format!("/notifications?rentalId={rental}&size=100")).is(200);
        let messages = page["_embedded"]["notifications"].as_array().cloned().unwrap_or_default();
        (messages.len() >= count).then_some(messages)
    });
    assert_eq!(messages.len(), count, "{messages:?}");
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Waits until a rental knows that the product has given its unit: until then a cancel means nothing for a delivery.
#[track_caller]
pub fn is_supplied(client: &Client, rental: u64) {
    eventually(&format!("the unit of rental {rental} is on its way"), || {
        (happened(client, rental, "RentalSupplied") == 1).then_some(())
    });
}

/// Waits for the texts of a rental that was canceled: two, and two of its delivery where its start had a text.
#[track_caller]
pub fn messages_of_canceled(client: &Client, rental: u64) -> Vec<String> {
    let supplied = happened(client, rental, "RentalSupplied");
    let texts = messages(client, rental, 2 + 2 * supplied);
    let of = |words: &str| texts.iter().filter(|text| text.contains(words)).count();
    assert_eq!((of("배송이 시작"), of("배송이 취소")), (supplied, supplied), "{texts:?}");
    texts
}

/// Waits until a rental is undone everywhere, once.
#[track_caller]
pub fn is_undone(client: &Client, rental: u64) {
    client.shows(&format!("/rentals/{rental}"), json!({"status": "RentalCanceled"}));
    client.shows(&format!("/payments/{rental}"), json!({"status": "PAYMENT CANCELED"}));
    client.shows(&format!("/deliveries/{rental}"), json!({"status": "DeliveryCanceled"}));
    client.shows(&format!("/mypages/{rental}"), json!({"status": "DeliveryCanceled"}));
    eventually(&format!("what went out for {rental} is back"), || {
        let [out, back] =
            ["ProductDecreased", "ProductIncreased"].map(|what| happened(client, rental, what));
        let refused = happened(client, rental, "ProductRefused");
        (out + refused == 1 && out == back).then_some(())
    });
    let told = told(client, rental);
    for once in ["RentalCanceled", "PaymentCanceled", "DeliveryCanceled"] {
        assert_eq!(told.iter().filter(|what| *what == once).count(), 1, "{told:?}");
    }
}

pub fn won(payments: &[Value], status: &str) -> u64 {
    let of = payments.iter().filter(|payment| payment["status"] == status);
    of.map(|payment| payment["amt"].as_u64().unwrap()).sum()
}
