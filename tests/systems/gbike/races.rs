//! Many at once: one bike for fifty, one ride with twenty ends, money in and money out.

use super::station::{
    BIKE, BILLING, DEPOSIT, RENT, ZONE_1, ZONE_3, account, bring_back, free_of_charge, happened,
    pass, patient, register, rent, ride, top_up, won,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use support::{Answer, at_once, eventually};

#[test]
fn fifty_want_one_bike_and_one_gets_it() {
    let server = free_of_charge();
    register(&server, 501);
    let answers = at_once(&server, 50, |client, user| rent(client, 501, user));
    let (winners, losers): (Vec<&Answer>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((winners.len(), losers.len()), (1, 49));
    assert!(winners.iter().all(|rent| rent["status"] == "RENTED"));
    losers.iter().for_each(|refused| refused.refuses(409, "bike-in-use"));

    let winner = winners[0].id();
    server.shows(
        &format!("/billings/{winner}"),
        json!({"status": "OPENBILL", "userid": winners[0]["userid"]}),
    );
    server.shows(
        &format!("/rentAndBillingViews/{winner}"),
        json!({"rentStatus": "RENTED", "billingStatus": "OPENBILL"}),
    );
    server.get("/bikes/501").is(200).has("status", "사용중");
    assert_eq!(
        (
            happened(&server, winner, BIKE, "UpdatedBike"),
            happened(&server, winner, BIKE, "BikeFreed")
        ),
        (1, 0)
    );
    for collection in ["rents", "billings", "rentAndBillingViews"] {
        assert_eq!(server.total(collection), 1, "{collection}");
    }
    for loser in (1..=50).filter(|number| *number != winner) {
        server.get(&format!("/rents/{loser}")).refuses(404, "not-found");
        assert_eq!(happened(&server, loser, BIKE, "UpdatedBike"), 0);
    }
    bring_back(&server, winner, ZONE_3).is(200);
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
}

#[test]
fn a_return_and_rents_of_the_same_bike_at_once_leave_one_rider_at_most() {
    let server = free_of_charge();
    register(&server, 501);
    for round in 0..8 {
        let first = ride(&server, 501, 70);
        let answers = at_once(&server, 6, |client, n| match n {
            1 => bring_back(client, first, ZONE_3).is(200),
            user => rent(client, 501, user),
        });
        let rented: Vec<u64> =
            answers[1..].iter().filter(|answer| answer.status == 201).map(Answer::id).collect();
        assert!(rented.len() <= 1, "round {round}: {rented:?}");
        for number in rented {
            server.get("/bikes/501").is(200).has("status", "사용중");
            bring_back(&server, number, ZONE_1).is(200);
        }
        server.shows("/bikes/501", json!({"status": "사용가능"}));
    }
}

#[test]
fn of_many_returns_at_once_one_ends_the_ride_and_its_fee_is_charged_once() {
    let server = patient("[systems.gbike]\nfee_per_minute = 1000");
    register(&server, 501);
    top_up(&server, 71, 10_000_000);
    let mut left = 10_000_000;
    for round in 0..5 {
        let number = ride(&server, 501, 71);
        pass(&server, 1);
        let answers = at_once(&server, 20, |client, n| {
            bring_back(client, number, if n % 2 == 0 { ZONE_1 } else { ZONE_3 })
        });
        let returned = server.get(&format!("/rents/{number}")).is(200).has("status", "RETURNED");
        for (place, answer) in [ZONE_3, ZONE_1].iter().cycle().zip(answers) {
            if returned["endlocation"] == *place {
                assert_eq!(answer.is(200)["endtime"], returned["endtime"], "round {round}");
            } else {
                answer.refuses(409, "already-returned");
            }
        }
        let bill = server.shows(&format!("/billings/{number}"), json!({"status": "CLOSEBILL"}));
        assert_eq!(bill["endtime"], returned["endtime"]);
        left -= bill["fee"].as_u64().unwrap();
        assert_eq!(account(&server, 71), (left, 0), "round {round}");
        for (context, what) in [
            (RENT, "Returned"),
            (BILLING, "CalculatedFee"),
            (BILLING, "ClosedBill"),
            (DEPOSIT, "UpdatedDeposit"),
        ] {
            assert_eq!(happened(&server, number, context, what), 1, "{what} in round {round}");
        }
        server.shows(
            "/bikes/501",
            json!({"status": "사용가능", "location": returned["endlocation"]}),
        );
    }
}

/// Every payment is 1001 won and every fee thousands: the last digits of a deposit are how many payments there were.
const PAYMENT: u64 = 1001;
const FEE: u64 = 1000;

#[test]
fn payments_and_fees_at_once_keep_the_balance_exact_at_every_look() {
    const RIDES: u64 = 16;
    const PAYMENTS: u64 = 14;
    let server = patient(&format!("[systems.gbike]\nfee_per_minute = {FEE}"));
    let rents: Vec<u64> = (1..=RIDES)
        .map(|n| {
            register(&server, 500 + n);
            ride(&server, 500 + n, 71)
        })
        .collect();
    top_up(&server, 71, 0);
    pass(&server, 1);

    let over = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let client = server.apart();
            let mut looks = 0;
            let mut before = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let (deposit, arrears) = account(&client, 71);
                let paid_in = deposit % FEE * PAYMENT;
                let charged =
                    paid_in.checked_sub(deposit).expect("no more is there than was paid in");
                assert_eq!(
                    (charged % FEE, arrears % FEE),
                    (0, 0),
                    "fees are whole: {deposit}, {arrears}"
                );
                assert!(
                    paid_in >= before.0 && charged >= before.1,
                    "{deposit}, {arrears} after {before:?}"
                );
                before = (paid_in, charged);
                looks += 1;
            }
            looks
        });
        at_once(&server, RIDES + PAYMENTS, |client, n| match rents.get(n as usize - 1) {
            Some(number) => bring_back(client, *number, ZONE_3).is(200),
            None => top_up(client, 71, PAYMENT),
        });
        eventually("every fee has reached the account", || {
            let bills = server.all("billings");
            let fees = bills.iter().all(|bill| bill["fee"].is_u64()).then(|| won(&bills, "fee"))?;
            let (deposit, arrears) = account(&server, 71);
            (PAYMENTS * PAYMENT + arrears == deposit + fees).then_some(())
        });
        over.store(true, Ordering::Relaxed);
        looking.join().unwrap()
    });
    eprintln!("looked {looks} times");

    let settled = |paid_in: u64, what: &dyn Fn(u64) -> bool| {
        eventually("bills are closed as far as they are paid", || {
            let (deposit, arrears) = account(&server, 71);
            let fees = |status: &str| {
                let bills: Vec<Value> = server
                    .all("billings")
                    .into_iter()
                    .filter(|bill| bill["status"] == status)
                    .collect();
                won(&bills, "fee")
            };
            let exact = (fees("CLOSEBILL"), fees("APPLYFEE")) == (paid_in - deposit, arrears);
            (exact && what(arrears)).then_some((deposit, arrears))
        })
    };
    let (deposit, arrears) = settled(PAYMENTS * PAYMENT, &|arrears| arrears > 0);
    rent(&server, 501, 71).refuses(409, "in-arrears");
    // Those that are in the chain of bills are paid one after the other, so that its answer may be ahead of them.
    let paid = top_up(&server, 71, arrears);
    assert_eq!(
        paid["deposit"].as_u64().zip(paid["arrears"].as_u64()).map(|(has, owes)| has - owes),
        Some(deposit)
    );
    assert_eq!(settled(PAYMENTS * PAYMENT + arrears, &|arrears| arrears == 0), (deposit, 0));
    for number in rents {
        assert_eq!(happened(&server, number, BILLING, "CalculatedFee"), 1);
    }
}

#[test]
fn many_registrations_of_a_number_at_once_are_one_bike() {
    let server = free_of_charge();
    let answers = at_once(&server, 20, |client, n| {
        client.post("/bikes", json!({"bikeid": 501, "location": format!("zone {n}")}))
    });
    let registered: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(registered.len(), 1);
    let refused = answers.iter().filter(|answer| answer.status != 201);
    refused.for_each(|answer| answer.refuses(409, "bike-registered"));
    let location = registered[0]["location"].clone();
    server.get("/bikes/501").is(200).has("location", location);
    assert_eq!(server.total("bikes"), 1);
}

#[test]
fn of_many_rents_of_one_customer_as_many_come_to_be_as_are_allowed() {
    let server = patient("[systems.gbike]\nfee_per_minute = 0\nbikes_per_customer = 3");
    for bike in 501..=520 {
        register(&server, bike);
    }
    let answers = at_once(&server, 20, |client, n| rent(client, 500 + n, 71));
    let (rented, refused): (Vec<&Answer>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(rented.len(), 3, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    refused.iter().for_each(|refused| refused.refuses(409, "too-many-bikes"));
}
