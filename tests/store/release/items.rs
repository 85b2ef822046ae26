//! Whose things are that an earlier release left, which knew no owners.

use super::{
    Wrong,
    left::{Left, in_parallel},
};
use serde_json::Value;
use support::Server;

/// What anyone may see.
const PUBLIC: [&str; 7] = [
    "/bookrent/books/",
    "/purifier/products/",
    "/ebook/books/",
    "/ticketing/tickets/",
    "/ticketing/prices/",
    "/ticketing/views/",
    "/gbike/bikes/",
];
/// Things of the purifier that name no customer: their rental does, which has their number.
const OF_RENTALS: [&str; 2] = ["/purifier/payments/", "/purifier/deliveries/"];

/// The customer whom the fields of a thing name.
fn named(shown: &Value) -> Option<String> {
    let fields = ["userId", "customerId", "userid"].iter();
    fields.map(|field| &shown[field]).find_map(|customer| match customer {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    })
}

fn owner_of(server: &Server, path: &str, shown: &Value) -> Option<String> {
    named(shown).or_else(|| {
        let number = OF_RENTALS.iter().find_map(|prefix| path.strip_prefix(prefix))?;
        named(&server.get(&format!("/purifier/rentals/{number}")).is(200).body)
    })
}

#[test]
fn what_an_earlier_release_left_is_of_the_customer_whom_it_or_its_order_names() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        in_parallel(left.list("things"), |thing| {
            let path = thing["path"].as_str().unwrap();
            if PUBLIC.iter().any(|prefix| path.starts_with(prefix)) {
                return;
            }
            let status_for = |customer: &str| {
                let customer = format!("customer/{customer}");
                server.call("GET", path, |it| it.header("X-Holdfast-As", &customer)).status
            };
            let owner = owner_of(&server, path, &thing["body"]);
            let is_movie = path.starts_with("/movie/");
            wrong.unless(owner.is_some() != is_movie, || format!("{path} is of {owner:?}"));
            // A header has letters of ASCII only.
            let own = owner.as_deref().filter(|owner| owner.is_ascii()).map_or(200, status_for);
            let another = status_for("another");
            wrong.unless((own, another) == (200, 404), || {
                format!("{path} of {owner:?}: {own} for its customer, {another} for another")
            });
        });
        wrong.must_be_nothing();
    }
}
