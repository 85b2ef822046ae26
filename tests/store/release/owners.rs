//! The lists of customers: the first start builds the index that they walk.

use super::{SYSTEMS, Wrong, in_parallel, left::Left};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Lists of what belongs to customers, and the field that names the customer.
const NAMED: [(&str, &str); 14] = [
    ("/bookrent/rents", "userId"),
    ("/bookrent/deliveries", "userId"),
    ("/bookrent/views", "userId"),
    ("/purifier/rentals", "customerId"),
    ("/purifier/mypages", "customerId"),
    ("/purifier/notifications", "customerId"),
    ("/ebook/rents", "userId"),
    ("/ebook/payments", "userId"),
    ("/ebook/dashboards", "userId"),
    ("/ticketing/reservations", "userId"),
    ("/gbike/rents", "userid"),
    ("/gbike/billings", "userid"),
    ("/gbike/rentAndBillingViews", "userid"),
    ("/gbike/userDeposits", "userid"),
];

/// The customer whom a field names.
fn customer_in(field: &Value) -> Option<String> {
    match field {
        Value::Number(number) => Some(number.to_string()),
        Value::String(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        _ => None,
    }
}

#[test]
fn every_customer_lists_all_that_was_theirs_and_nothing_else() {
    for left in Left::all() {
        let server = left.open();
        server.is_quiet(&SYSTEMS);
        let wrong = Wrong::default();
        let mut looked = 0;
        for (list, field) in NAMED {
            let mut of_customers = BTreeMap::<String, Vec<u64>>::new();
            for thing in server.all_of(list) {
                let whose = customer_in(&thing[field]);
                let whose = whose.unwrap_or_else(|| panic!("{list}: {thing} names no customer"));
                of_customers.entry(whose).or_default().push(thing["id"].as_u64().unwrap());
            }
            looked += of_customers.len();
            let all = of_customers.into_iter();
            let all =
                all.filter(|(whose, _)| whose.chars().all(|part| part.is_ascii_alphanumeric()));
            in_parallel(all.map(|(whose, own)| json!([whose, own])).collect(), |expected| {
                let whose = format!("customer/{}", expected[0].as_str().unwrap());
                let page = server.call("GET", &format!("{list}?size=100"), |request| {
                    request.header("X-Holdfast-As", &whose)
                });
                let page = page.is(200).body;
                let embedded = page["_embedded"].as_object().unwrap();
                let shown = embedded.values().flat_map(|things| things.as_array().unwrap());
                let shown: Vec<Value> = shown.map(|thing| thing["id"].clone()).collect();
                let own = expected[1].as_array().unwrap();
                let first = &own[..own.len().min(100)];
                let total = &page["page"]["totalElements"];
                wrong.unless(shown == first && *total == own.len(), || {
                    format!("{list} of {whose}: {total} things, {shown:?}, and not {own:?}")
                });
            });
        }
        assert!(looked > 50, "{looked} customers");
        wrong.must_be_nothing();
    }
}
