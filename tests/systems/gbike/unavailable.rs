//! Each context unavailable in turn, slow, or killed in the middle.

use super::station::{
    BIKE, BILLING, DEPOSIT, RENT, VIEW, ZONE_1, ZONE_3, account, bring_back, free_of_charge,
    happened, pass, patient, register, rent, ride, top_up,
};
use serde_json::{Value, json};
use std::thread;
use support::{Answer, Server, eventually};

#[test]
fn returns_work_while_billing_and_deposit_are_away_and_everything_is_charged_once_when_they_are_back()
 {
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    [501, 502].iter().for_each(|bike| register(&server, *bike));
    top_up(&server, 71, 1_000_000);
    let first = ride(&server, 501, 71);
    let second = ride(&server, 502, 72);
    pass(&server, 10);
    [BILLING, DEPOSIT, VIEW].iter().for_each(|context| server.stop(context));
    for number in [first, second] {
        bring_back(&server, number, ZONE_3).is(200).has("status", "RETURNED");
        bring_back(&server, number, ZONE_3).is(200);
    }
    [501, 502].iter().for_each(|bike| {
        server.shows(&format!("/bikes/{bike}"), json!({"status": "사용가능", "location": ZONE_3}));
    });
    server.get("/billings/1").problem(503);
    server.post("/userDeposits", json!({"userid": 71, "deposit": 5})).problem(503);

    server.start_again(BILLING);
    let bill = server.shows("/billings/1", json!({"status": "APPLYFEE"}));
    server.get("/userDeposits/71").problem(503);
    [DEPOSIT, VIEW].iter().for_each(|context| server.start_again(context));
    server.shows("/billings/1", json!({"status": "CLOSEBILL"}));
    let left = 1_000_000 - bill["fee"].as_u64().unwrap();
    assert_eq!(account(&server, 71), (left, 0));
    server.shows(
        "/rentAndBillingViews/1",
        json!({"billingStatus": "CLOSEBILL", "deposit": left, "fee": bill["fee"]}),
    );
    server.shows(
        "/rentAndBillingViews/2",
        json!({"rentStatus": "RETURNED", "billingStatus": "APPLYFEE", "deposit": null}),
    );
    let owed = server.get("/billings/2").is(200).has("status", "APPLYFEE");
    server.shows("/userDeposits/72", json!({"deposit": 0, "arrears": owed["fee"]}));
    for (context, what) in
        [(RENT, "Returned"), (BILLING, "CalculatedFee"), (DEPOSIT, "UpdatedDeposit")]
    {
        assert_eq!(happened(&server, first, context, what), 1, "{what}");
    }
    assert_eq!(happened(&server, second, DEPOSIT, "FeeDeferred"), 1);
}

#[test]
fn with_the_bike_or_the_deposit_away_nothing_is_established_and_no_bike_is_held() {
    let server = free_of_charge();
    register(&server, 501);
    let korean = |key: &str| {
        server.call("POST", "/rents", |request| {
            let request = request.header("Accept-Language", "ko").header("Idempotency-Key", key);
            request.json(&json!({"userid": 71, "bikeid": 501}))
        })
    };
    for (away, number, next) in [(BIKE, 1, 2), (DEPOSIT, 3, 4)] {
        server.stop(away);
        let refused = korean(away);
        refused.refuses(503, "retry-later");
        assert!(refused["detail"].as_str().unwrap().contains("다시"), "{}", refused.text);
        assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
        server.get(&format!("/rents/{number}")).refuses(404, "not-found");
        if away == DEPOSIT {
            server.get("/bikes/501").is(200).has("status", "사용가능");
        }
        server.start_again(away);
        server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_1}));
        // The same key is a new request, for nothing was kept under it.
        korean(away).is(201).has("id", next).has("status", "RENTED");
        assert_eq!(
            (
                happened(&server, number, BIKE, "UpdatedBike"),
                happened(&server, number, RENT, "Rented")
            ),
            (0, 0)
        );
        bring_back(&server, next, ZONE_1).is(200);
        server.shows("/bikes/501", json!({"status": "사용가능"}));
        server.shows(&format!("/billings/{next}"), json!({"fee": 0}));
    }
    eventually("the rows are there", || (server.total("rentAndBillingViews") == 2).then_some(()));
    assert_eq!((server.total("rents"), server.total("billings")), (2, 2));
    [1, 3]
        .iter()
        .for_each(|number| server.get(&format!("/billings/{number}")).refuses(404, "not-found"));
}

#[test]
fn rents_go_on_while_billing_is_away_and_their_bills_open_when_it_is_back() {
    let server = free_of_charge();
    [501, 502].iter().for_each(|bike| register(&server, *bike));
    server.stop(BILLING);
    let first = ride(&server, 501, 71);
    let second = ride(&server, 502, 72);
    let row = json!({"rentStatus": "RENTED", "billid": null, "billingStatus": null, "fee": null});
    server.shows("/rentAndBillingViews/2", row);
    bring_back(&server, first, ZONE_3).is(200);
    server.start_again(BILLING);
    server.shows(
        &format!("/rentAndBillingViews/{first}"),
        json!({"billid": first, "rentStatus": "RETURNED"}),
    );
    server.shows(
        &format!("/rentAndBillingViews/{second}"),
        json!({"billid": second, "billingStatus": "OPENBILL"}),
    );
}

#[test]
fn a_ride_ends_while_its_bike_is_unavailable_and_the_bike_learns_of_it_later() {
    let server = free_of_charge();
    register(&server, 501);
    let number = ride(&server, 501, 71);
    server.stop(BIKE);
    bring_back(&server, number, ZONE_3).is(200).has("status", "RETURNED");
    server.shows("/billings/1", json!({"fee": 0, "status": "CLOSEBILL"}));
    server.start_again(BIKE);
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
    ride(&server, 501, 72);
}

#[test]
fn bikes_bills_and_accounts_work_while_rents_are_away() {
    let server = free_of_charge();
    register(&server, 501);
    ride(&server, 501, 71);
    server.shows("/rentAndBillingViews/1", json!({"billingStatus": "OPENBILL"}));
    server.stop(RENT);
    rent(&server, 501, 72).problem(503);
    bring_back(&server, 1, ZONE_3).problem(503);
    register(&server, 502);
    top_up(&server, 71, 500).has("deposit", 500);
    server.get("/billings/1").is(200).has("status", "OPENBILL");
    server.get("/rentAndBillingViews/1").is(200).has("rentStatus", "RENTED");
    server.start_again(RENT);
    bring_back(&server, 1, ZONE_3).is(200);
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
}

#[test]
fn the_view_answers_while_all_others_are_away_and_catches_up_or_is_rebuilt() {
    let server = free_of_charge();
    register(&server, 501);
    server.stop(VIEW);
    let number = ride(&server, 501, 71);
    bring_back(&server, number, ZONE_3).is(200);
    server.shows("/billings/1", json!({"status": "CLOSEBILL"}));
    server.get("/rentAndBillingViews/1").problem(503);
    server.start_again(VIEW);
    let whole = json!({"rentStatus": "RETURNED", "billingStatus": "CLOSEBILL", "endlocation": ZONE_3, "deposit": 0});
    let row = server.shows("/rentAndBillingViews/1", whole.clone());
    [BIKE, RENT, BILLING, DEPOSIT].iter().for_each(|context| server.stop(context));
    assert_eq!(server.get("/rentAndBillingViews/1").is(200).body, row.body);
    assert_eq!(server.total("rentAndBillingViews"), 1);
    [BIKE, RENT, BILLING, DEPOSIT].iter().for_each(|context| server.start_again(context));
    server.post("/admin/views/gbike.view/rebuild", json!({}));
    assert_eq!(server.shows("/rentAndBillingViews/1", whole).body, row.body);
}

#[test]
fn no_bike_is_held_for_nothing_when_answers_come_about_the_timeout() {
    const RENTS: u64 = 30;
    // The breakers are kept out of it, so that every rent is asked for.
    let guards = [BIKE, DEPOSIT]
        .map(|context| format!("[guard.\"{context}\"]\nbreaker_minimum = 100000\n"))
        .concat();
    let server = Server::of("gbike", &guards, &[]);
    (1..=RENTS).for_each(|n| register(&server, 500 + n));
    server.delay(BIKE, 1000, 1400);
    let rented: Vec<u64> = thread::scope(|scope| {
        let client = &server;
        let rents: Vec<_> = (1..=RENTS)
            .map(|n| (500 + n, scope.spawn(move || rent(&client.apart(), 500 + n, n))))
            .collect();
        let answers = rents.into_iter().map(|(bike, rent)| (bike, rent.join().unwrap()));
        let mut rented = Vec::new();
        for (bike, answer) in answers {
            match answer.status {
                201 => rented.push(bike),
                _ => answer.refuses(503, "retry-later"),
            }
        }
        rented
    });
    server.heal(BIKE);
    eprintln!("{} of {RENTS} were answered in time", rented.len());
    for bike in 501..=500 + RENTS {
        let status = if rented.contains(&bike) { "사용중" } else { "사용가능" };
        server.shows(&format!("/bikes/{bike}"), json!({"status": status, "location": ZONE_1}));
    }
    assert_eq!(server.total("rents"), rented.len() as u64);
    // Whatever was still on its way takes no bike any more.
    for bike in (501..=500 + RENTS).filter(|bike| !rented.contains(bike)) {
        ride(&server, bike, 99);
    }
}

#[test]
fn a_bike_that_is_slower_than_the_timeout_is_free_again_in_the_end() {
    let guards = format!(
        "[guard.\"{BIKE}\"]\ntimeout_ms = 2000\n[guard.\"{DEPOSIT}\"]\ntimeout_ms = 20000\n"
    );
    let server = Server::of("gbike", &guards, &[]);
    register(&server, 501);
    server.delay(BIKE, 6000, 6000);
    rent(&server, 501, 71).refuses(503, "retry-later");
    server.heal(BIKE);
    // The delay holds back the answer, not the bike.
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_1}));
    ride(&server, 501, 72);
    assert_eq!(
        (happened(&server, 1, BIKE, "UpdatedBike"), happened(&server, 1, BIKE, "BikeFreed")),
        (1, 1)
    );
    assert_eq!(happened(&server, 1, RENT, "Rented"), 0);
    server.get("/rents/1").refuses(404, "not-found");
}

#[test]
fn with_the_breaker_of_the_bike_open_a_rent_is_turned_away_before_it_begins() {
    let guards = format!("[guard.\"{BIKE}\"]\nbreaker_minimum = 1\nbreaker_open_ms = 600000\n");
    let server = Server::of("gbike", &guards, &[]);
    register(&server, 501);
    server.stop(BIKE);
    let unanswered = rent(&server, 501, 71);
    unanswered.refuses(503, "retry-later");
    let rest = |answer: &Answer| answer.header("retry-after").parse::<u64>().unwrap();
    assert!(
        (300..=600).contains(&rest(&unanswered)),
        "the client that opened it gets it as well: {:?}",
        unanswered.headers
    );
    server.start_again(BIKE);
    let events = server.get("/events/gbike.rent").is(200);
    for n in 1..=20 {
        let key = format!("key {n}");
        let refused =
            server.try_post_once("/rents", &key, &json!({"userid": 71, "bikeid": 501})).unwrap();
        refused.refuses(503, "retry-later");
        assert!((300..=600).contains(&rest(&refused)), "{:?}", refused.headers);
    }
    assert_eq!(server.get("/events/gbike.rent").is(200).body, events.body, "nothing was recorded");
    server.get("/rents/2").refuses(404, "not-found");
    // What asks no other context goes on.
    top_up(&server, 71, 500).has("deposit", 500);
}

#[test]
fn a_chain_of_bills_that_was_being_paid_when_the_process_was_killed_is_paid_to_its_end() {
    const RIDES: u64 = 24;
    let mut server = patient("[systems.gbike]\nfee_per_minute = 1000");
    let numbers: Vec<u64> = (1..=RIDES)
        .map(|n| {
            register(&server, 500 + n);
            ride(&server, 500 + n, 71)
        })
        .collect();
    pass(&server, 10);
    numbers.iter().for_each(|number| drop(bring_back(&server, *number, ZONE_3).is(200)));
    let fees =
        || numbers.iter().map(|n| server.get(&format!("/billings/{n}")).is(200)["fee"].as_u64());
    let owed = eventually("all fees are known", || fees().sum::<Option<u64>>());
    server.shows("/userDeposits/71", json!({"deposit": 0, "arrears": owed}));
    let told = top_up(&server, 71, owed);
    assert_eq!(
        told["deposit"], told["arrears"],
        "what is there covers what is still owed: {}",
        told.text
    );
    for _ in 0..3 {
        server.kill();
        server.restart();
    }
    server.shows("/userDeposits/71", json!({"deposit": 0, "arrears": 0}));
    for number in &numbers {
        server.shows(&format!("/billings/{number}"), json!({"status": "CLOSEBILL"}));
        assert_eq!(happened(&server, *number, DEPOSIT, "FeeDeferred"), 1);
    }
    ride(&server, 501, 71);
}

fn killed_while_asking(asked: &str, has_happened: fn(&Server) -> bool) {
    let mut server = free_of_charge();
    register(&server, 501);
    top_up(&server, 71, 5000);
    server.delay(asked, 15_000, 15_000);
    let client = (*server).clone();
    let order = json!({"userid": 71, "bikeid": 501});
    let body = order.clone();
    let asking = thread::spawn(move || client.try_post_once("/rents", "key", &body));
    server.shows("/rents/1", json!({"status": "Requested"}));
    eventually("the question has come as far as it should", || has_happened(&server).then_some(()));
    server.kill();
    assert!(asking.join().unwrap().is_err());
    server.restart();
    server.shows("/rents/1", json!({"status": "RENTED"}));
    server
        .try_post_once("/rents", "key", &order)
        .unwrap()
        .is(201)
        .has("id", 1)
        .has("status", "RENTED");
    server.get("/bikes/501").is(200).has("status", "사용중");
    server.shows("/billings/1", json!({"status": "OPENBILL"}));
    assert_eq!(
        (happened(&server, 1, RENT, "Rented"), happened(&server, 1, BIKE, "UpdatedBike")),
        (1, 1)
    );
    assert_eq!(server.total("rents"), 1);
    bring_back(&server, 1, ZONE_3).is(200);
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
}

#[test]
fn a_rent_that_asked_the_deposit_when_the_process_was_killed_is_settled_after_the_restart() {
    killed_while_asking(DEPOSIT, |server| happened(server, 1, RENT, "RentRequested") == 1);
}

#[test]
fn a_rent_that_asked_the_bike_when_the_process_was_killed_is_settled_after_the_restart() {
    killed_while_asking(BIKE, |server| {
        server.try_get("/bikes/501").is_ok_and(|bike| bike.body["status"] == "사용중")
    });
}

#[test]
fn a_ride_that_was_not_charged_when_the_process_was_killed_is_charged_once_after_the_restart() {
    let mut server = patient("[systems.gbike]\nfee_per_minute = 1000");
    register(&server, 501);
    top_up(&server, 71, 1_000_000);
    let number = ride(&server, 501, 71);
    pass(&server, 10);
    server.stop(DEPOSIT);
    bring_back(&server, number, ZONE_3).is(200);
    server.shows("/billings/1", json!({"status": "APPLYFEE"}));
    for _ in 0..2 {
        server.kill();
        server.restart();
        let bill = server.shows("/billings/1", json!({"status": "CLOSEBILL"}));
        let left: Value = (1_000_000 - bill["fee"].as_u64().unwrap()).into();
        server.shows(
            "/rentAndBillingViews/1",
            json!({"deposit": left, "billingStatus": "CLOSEBILL"}),
        );
        server.get("/userDeposits/71").is(200).has("deposit", left).has("arrears", 0);
        assert_eq!(happened(&server, number, DEPOSIT, "UpdatedDeposit"), 1);
    }
}
