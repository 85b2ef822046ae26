//! gbike, with every step going wrong.

use super::{
    bench::Bench,
    steps::{CLOCK, Saga, every_step_goes_wrong},
};
use holdfast::{
    actors::{Layout, Order},
    systems,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[path = "../gbike/right.rs"]
mod right;
use right::Seen;

/// More than any number that an order here has.
const MOST: u64 = 20;
const CUSTOMER: u64 = 17;
const OTHER: u64 = 18;

fn gbike(board: &mut Layout<'_>) {
    assert!(systems::lay_out("gbike", board));
}

fn the_world_is_right(bench: &Bench) -> Result<(), String> {
    let all = |context: &str| -> BTreeMap<u64, Value> {
        (1..=MOST).filter_map(|number| Some((number, bench.see(context, number)?))).collect()
    };
    let seen = Seen {
        bikes: all("gbike.bike"),
        rents: all("gbike.rent"),
        bills: all("gbike.billing"),
        accounts: all("gbike.userDeposit"),
        rows: all("gbike.view"),
    };
    seen.is_right(&BTreeMap::from([(CUSTOMER, 2100)]))?;
    for (context, count) in [
        ("bike", seen.bikes.len()),
        ("rent", seen.rents.len()),
        ("billing", seen.bills.len()),
        ("userDeposit", seen.accounts.len()),
        ("view", seen.rows.len()),
    ] {
        let total = bench.total(&format!("gbike.{context}"), &[]);
        if total != count as u64 {
            return Err(format!("{context}: {count} are shown, {total} are listed"));
        }
    }
    Ok(())
}

#[actix_rt::test]
async fn whatever_goes_wrong_at_whichever_step_of_gbike_the_world_is_right_afterwards() {
    let post = |context, body: Value| (context, Order { body, ..Order::default() });
    let bike = |number: u64| post("gbike.bike", json!({ "bikeid": number, "location": "somewhere" }));
    let top_up = |won: u64| post("gbike.userDeposit", json!({ "userid": CUSTOMER, "deposit": won }));
    let rent = |bike: u64, user: u64| post("gbike.rent", json!({ "bikeid": bike, "userid": user }));
    let bring_back = |number: u64| {
        let body = json!({ "endlocation": format!("zone {number}") });
        ("gbike.rent", Order { door: 1, number: Some(number), body, ..Order::default() })
    };
    let orders = vec![
        top_up(500),
        bike(11),
        bike(12),
        rent(11, CUSTOMER),
        rent(11, OTHER),
        rent(12, CUSTOMER),
        (CLOCK, Order { number: Some(10), ..Order::default() }),
        // Neither ride is covered; both are, later.
        bring_back(1),
        bring_back(3),
        rent(11, CUSTOMER),
        top_up(1600),
        rent(12, CUSTOMER),
    ];
    every_step_goes_wrong(Saga { lay_out: gbike, orders, right: the_world_is_right }).await;
}
