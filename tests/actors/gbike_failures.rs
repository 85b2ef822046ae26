//! gbike, with every step failing in turn.

use super::{
    bench::{Bench, eventually},
    step_failures::{CLOCK, Saga, fail_every_step},
};
use holdfast::{
    actors::{CommandRequest, LocalNode, Node, NodeBuilder, NodeSettings},
    store::{MemoryStore, Store},
    systems,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use support::gbike::Seen;

/// More than any number that an order here has.
const CUSTOMER: u64 = 17;
const OTHER: u64 = 18;

fn gbike(board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out("gbike", board));
}

fn is_consistent(bench: &Bench) -> Result<(), String> {
    is_right(bench, 2100)
}

fn is_right(bench: &Bench, paid_in: u64) -> Result<(), String> {
    let all = |context: &str| -> BTreeMap<u64, Value> { bench.all(context).into_iter().collect() };
    let seen = Seen {
        bikes: all("gbike.bike"),
        rents: all("gbike.rent"),
        bills: all("gbike.billing"),
        accounts: all("gbike.userDeposit"),
        rows: all("gbike.view"),
    };
    seen.is_right(&BTreeMap::from([(CUSTOMER, paid_in)]))?;
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
async fn after_any_failing_step_of_gbike_the_data_is_consistent() {
    let post =
        |context, body: Value| (context, CommandRequest { body, ..CommandRequest::default() });
    let bike =
        |number: u64| post("gbike.bike", json!({ "bikeid": number, "location": "somewhere" }));
    let top_up =
        |won: u64| post("gbike.userDeposit", json!({ "userid": CUSTOMER, "deposit": won }));
    let rent = |bike: u64, user: u64| post("gbike.rent", json!({ "bikeid": bike, "userid": user }));
    let bring_back = |number: u64| {
        let body = json!({ "endlocation": format!("zone {number}") });
        (
            "gbike.rent",
            CommandRequest { route: 1, number: Some(number), body, ..CommandRequest::default() },
        )
    };
    let orders = vec![
        top_up(500),
        bike(11),
        bike(12),
        rent(11, CUSTOMER),
        rent(11, OTHER),
        rent(12, CUSTOMER),
        (CLOCK, CommandRequest { number: Some(10), ..CommandRequest::default() }),
        // Neither ride is covered; both are, later.
        bring_back(1),
        bring_back(3),
        rent(11, CUSTOMER),
        top_up(1600),
        rent(12, CUSTOMER),
    ];
    fail_every_step(Saga::of("gbike", orders, is_consistent)).await;
}

/// So many that most of the bills are in the chain.
const RIDES: u64 = 12;

#[actix_rt::test]
async fn a_chain_of_bills_is_paid_to_its_end_however_often_the_process_ends_meanwhile() {
    let mut bench = Bench::of(MemoryStore::new(), NodeSettings::default(), gbike).ready().await;
    for bike in 1..=RIDES {
        bench
            .enter("gbike.bike", 0, None, json!({ "bikeid": bike, "location": "somewhere" }))
            .await
            .unwrap();
        bench
            .enter("gbike.rent", 0, None, json!({ "bikeid": bike, "userid": CUSTOMER }))
            .await
            .unwrap();
    }
    bench.becomes_consistent(|_| Ok(())).await;
    bench.node.advance_clock(Duration::from_secs(600)).unwrap();
    for rent in 1..=RIDES {
        let end = json!({ "endlocation": format!("zone {rent}") });
        bench.enter("gbike.rent", 1, Some(rent), end).await.unwrap();
    }
    bench.becomes_consistent(|bench| is_right(bench, 0)).await;

    let commit = |bench: &Bench| bench.store.health().accepted_commit;
    let paid_in = RIDES * 1000;
    let before = commit(&bench);
    bench.store.crash_after(before + 1, before + 2);
    let pay = CommandRequest {
        body: json!({ "userid": CUSTOMER, "deposit": paid_in }),
        ..CommandRequest::default()
    };
    let paying = actix_rt::spawn(bench.send("gbike.userDeposit", pay));
    eventually(|| commit(&bench) > before).await;
    let mut crashes = 0;
    let is_paid = |bench: &Bench| {
        bench.see("gbike.billing", RIDES).is_some_and(|bill| bill["status"] == "CLOSEBILL")
    };
    while !is_paid(&bench) {
        eventually(|| bench.store.failure().is_some() || is_paid(&bench)).await;
        let mut store = bench.store;
        let node = loop {
            store = store.crash();
            crashes += 1;
            // The next one comes as far as two commits, and a third one is lost.
            let reached = store.health().accepted_commit;
            store.crash_after(reached + 2, reached + 3);
            // It may end before all of it has started.
            if let Ok(node) =
                LocalNode::start(Arc::new(store.clone()), NodeSettings::default(), gbike)
            {
                break node;
            }
        };
        bench = Bench { node, store };
    }
    drop(paying);
    assert!(crashes >= RIDES - 4, "{crashes}");
    bench = bench.crashed(NodeSettings::default(), gbike).await;
    bench.becomes_consistent(|bench| is_right(bench, paid_in)).await;
    let account = bench.see("gbike.userDeposit", CUSTOMER).unwrap();
    assert_eq!(
        (&account["deposit"], &account["arrears"], &account["billid"]),
        (&json!(0), &json!(0), &json!(RIDES))
    );
    bench.enter("gbike.rent", 0, None, json!({ "bikeid": 1, "userid": CUSTOMER })).await.unwrap();
}
