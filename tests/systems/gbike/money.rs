//! What rides cost, and how they are paid for.

use super::station::{
    BILLING, DEPOSIT, ZONE_1, ZONE_3, account, bring_back, happened, pass, patient, register, rent,
    ride, start, top_up,
};
use serde_json::json;
use support::Server;

/// A ride of a whole minute, whose end has reached the account.
fn ride_a_minute(server: &Server, bike: u64, user: u64) -> u64 {
    let number = ride(server, bike, user);
    pass(server, 1);
    bring_back(server, number, ZONE_3).is(200);
    server.shows(&format!("/bikes/{bike}"), json!({"status": "사용가능"}));
    number
}

fn bill(server: &Server, number: u64, status: &str) {
    server.shows(&format!("/billings/{number}"), json!({ "status": status }));
}

#[test]
fn a_customer_in_arrears_cannot_rent_until_a_top_up_covers_what_is_owed() {
    // Dearer than any minute that a slow machine adds.
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    register(&server, 501);
    top_up(&server, 71, 900).has("deposit", 900).has("arrears", 0);
    let number = ride_a_minute(&server, 501, 71);
    bill(&server, number, "APPLYFEE");
    let fee = server.get("/billings/1").is(200)["fee"].as_u64().unwrap();
    server.shows("/userDeposits/71", json!({"deposit": 900, "arrears": fee, "billid": null}));

    rent(&server, 501, 71).refuses(409, "in-arrears");
    server.get("/bikes/501").is(200).has("status", "사용가능");
    server.get("/rents/2").refuses(404, "not-found");
    // Only the customer owes.
    let other = ride(&server, 501, 72);
    bring_back(&server, other, ZONE_1).is(200);
    server.shows("/bikes/501", json!({"status": "사용가능"}));

    top_up(&server, 71, fee - 901).has("deposit", fee - 1).has("arrears", fee);
    bill(&server, number, "APPLYFEE");
    rent(&server, 501, 71).refuses(409, "in-arrears");
    top_up(&server, 71, 3).has("deposit", 2).has("arrears", 0).has("billid", number);
    bill(&server, number, "CLOSEBILL");
    let row = json!({"billingStatus": "CLOSEBILL", "fee": fee, "deposit": 2});
    server.shows(&format!("/rentAndBillingViews/{number}"), row);
    ride(&server, 501, 71);
}

#[test]
fn a_top_up_never_closes_a_bill_that_it_did_not_pay() {
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    [501, 502, 503].iter().for_each(|bike| register(&server, *bike));
    top_up(&server, 71, 1_000_000);
    let paid = ride_a_minute(&server, 501, 71);
    bill(&server, paid, "CLOSEBILL");
    // The account's last bill is paid, and another one is open.
    let riding = ride(&server, 502, 71);
    bill(&server, riding, "OPENBILL");
    top_up(&server, 71, 5).has("billid", paid);
    // One that was opened only by its first bill, and owes it.
    let owed = ride_a_minute(&server, 503, 72);
    bill(&server, owed, "APPLYFEE");
    server.shows("/userDeposits/72", json!({"deposit": 0, "billid": null}));
    top_up(&server, 72, 5).has("deposit", 5).has("billid", json!(null));
    // By now the top-ups have arrived: this one comes after them.
    let last = ride_a_minute(&server, 501, 71);
    bill(&server, last, "CLOSEBILL");
    bill(&server, riding, "OPENBILL");
    bill(&server, owed, "APPLYFEE");
    assert_eq!(happened(&server, paid, BILLING, "ClosedBill"), 1);
}

#[test]
fn fees_are_settled_whole_and_oldest_first_and_a_new_one_waits_for_an_older_one() {
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    [501, 502, 503].iter().for_each(|bike| register(&server, *bike));
    // Three rides begin while nothing is owed; they end one after the other.
    let rents = [501, 502, 503].map(|bike| ride(&server, bike, 71));
    top_up(&server, 71, 900);
    pass(&server, 3);
    let mut fees = Vec::new();
    for (place, number) in rents.iter().enumerate() {
        // The last one would be covered by what is there then, but it is the last one.
        if place == 2 {
            top_up(&server, 71, 800);
        }
        bring_back(&server, *number, ZONE_3).is(200);
        bill(&server, *number, "APPLYFEE");
        fees.push(server.get(&format!("/billings/{number}")).is(200)["fee"].as_u64().unwrap());
        server.shows("/userDeposits/71", json!({"arrears": fees.iter().sum::<u64>()}));
    }
    assert_eq!(account(&server, 71), (1700, fees.iter().sum()));
    // One short of the first two.
    let rest = fees[1] - 1;
    let account = top_up(&server, 71, fees[0] + rest - 1700);
    account.has("deposit", rest).has("arrears", fees[1] + fees[2]).has("billid", rents[0]);
    bill(&server, rents[0], "CLOSEBILL");
    server.shows("/rentAndBillingViews/1", json!({"deposit": rest}));
    let account = top_up(&server, 71, 1 + fees[2] + 7);
    account.has("deposit", 7).has("arrears", 0).has("billid", rents[2]);
    rents.iter().for_each(|number| bill(&server, *number, "CLOSEBILL"));
}

#[test]
fn only_whole_minutes_are_charged_and_a_ride_that_costs_nothing_is_closed_all_the_same() {
    // However slow the machine, a ride of no time costs nothing.
    let server = patient("[systems.gbike]\nfee_per_minute = 0");
    register(&server, 501);
    top_up(&server, 71, 0).has("deposit", 0);
    for user in [71, 72] {
        let number = ride_a_minute(&server, 501, user);
        server.shows(&format!("/billings/{number}"), json!({"status": "CLOSEBILL", "fee": 0}));
        server.shows(
            &format!("/userDeposits/{user}"),
            json!({"deposit": 0, "arrears": 0, "billid": number}),
        );
    }
    let server = patient("[systems.gbike]\nfee_per_minute = 7");
    register(&server, 501);
    top_up(&server, 71, 1_000_000);
    let number = ride(&server, 501, 71);
    pass(&server, 90);
    bring_back(&server, number, ZONE_3).is(200);
    let bill = server.shows("/billings/1", json!({"status": "CLOSEBILL"}));
    let time = |field: &str| bill[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let minutes = time("endtime").duration_since(time("starttime")).as_mins();
    assert!(minutes >= 90);
    assert_eq!(bill["fee"], minutes * 7);
}

#[test]
fn a_bill_of_a_user_without_an_account_opens_an_empty_one() {
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    register(&server, 501);
    server.get("/userDeposits/71").refuses(404, "not-found");
    let number = ride_a_minute(&server, 501, 71);
    bill(&server, number, "APPLYFEE");
    let fee = &server.get("/billings/1").is(200)["fee"];
    server.shows("/userDeposits/71", json!({"deposit": 0, "arrears": fee, "billid": null}));
    assert_eq!(happened(&server, number, DEPOSIT, "UpdatedDeposit"), 0);
    rent(&server, 501, 71).refuses(409, "in-arrears");
}

#[test]
fn a_deposit_names_an_amount_and_a_user() {
    let server = start();
    for body in [
        json!({"userid": 71, "deposit": -1}),
        json!({"userid": 71, "deposit": 1.5}),
        json!({"userid": 71}),
        json!({"deposit": 100}),
        json!({"userid": 0, "deposit": 100}),
        json!({"userid": "kim", "deposit": 100}),
    ] {
        server.post("/userDeposits", body).problem(400);
    }
    let more = json!({"userid": 71, "deposit": 100, "arrears": 5, "billid": 9, "id": 3});
    server
        .post("/userDeposits", more)
        .is(201)
        .has("id", 71)
        .has("arrears", 0)
        .has("billid", json!(null));
    let most = (1_u64 << 53) - 1;
    let beyond = json!({"userid": 71, "deposit": most + 1});
    server.post("/userDeposits", beyond).refuses(422, "out-of-range");
    let together = json!({"userid": 71, "deposit": most});
    server.post("/userDeposits", together).refuses(422, "deposit-too-large");
    assert_eq!(account(&server, 71), (100, 0));
    // Under a key the same money comes in once.
    for _ in 0..3 {
        let again = server
            .try_post_once("/userDeposits", "key", &json!({"userid": 71, "deposit": 50}))
            .unwrap();
        again.is(201).has("deposit", 150);
    }
    top_up(&server, 71, 50).has("deposit", 200);
}
