//! The transcript, and what holds while all contexts are there.

use super::station::{
    BIKE, DEPOSIT, RENT, ZONE_1, ZONE_3, bring_back, free_of_charge, happened, pass, patient,
    register, rent, ride, start, top_up,
};
use serde_json::{Value, json};
use std::thread;
use support::{Answer, eventually};

fn is_a_date(answer: &Answer, field: &str) {
    assert!(
        answer[field].as_str().is_some_and(|date| date.ends_with('Z')),
        "`{field}` in {}",
        answer.text
    );
}

#[test]
fn the_transcript_replays_line_by_line() {
    let server = start();
    for (user, deposit) in [(1, 100_000), (2, 200_000), (3, 200_000)] {
        let body = json!({"userid": user.to_string(), "deposit": deposit.to_string()});
        let account =
            server.post("/userDeposits", body).is(201).has("id", user).has("userid", user);
        let account = account.has("deposit", deposit).has("arrears", 0).has("billid", json!(null));
        assert!(
            account.header("location").ends_with(&format!("/userDeposits/{user}")),
            "{:?}",
            account.headers
        );
        assert_eq!(account["_links"]["self"]["href"], account["_links"]["userDeposit"]["href"]);
    }
    assert_eq!(server.get("/userDeposits").is(200).items("userDeposits").len(), 3);
    for (bike, status) in [(1, "사용가능"), (2, "사용중"), (3, "불량")] {
        let body = json!({"bikeid": bike.to_string(), "status": status, "location": ZONE_1});
        let bike = server.post("/bikes", body).is(201).has("id", bike).has("bikeid", bike);
        bike.has("status", status).has("location", ZONE_1);
    }
    assert_eq!(server.get("/bikes").is(200).items("bikes").len(), 3);

    let rent = server
        .post("/rents", json!({"userid": "1", "bikeid": "1"}))
        .is(201)
        .has("id", 1)
        .has("rentid", 1);
    let rent = rent
        .has("status", "RENTED")
        .has("userid", 1)
        .has("bikeid", 1)
        .has("endlocation", json!(null));
    is_a_date(&rent, "starttime");
    server.get("/bikes/1").is(200).has("status", "사용중").has("location", ZONE_1);
    let bill = server
        .shows("/billings/1", json!({"status": "OPENBILL", "billid": 1, "rentid": 1, "userid": 1}));
    assert_eq!(
        (&bill["starttime"], &bill["fee"], server.total("billings")),
        (&rent["starttime"], &json!(null), 1)
    );
    let row = server.shows(
        "/rentAndBillingViews/1",
        json!({"rentStatus": "RENTED", "billingStatus": "OPENBILL"}),
    );
    let row = row
        .has("rentid", 1)
        .has("userid", 1)
        .has("bikeid", 1)
        .has("billid", 1)
        .has("deposit", json!(null));
    assert_eq!(
        (&row["rentStarttime"], server.total("rentAndBillingViews")),
        (&rent["starttime"], 1)
    );

    server.post("/admin/clock", json!({"advance": "PT10M"})).is(200);
    let returned =
        server.patch("/rents/1", json!({"endlocation": ZONE_3})).is(200).has("status", "RETURNED");
    is_a_date(&returned.clone().has("endlocation", ZONE_3), "endtime");
    server.shows("/bikes/1", json!({"status": "사용가능", "location": ZONE_3}));
    let bill = server.shows("/billings/1", json!({"status": "CLOSEBILL", "fee": 1000}));
    assert_eq!(bill["endtime"], returned["endtime"]);
    server.get("/userDeposits/1").is(200).has("deposit", 99_000).has("arrears", 0).has("billid", 1);
    let row = json!({"rentStatus": "RETURNED", "billingStatus": "CLOSEBILL", "deposit": 99_000});
    let row =
        server.shows("/rentAndBillingViews/1", row).has("fee", 1000).has("endlocation", ZONE_3);
    assert_eq!(row["rentEndTime"], returned["endtime"]);
    assert_eq!(server.get("/rentAndBillingViews").is(200).items("rentAndBillingViews").len(), 1);

    server.post("/rents", json!({"bikeid": "2", "userid": "2"})).refuses(409, "bike-in-use");
}

#[test]
fn lists_are_filtered_and_every_path_is_there_with_its_system_in_front_as_well() {
    let server = free_of_charge();
    [501, 502].iter().for_each(|bike| register(&server, *bike));
    let first = ride(&server, 501, 71);
    let second = ride(&server, 502, 72);
    bring_back(&server, first, ZONE_3).is(200);
    server.shows("/rentAndBillingViews/1", json!({"billingStatus": "CLOSEBILL"}));
    server.shows("/billings/2", json!({"status": "OPENBILL"}));
    for (filter, number) in [
        ("rents?status=RETURNED", first),
        ("rents?userid=72", second),
        ("rents?bikeid=501&userid=71", first),
        ("rents?rentid=2", second),
        ("billings?status=OPENBILL", second),
        ("billings?userid=71", first),
        ("billings?rentid=1", first),
        ("bikes?status=사용중", 502),
        ("bikes?bikeid=501", 501),
        ("userDeposits?userid=71", 71),
        ("rentAndBillingViews?userid=72", second),
        ("rentAndBillingViews?bikeid=501", first),
    ] {
        for prefix in ["", "gbike/"] {
            let found = server.get(&format!("/{prefix}{filter}")).is(200);
            let collection = filter.split('?').next().unwrap();
            let ids: Vec<&Value> = found.items(collection).iter().map(|item| &item["id"]).collect();
            assert_eq!(ids, [&json!(number)], "{filter}");
        }
    }
}

#[test]
fn a_bike_is_registered_once_under_a_number_of_its_own() {
    let server = free_of_charge();
    register(&server, 501);
    for location in [ZONE_1, ZONE_3] {
        let again = json!({"bikeid": 501, "location": location});
        server.post("/bikes", again).refuses(409, "bike-registered");
    }
    server.get("/bikes/501").is(200).has("location", ZONE_1);
    server
        .post("/bikes", json!({"bikeid": 502, "location": ZONE_3}))
        .is(201)
        .has("status", "사용가능");
    server.post("/bikes", json!({"bikeid": 503, "location": " "})).refuses(422, "blank");
    for body in [
        json!({"location": ZONE_1}),
        json!({"bikeid": 503}),
        json!({"bikeid": 503, "location": null}),
        json!({"bikeid": 503, "location": ZONE_1, "status": "available"}),
        json!({"bikeid": 0, "location": ZONE_1}),
        json!({"bikeid": -1, "location": ZONE_1}),
    ] {
        server.post("/bikes", body).problem(400);
    }
    assert_eq!(server.total("bikes"), 2);
}

#[test]
fn a_bike_that_is_in_use_broken_or_unknown_is_not_rented_and_nothing_is_to_be_seen_of_it() {
    let server = free_of_charge();
    for (bike, status) in [(501, "사용중"), (502, "불량")] {
        server
            .post("/bikes", json!({"bikeid": bike, "status": status, "location": ZONE_1}))
            .is(201);
    }
    register(&server, 504);
    ride(&server, 504, 70);
    let refused =
        [(501, "bike-in-use"), (502, "bike-broken"), (503, "bike-unknown"), (504, "bike-in-use")];
    for (bike, code) in refused {
        rent(&server, bike, 71).refuses(409, code);
    }
    for number in 2..=5 {
        server.get(&format!("/rents/{number}")).refuses(404, "not-found");
        bring_back(&server, number, ZONE_3).refuses(404, "not-found");
        server.get(&format!("/rentAndBillingViews/{number}")).refuses(404, "not-found");
        assert_eq!(happened(&server, number, RENT, "Rented"), 0);
    }
    server.shows("/billings/1", json!({"status": "OPENBILL"}));
    assert_eq!(
        (server.total("rents"), server.total("billings"), server.total("rentAndBillingViews")),
        (1, 1, 1)
    );
    for (bike, status) in [(501, "사용중"), (502, "불량"), (504, "사용중")] {
        server.get(&format!("/bikes/{bike}")).is(200).has("status", status).has("location", ZONE_1);
    }
    server.get("/bikes/503").refuses(404, "not-found");
    rent(&server, 501, 0).refuses(422, "user-unknown");
}

#[test]
fn a_second_return_to_the_same_place_is_no_second_event_and_one_elsewhere_is_a_conflict() {
    let server = start();
    register(&server, 501);
    top_up(&server, 71, 5000);
    let number = ride(&server, 501, 71);
    pass(&server, 10);
    let first = bring_back(&server, number, ZONE_3).is(200).has("status", "RETURNED");
    server.shows("/billings/1", json!({"status": "CLOSEBILL"}));
    let next = ride(&server, 501, 71);
    pass(&server, 10);
    let second = bring_back(&server, number, ZONE_3).is(200).has("status", "RETURNED");
    assert_eq!(
        (first.header("etag"), &first["endtime"]),
        (second.header("etag"), &second["endtime"])
    );
    bring_back(&server, number, ZONE_1).refuses(409, "already-returned");
    server.get("/rents/1").is(200).has("endlocation", ZONE_3);
    server.get("/bikes/501").is(200).has("status", "사용중").has("location", ZONE_3);
    bring_back(&server, next, ZONE_1).is(200);
    server.shows("/billings/2", json!({"status": "CLOSEBILL"}));
    for (context, what) in
        [(RENT, "Returned"), ("gbike.billing", "CalculatedFee"), (DEPOSIT, "UpdatedDeposit")]
    {
        assert_eq!(happened(&server, number, context, what), 1, "{what}");
    }
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_1}));
    assert_eq!(happened(&server, number, BIKE, "UpdatedBike"), 2, "taken and brought back");
}

#[test]
fn a_return_says_where_the_bike_is_left_and_its_location_never_becomes_nothing() {
    let server = free_of_charge();
    register(&server, 501);
    let number = ride(&server, 501, 71);
    for body in [json!({}), json!({"endlocation": null}), json!({"status": "RETURNED"})] {
        server.patch(&format!("/rents/{number}"), body).problem(400);
    }
    bring_back(&server, number, "").refuses(422, "blank");
    bring_back(&server, number, "  ").refuses(422, "blank");
    server.get("/rents/1").is(200).has("status", "RENTED").has("endtime", json!(null));
    server.get("/bikes/501").is(200).has("status", "사용중").has("location", ZONE_1);
    bring_back(&server, 9, ZONE_3).refuses(404, "not-found");
    // What a return does not own it does not change.
    let more =
        json!({"endlocation": ZONE_3, "userid": 9, "bikeid": 9, "endtime": "2021-07-06", "fee": 1});
    server.patch("/rents/1", more).is(200).has("userid", 71).has("bikeid", 501);
    server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
}

#[test]
fn steps_of_policies_and_asks_between_contexts_cannot_be_sent_from_outside() {
    let server = free_of_charge();
    register(&server, 501);
    ride(&server, 501, 71);
    server.shows("/billings/1", json!({"status": "OPENBILL"}));
    top_up(&server, 71, 100);
    for (method, path) in [
        ("POST", "/billings"),
        ("PATCH", "/billings/1"),
        ("DELETE", "/billings/1"),
        ("POST", "/rentAndBillingViews"),
        ("PATCH", "/rentAndBillingViews/1"),
        ("PATCH", "/userDeposits/71"),
        ("DELETE", "/userDeposits/71"),
        ("DELETE", "/rents/1"),
        ("PUT", "/rents/1"),
    ] {
        let body = json!({"rentid": 1, "userid": 71, "fee": 1, "deposit": 1, "status": "CLOSEBILL", "location": "x"});
        let refused = server.call(method, path, |request| request.json(&body));
        assert_eq!(refused.problem(405), "method-not-allowed", "{method} {path}");
        assert!(!refused.header("allow").is_empty(), "{method} {path}: {:?}", refused.headers);
    }
    server.get("/billings/1").is(200).has("status", "OPENBILL").has("fee", json!(null));
    server.get("/userDeposits/71").is(200).has("deposit", 100);
}

#[test]
fn a_request_is_open_until_both_have_answered() {
    for asked in [DEPOSIT, BIKE] {
        let server = free_of_charge();
        register(&server, 501);
        server.delay(asked, 4000, 4000);
        thread::scope(|scope| {
            let renting = scope.spawn(|| rent(&server, 501, 71));
            server.shows("/rents/1", json!({"status": "Requested", "starttime": null}));
            let refused = bring_back(&server, 1, ZONE_3);
            refused.refuses(409, "still-open");
            assert_eq!(refused.header("retry-after"), "1");
            assert_eq!(server.total("rents"), 0);
            server.get("/rentAndBillingViews/1").refuses(404, "not-found");
            server.get("/billings/1").refuses(404, "not-found");
            renting.join().unwrap().is(201).has("status", "RENTED");
        });
        assert_eq!(server.total("rents"), 1);
        bring_back(&server, 1, ZONE_3).is(200);
        server.shows("/bikes/501", json!({"status": "사용가능", "location": ZONE_3}));
    }
}

#[test]
fn a_customer_has_as_many_bikes_at_once_as_are_allowed() {
    let server = patient("[systems.gbike]\nfee_per_minute = 0\nbikes_per_customer = 2");
    for bike in 501..=504 {
        register(&server, bike);
    }
    let first = ride(&server, 501, 71);
    ride(&server, 502, 71);
    rent(&server, 503, 71).refuses(409, "too-many-bikes");
    server.get("/bikes/503").is(200).has("status", "사용가능");
    server.get("/userDeposits/71").problem(404);
    ride(&server, 503, 72);
    bring_back(&server, first, ZONE_3).is(200);
    // The return reaches the account by itself.
    eventually("another bike", || (rent(&server, 504, 71).status == 201).then_some(()));
    rent(&server, 501, 71).refuses(409, "too-many-bikes");
}

#[test]
fn a_rent_that_never_came_to_be_counts_no_longer() {
    let server = patient("[systems.gbike]\nbikes_per_customer = 1");
    register(&server, 501);
    rent(&server, 999, 71).refuses(409, "bike-unknown");
    eventually("a bike", || (rent(&server, 501, 71).status == 201).then_some(()));
    rent(&server, 501, 71).refuses(409, "too-many-bikes");
}
