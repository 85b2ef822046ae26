//! What the last release left for later: timers, and rows that are written again.

use super::*;

#[test]
fn what_waits_for_its_time_comes_when_it_has_come() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        let tickets = || by(&server.all_of("/ticketing/tickets"), "id");
        let of = |list: &BTreeMap<String, Vec<Value>>, id: &str| list[id][0]["status"].clone();
        server.is_quiet(&["ticketing"]);
        let before = tickets();
        let advance = |hours: u64| {
            let by = json!({"advance": format!("PT{hours}H")});
            server.call("POST", "/admin/clock", |request| request.json(&by)).is(200);
        };
        // Those with odd numbers end after two days, the others after ten; who is reserved does not expire.
        for (hours, ended) in [(96, [1, 35]), (240, [0, 1])] {
            advance(hours);
            let expires = |number: u64| number <= 35 && (hours > 96 || number % 2 == 1);
            for id in before.keys() {
                let number = id.parse::<u64>().unwrap();
                let wanted = match of(&before, id) {
                    status if status == "예약가능" && expires(number) => json!("만료됨"),
                    status => status,
                };
                let path = format!("/ticketing/tickets/{number}");
                server.shows(&path, json!({"status": wanted}));
            }
            let expired = count(Some(&tickets().into_values().flatten().collect()), &["만료됨"]);
            wrong.unless(expired > ended[0], || {
                format!("{expired} have expired after {hours} hours")
            });
        }
        // A reserved one whose time has passed is of no use any more once it is given up.
        let reservation = server
            .all_of("/ticketing/reservations")
            .into_iter()
            .find(|entry| entry["status"] == "RESERVED");
        let reservation = reservation.unwrap();
        server
            .patch(
                &format!("/ticketing/reservations/{}", reservation["id"]),
                json!({"status": "CANCELLED"}),
            )
            .is(200);
        server.shows(
            &format!("/ticketing/tickets/{}", reservation["ticketId"]),
            json!({"status": "만료됨"}),
        );
        wrong.must_be_nothing();
    }
}

#[test]
fn rows_that_could_be_written_and_not_be_read_are_read() {
    for left in Left::all() {
        let server = left.open();
        let wrong = Wrong::default();
        server.is_quiet(&["movie", "gbike"]);
        // So often was this print asked for without success that the answers to it could not be read any more.
        let ticket = format!("/movie/tickets/{}", left.record["unprinted"]);
        server.patch(&ticket, json!({"status": "Printed"})).is(200).has("status", "Printed");
        server.shows(&format!("/movie/points/{}", left.record["unprinted"]), json!({"score": 100}));
        // And so many rides had this customer not paid for. All of them are charged now, and can be paid.
        let unpaid = &left.record["unpaid"];
        let account = format!("/gbike/userDeposits/{}", unpaid["user"]);
        let bills = format!("/gbike/billings?userid={}", unpaid["user"]);
        let rides = unpaid["rides"].as_array().unwrap().len();
        let sums =
            |bills: &[Value]| bills.iter().map(|bill| bill["fee"].as_u64().unwrap()).sum::<u64>();
        let owed = sums(&server.all_of(&bills));
        server.shows(&account, json!({"deposit": 0, "arrears": owed}));
        assert_eq!(
            server.total(&format!("{}&status=APPLYFEE", bills.trim_start_matches('/'))),
            rides as u64
        );
        let ride = json!({"userid": unpaid["user"], "bikeid": 1});
        server.post("/gbike/rents", ride.clone()).refuses(409, "in-arrears");
        server
            .post("/gbike/userDeposits", json!({"userid": unpaid["user"], "deposit": owed + 7}))
            .is(201);
        server.shows(&account, json!({"deposit": 7, "arrears": 0}));
        server.is_quiet(&["movie", "gbike"]);
        assert_eq!(
            server.total(&format!("{}&status=CLOSEBILL", bills.trim_start_matches('/'))),
            rides as u64
        );
        server.post("/gbike/rents", ride).is(201);
        // What customers paid in is what they hold and what they were charged.
        for (user, paid) in left.record["paid"].as_object().unwrap() {
            let account = server.get(&format!("/gbike/userDeposits/{user}"));
            let bills = by(&server.all_of(&format!("/gbike/billings?userid={user}")), "status");
            let sum =
                |status: &str| bills.get(&json!(status).to_string()).map_or(0, |bills| sums(bills));
            let right = account["deposit"].as_u64().map(|deposit| deposit + sum("CLOSEBILL"))
                == paid.as_u64();
            let right = right && account["arrears"].as_u64() == Some(sum("APPLYFEE"));
            wrong.unless(right, || format!("{paid} was paid in: {} {bills:?}", account.text));
        }
        wrong.must_be_nothing();
    }
}
