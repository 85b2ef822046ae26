//! Something in every context of a system: the catalogue of staff, and an order of one customer.

use serde_json::{Value, json};
use std::{cell::Cell, collections::BTreeMap};
use support::{Answer, Client, eventually};

const ADDRESS: &str = "kanarienvogel street";
const PHONE: &str = "010-7654-3210";
const FILM: &str = "kanarienvogel";
/// What nothing but the things of the customer 7 has.
pub const CANARIES: [&str; 4] = ["kanarienvogel", "KANARIENVOGEL", "7654-3210", "76543210"];

/// The idempotency key of an order of that customer.
pub fn fill_key(number: u64) -> String {
    format!("\"an order {number}\"")
}

/// What shows who fills a system; `None`: no credentials are needed.
pub struct People {
    pub customer: String,
    pub admin: Option<String>,
}

/// A customer at a server whose collections are under `prefix`.
struct Customer<'a> {
    client: &'a Client,
    prefix: &'a str,
    people: &'a People,
    /// How many orders it has sent.
    sent: Cell<u64>,
}

impl Customer<'_> {
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("{}{path}", self.prefix);
        let answer = self.client.call(method, &path, |request| {
            let key = fill_key(self.sent.replace(self.sent.get() + 1));
            request.bearer_auth(&self.people.customer).header("idempotency-key", key).json(body)
        });
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        answer
    }

    fn staff(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("{}{path}", self.prefix);
        let answer = self.as_admin(method, &path, body);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        answer
    }

    fn as_admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.client.call(method, path, |request| {
            let request = if method == "GET" { request } else { request.json(body) };
            match &self.people.admin {
                Some(bearer) => request.bearer_auth(bearer),
                None => request,
            }
        })
    }

    /// The number of the first thing in `collection`, once there is one.
    fn first_of(&self, collection: &str) -> u64 {
        let path = format!("{}/{collection}", self.prefix);
        eventually(&format!("there is something in {path}"), || {
            let list = self.as_admin("GET", &path, &Value::Null).is(200);
            list.items(collection).first().and_then(|item| item["id"].as_u64())
        })
    }
}

/// Fills `system`, as staff and as the customer 7. Returns the number of something in each context.
pub fn fill(
    client: &Client,
    prefix: &str,
    system: &str,
    people: &People,
) -> BTreeMap<&'static str, u64> {
    let shop = Customer { client, prefix, people, sent: Cell::new(1) };
    match system {
        "bookrent" => {
            shop.staff("POST", "/books", &json!({ "title": "title01", "status": true }));
            let rent = json!({ "bookId": 1, "userId": 7, "address": ADDRESS });
            shop.send("POST", "/rents", &rent);
        }
        "purifier" => {
            shop.staff("POST", "/products", &json!({ "name": "P1", "amt": 30000, "stock": 9 }));
            let rental = json!({
                "customerId": 7, "productId": 1, "amt": 30000, "address": ADDRESS, "phone": PHONE,
            });
            shop.send("POST", "/rentals", &rental);
        }
        "ebook" => {
            shop.staff("POST", "/books", &json!({ "bookName": "Hello", "rentalFee": 3000 }));
            let rent = json!({
                "userId": 7, "bookId": 1, "bookName": "Hello", "rentalFee": 3000, "phone": PHONE,
            });
            shop.send("POST", "/rents", &rent);
        }
        "movie" => {
            let book = json!({ "qty": 1, "movieName": FILM, "seat": "1A", "totalPrice": 10000 });
            shop.send("POST", "/books", &book);
            assert_eq!(shop.first_of("tickets"), 1);
            shop.send("PATCH", "/tickets/1", &json!({ "status": "Printed" }));
        }
        "ticketing" => {
            let ticket = json!({
                "ticketId": 3, "status": "예약가능", "starttime": "2099-07-07", "endtime": "2099-07-07",
            });
            shop.staff("POST", "/tickets", &ticket);
            assert_eq!(shop.first_of("prices"), 3);
            let reservation = json!({ "ticketId": 3, "userId": "7" });
            shop.send("POST", "/reservations", &reservation);
        }
        "gbike" => {
            shop.send("POST", "/userDeposits", &json!({ "userid": 7, "deposit": 100000 }));
            let bike = json!({ "bikeid": 1, "status": "사용가능", "location": "분당" });
            shop.staff("POST", "/bikes", &bike);
            shop.send("POST", "/rents", &json!({ "userid": 7, "bikeid": 1 }));
            shop.send("PATCH", "/rents/1", &json!({ "endlocation": "정자" }));
        }
        other => panic!("nothing fills {other}"),
    }
    let contexts = holdfast::systems::contexts(system).into_iter().map(|context| context.name);
    contexts.map(|name| (name.context, shop.first_of(name.collection))).collect()
}
