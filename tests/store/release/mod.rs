//! What earlier releases have written: each directory under `tests/golden/data-*` was made by that release, all six systems
//! under load, and killed (`tests/store/make_release_data.py`). This server opens it and everything that was acknowledged still
//! holds: what was answered is answered again, what was kept is kept, what was held is held, what waited goes on.
//!
//! Kept answers live for a day by the machine's clock, so the server is run at the time of the kill: with libfaketime
//! (Debian's package `faketime`), which nothing in the server needs to know of.
mod items;
mod left;
mod owners;
mod timers;

use left::{Left, Opened, SETTLED, fits, in_parallel};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};
use support::{Answer, within};

const SYSTEMS: [&str; 6] = ["bookrent", "purifier", "ebook", "movie", "ticketing", "gbike"];

/// What is wrong; all of it, so that one thing does not hide another.
#[derive(Default)]
struct Wrong(Mutex<Vec<String>>);

impl Wrong {
    fn unless(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.0.lock().unwrap().push(what().chars().take(1000).collect());
        }
    }
    #[track_caller]
    fn must_be_nothing(self) {
        let wrong = self.0.into_inner().unwrap();
        let first: Vec<_> = wrong.iter().take(8).collect();
        assert!(wrong.is_empty(), "{} are wrong, such as {first:#?}", wrong.len());
    }
}

#[test]
fn events_and_representations_are_the_same_after_the_upgrade() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        for (source, told) in left.record["events"].as_object().unwrap() {
            let context = source.trim_start_matches('/').replace('/', ".");
            let events = server.events(&context);
            for (place, was) in told.as_array().unwrap().iter().enumerate() {
                let now = events.get(place).cloned().unwrap_or_default();
                let fields = ["id", "type", "subject", "time", "correlationid", "data"];
                let same = fields
                    .iter()
                    .zip(was.as_array().unwrap())
                    .all(|(field, was)| fits(was, &now[*field]));
                wrong.unless(same, || format!("{context}: it told {was}, and now {now}"));
            }
        }
        in_parallel(left.list("things"), |thing| {
            let path = thing["path"].as_str().unwrap();
            let now = server.get(path);
            let same = now.status == 200
                && fits(&thing["body"], &now.body)
                && thing["etag"] == now.header("etag");
            wrong.unless(same, || {
                format!(
                    "{path}: it showed {} {}, and now {}",
                    thing["etag"], thing["body"], now.text
                )
            });
        });
        for (list, total) in left.record["totals"].as_object().unwrap() {
            // Orders of later customers change how many are in a state; but a filter finds what is in it.
            let now = server.get(list);
            if now.status != 200 {
                wrong.unless(false, || format!("{list}: {}", now.text));
                continue;
            }
            let total = match list.split_once("?status=") {
                Some((all, status)) => json!(count(Some(&server.all_of(all)), &[status])),
                None => total.clone(),
            };
            let now = &now["page"]["totalElements"];
            // Some came while the server was about to be killed.
            let same =
                if list.contains('?') { *now == total } else { now.as_u64() >= total.as_u64() };
            wrong.unless(same, || format!("{list} has {now}, and not {total}"));
        }
        wrong.must_be_nothing();
    }
}

/// The answer without what depends on the server's address.
fn said(answer: &Answer) -> Value {
    let mut said = answer.body.clone();
    said.as_object_mut().map(|fields| fields.remove("_links"));
    said
}

#[test]
fn a_request_repeated_with_its_key_gets_the_old_answer() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        in_parallel(left.list("acknowledged"), |wish| {
            let now = server.put(wish);
            let was = &wish["answer"];
            let same = match wish["status"].as_u64() {
                // The words around a refusal may change, the refusal does not.
                Some(400..) => was["code"] == now["code"] && was["detail"] == now["detail"],
                _ => *was == said(&now) && now.header("idempotent-replayed") == "true",
            };
            let same = same && wish["status"] == now.status;
            wrong.unless(same, || {
                format!("{} {}: it was {was}, and now {}", wish["method"], wish["path"], now.text)
            });
        });
        wrong.must_be_nothing();
    }
}

#[test]
fn no_key_that_an_order_holds_is_free_and_every_cancel_frees_its_key() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        let claims: Vec<_> = left.list("claims");
        let held = |claim: &Value| claim["state"] != "canceled";
        // What named one seat in two spellings is asked for by the first.
        let book = |claim: &Value| {
            let mut body = claim["body"].clone();
            let seats = body["seat"].as_str().unwrap_or_default().to_owned();
            let spellings: BTreeSet<_> =
                seats.split(',').map(|seat| seat.trim().to_lowercase()).collect();
            if spellings.len() < seats.split(',').count() {
                server.post("/movie/books", body.clone()).refuses(422, "wrong-seats");
                body["seat"] = json!(seats.split(',').next());
                body["qty"] = json!(1);
            }
            server.post("/movie/books", body)
        };
        for claim in &claims {
            let path = format!("/movie/books/{}", claim["id"]);
            let status = if held(claim) { "P" } else { "Canceled" };
            let shown = server.get(&path);
            wrong.unless(
                shown["status"].as_str().is_some_and(|now| now.starts_with(status)),
                || shown.text.clone(),
            );
            if held(claim) {
                let other = book(claim);
                wrong.unless(other.status == 409 && other["code"] == "seat-taken", || {
                    format!("{} is held by {path}: {}", claim["body"], other.text)
                });
            }
        }
        // A seat that was given up before is free, and may be given up again.
        for claim in claims.iter().filter(|claim| !held(claim)) {
            let again = book(claim);
            let body = &claim["body"];
            wrong.unless(again.status == 201, || format!("{body} was canceled: {}", again.text));
            if again.status == 201 {
                server.cancels(&format!("/movie/books/{}", again.id()));
            }
        }
        // Some of these are one seat to a later release; so each is free once all are given up.
        for claim in claims.iter().filter(|claim| claim["state"] == "held") {
            server.cancels(&format!("/movie/books/{}", claim["id"]));
        }
        for claim in claims.iter().filter(|claim| claim["state"] == "held") {
            let again = book(claim);
            let body = &claim["body"];
            wrong.unless(again.status == 201, || format!("{body} was canceled: {}", again.text));
            if again.status == 201 {
                server.cancels(&format!("/movie/books/{}", again.id()));
            }
        }
        for claim in claims.iter().filter(|claim| claim["state"] == "printed") {
            server.delete(&format!("/movie/books/{}", claim["id"])).refuses(409, "ticket-printed");
        }
        wrong.must_be_nothing();
    }
}

/// The things of a list by a field of theirs.
fn by(things: &[Value], field: &str) -> BTreeMap<String, Vec<Value>> {
    let mut by = BTreeMap::<_, Vec<_>>::new();
    for thing in things {
        by.entry(thing[field].to_string()).or_default().push(thing.clone());
    }
    by
}

/// How many of these are in one of these states.
fn count(things: Option<&Vec<Value>>, states: &[&str]) -> usize {
    let is = |thing: &&Value| states.iter().any(|state| thing["status"] == *state);
    things.map_or(0, |things| things.iter().filter(is).count())
}

/// Each thing that may be held is held by as many orders as it shows.
fn holders(
    client: &Opened,
    wrong: &Wrong,
    things: &str,
    (orders, field): (&str, &str),
    held: &[Value],
    holding: &[&str],
) {
    let by = by(&client.all_of(orders), field);
    for thing in client.all_of(things) {
        let holders = count(by.get(&thing["id"].to_string()), holding);
        wrong.unless(holders == usize::from(held.contains(&thing["status"])), || {
            format!("{holders} of {orders} hold {things} {thing}")
        });
    }
}

/// What follows an order is as its state wants it: for each of its states, those of the other thing; none of it is `-`.
fn follows(client: &Opened, wrong: &Wrong, orders: &str, other: &str, pairs: &[(&str, &[&str])]) {
    let others = by(&client.all_of(other), "id");
    for order in client.all_of(orders) {
        let state = others
            .get(&order["id"].to_string())
            .and_then(|found| found[0]["status"].as_str())
            .unwrap_or("-");
        let wanted = pairs
            .iter()
            .find(|(of, _)| order["status"] == *of)
            .map_or(&[][..], |(_, wanted)| wanted);
        wrong.unless(wanted.contains(&state), || {
            format!("{order}: {other} is {state}, not one of {wanted:?}")
        });
    }
}

#[test]
fn every_order_that_was_begun_is_settled_and_nothing_is_half_done() {
    for left in Left::all() {
        let mut server = left.open();
        // And once more, in the middle of catching up.
        server.kill();
        server.restart();
        let wrong = Wrong::default();
        in_parallel(left.list("cutOff"), |wish| {
            let answer = within(SETTLED, "a request that was cut off is settled", || {
                Some(server.put(wish)).filter(|answer| !matches!(answer.status, 202 | 500..))
            });
            wrong.unless(matches!(answer.status, 200 | 201 | 204 | 404 | 409), || {
                answer.text.clone()
            });
        });
        server.is_quiet(&SYSTEMS);
        let client = &server;
        let free = [json!(false)];
        holders(client, &wrong, "/bookrent/books", ("/bookrent/rents", "bookId"), &free, &["Rent"]);
        let delivered: &[(&str, &[&str])] = &[
            ("Rent", &["Delivery Started"]),
            ("Cancel", &["Delivery Cancelled", "-"]),
            ("Fail", &["-"]),
        ];
        follows(client, &wrong, "/bookrent/rents", "/bookrent/deliveries", delivered);

        let out = by(&client.all_of("/purifier/deliveries"), "productId");
        for product in
            client.all_of("/purifier/products").iter().filter(|product| product["amt"] == 30000)
        {
            let delivered = count(out.get(&product["id"].to_string()), &["DeliveryStarted"]) as u64;
            wrong.unless(product["stock"].as_u64() == Some(3 - delivered), || {
                format!("{delivered} of {product} are out")
            });
        }
        let paid: &[(&str, &[&str])] =
            &[("RentalPlaced", &["PAYMENT COMPLETED"]), ("RentalCanceled", &["PAYMENT CANCELED"])];
        follows(client, &wrong, "/purifier/rentals", "/purifier/payments", paid);

        let held = ["PAID", "APPROVED"].map(Value::from);
        holders(
            client,
            &wrong,
            "/ebook/books",
            ("/ebook/rents", "bookId"),
            &held,
            &["RENTED", "APPROVED"],
        );
        let kept: &[&str] = &["PAID"];
        let paid =
            [("RENTED", kept), ("APPROVED", kept), ("RETURNED", kept), ("CANCELED", &["REFUNDED"])];
        follows(client, &wrong, "/ebook/rents", "/ebook/payments", &paid);

        let paid: &[(&str, &[&str])] = &[
            ("PaidComplete", &["Paid"]),
            ("PrintComplete", &["Paid"]),
            ("Canceled", &["Canceled"]),
        ];
        follows(client, &wrong, "/movie/books", "/movie/payments", paid);
        let printed: &[(&str, &[&str])] = &[
            ("PaidComplete", &["Waiting"]),
            ("PrintComplete", &["Printed"]),
            ("Canceled", &["Canceled"]),
        ];
        follows(client, &wrong, "/movie/books", "/movie/tickets", printed);

        let reserved = [Value::from("예약됨")];
        holders(
            client,
            &wrong,
            "/ticketing/tickets",
            ("/ticketing/reservations", "ticketId"),
            &reserved,
            &["RESERVED"],
        );
        let used = [Value::from("사용중")];
        holders(client, &wrong, "/gbike/bikes", ("/gbike/rents", "bikeid"), &used, &["RENTED"]);
        for (view, orders) in [
            ("/bookrent/views", "/bookrent/rents"),
            ("/purifier/mypages", "/purifier/rentals"),
            ("/ebook/dashboards", "/ebook/rents"),
            ("/movie/mypages", "/movie/books"),
            ("/gbike/rentAndBillingViews", "/gbike/rents"),
        ] {
            let totals = [view, orders].map(|list| client.total(list.trim_start_matches('/')));
            wrong.unless(totals[0] == totals[1], || format!("{view} and {orders}: {totals:?}"));
        }
        wrong.must_be_nothing();
    }
}
