//! gbike: a bike is ridden by one rent at a time, and a fee is charged whole, once, or owed.

use super::{
    super::world::{Order, Scene},
    Model, must, text, withdrawn_is_given_to_none,
};
use holdfast::systems::gbike::user_deposit::{Event::UpdatedDeposit, UserDeposit};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::chance::Chance;

pub const MODEL: Model = Model {
    name: "gbike",
    system: "gbike",
    // More than anyone but the rider wants.
    settings: || json!({ "bikes_per_customer": 8 }),
    clock: "2026-03-02T09:00:00Z",
    opening: || {
        let broken =
            Order::post("bikes", json!({ "bikeid": 3, "status": "불량", "location": "A" }));
        let mended =
            [Order::delete("bikes", 3), Order::patch("bikes", 3, json!({ "withdrawn": false }))];
        let bikes = [1, 2].into_iter().chain(6..=BIKES).map(bike).chain([broken]).chain(mended);
        bikes.chain((6..=BIKES).map(|bike| ride(RIDER, bike))).collect()
    },
    order,
    always,
    finally,
};

/// So many that one customer can owe for more rides than an account keeps itself.
const BIKES: u64 = 12;
/// Who rides whatever there is, and pays for all of it late.
const RIDER: u64 = 5;

/// What a customer pays in at a time: the rider so much that it covers a chain of bills.
const fn paid_in(user: u64) -> u64 {
    if user == RIDER { 1_000_000 } else { 5_000 }
}

fn pay_in(user: u64) -> Order {
    Order::post("userDeposits", json!({ "userid": user, "deposit": paid_in(user) }))
}

fn bike(number: u64) -> Order {
    Order::post(
        "bikes",
        json!({ "bikeid": number.to_string(), "status": "사용가능", "location": "분당_정자역_1구역" }),
    )
}

fn ride(user: u64, bike: u64) -> Order {
    Order::post("rents", json!({ "userid": user, "bikeid": bike }))
}

fn order(chance: &mut Chance, world: &Scene<'_>) -> Order {
    if chance.coin()
        && let Some(order) = riders_order(world)
    {
        return order;
    }
    let rent = world.all("rent").any(chance.number()).unwrap_or(1);
    let user = chance.between(1, RIDER);
    let one_of_them = chance.between(1, 5);
    match chance.between(0, 15) {
        14 => {
            let corrections = [
                json!({ "location": "C" }),
                json!({ "status": "사용가능" }),
                json!({ "status": "불량", "location": "D" }),
            ];
            Order::maintain(chance, "bikes", one_of_them, &corrections)
        }
        0 => bike(chance.between(1, 5)),
        1..4 => pay_in(user),
        4..10 => ride(user, chance.between(1, 5)),
        _ => Order::patch(
            "rents",
            rent,
            json!({ "endlocation": if chance.coin() { "A" } else { "B" } }),
        ),
    }
}

/// Brings back one bike after the other, and pays when there is a chain of bills.
fn riders_order(world: &Scene<'_>) -> Option<Order> {
    let is_riders =
        |thing: &Value, status: &str| thing["userid"] == RIDER && text(thing, "status") == status;
    let unpaid =
        world.all("billing").iter().filter(|(_, bill)| is_riders(bill, "APPLYFEE")).count();
    if unpaid > 4 {
        return Some(pay_in(RIDER));
    }
    let rent = world.all("rent").iter().find(|(_, rent)| is_riders(rent, "RENTED"))?;
    Some(Order::patch("rents", rent.0, json!({ "endlocation": "C" })))
}

fn always(world: &Scene<'_>) -> Result<(), String> {
    withdrawn_is_given_to_none(world, "bike", |_, fields| text(fields, "status") == "사용중")?;
    for (number, rent) in world.all("rent").iter() {
        must!(
            world.said("rent", number, "Returned") <= 1,
            "rent {number} is returned twice: {rent}"
        );
    }
    for (number, bill) in world.all("billing").iter() {
        let said = |event| world.said("billing", number, event);
        let all = (said("RegisteredBill"), said("CalculatedFee"), said("ClosedBill"));
        let right = match text(bill, "status") {
            "OPENBILL" => (1, 0, 0),
            "APPLYFEE" => (1, 1, 0),
            _ => (1, 1, 1),
        };
        must!(all == right, "bill {number} is {bill}, and has said {all:?}");
    }
    deposits_add_up(world)
}

/// A deposit is what was paid in less the fees that were charged, each of them once, and a closed bill was charged.
fn deposits_add_up(world: &Scene<'_>) -> Result<(), String> {
    let mut holds = BTreeMap::<u64, u64>::new();
    let mut charged = BTreeMap::new();
    let mut wrong = Ok(());
    world.each_said::<UserDeposit>(|user, event| {
        let before = holds.entry(user).or_default();
        let UpdatedDeposit { deposit, billid, .. } = event else { return };
        let is_right = match billid {
            None => *deposit == *before + paid_in(user),
            Some(bill) => before
                .checked_sub(*deposit)
                .is_some_and(|fee| charged.insert(bill.get(), fee).is_none()),
        };
        if !is_right {
            wrong = Err(format!("user {user} has {before}, and then {event:?}"));
        }
        *before = *deposit;
    });
    wrong?;
    for (user, account) in world.all("userDeposit").iter() {
        let wanted = holds.get(&user).copied();
        must!(
            account["deposit"].as_u64() == wanted,
            "user {user} ought to have {wanted:?}: {account}"
        );
    }
    for (number, bill) in world.all("billing").iter() {
        let fee = bill["fee"].as_u64();
        let paid = charged.get(&number).copied();
        let is_closed = text(bill, "status") == "CLOSEBILL";
        must!(
            paid.is_none() && !is_closed || paid == fee,
            "bill {number} is {bill}, and {paid:?} was charged"
        );
    }
    Ok(())
}

/// What a ride of that bill costs.
fn fee(bill: &Value) -> u64 {
    let at = |field: &str| {
        text(bill, field).parse::<holdfast::domain::Timestamp>().map_or(0, |at| at.micros())
    };
    (at("endtime") - at("starttime")).max(0) as u64 / 60_000_000 * 100
}

fn finally(world: &Scene<'_>) -> Result<(), String> {
    let rents = world.all("rent");
    let bills = world.all("billing");
    let views = world.all("view");
    for (number, bike) in world.all("bike").iter() {
        let ridden = rents
            .iter()
            .any(|(_, rent)| rent["bikeid"] == number && text(rent, "status") == "RENTED");
        must!(
            ridden == (text(bike, "status") == "사용중"),
            "bike {number} is {bike}, ridden: {ridden}"
        );
    }
    for (number, rent) in rents.iter() {
        let (Some(bill), Some(row)) = (bills.get(number), views.get(number)) else {
            return Err(format!("rent {number} lacks its bill or its row: {rent}"));
        };
        let is_over = text(rent, "status") == "RETURNED";
        must!(
            is_over == (text(bill, "status") != "OPENBILL"),
            "rent {number} is {rent}, its bill {bill}"
        );
        must!(
            bill["starttime"] == rent["starttime"] && bill["endtime"] == rent["endtime"],
            "{rent}, its bill {bill}"
        );
        must!(
            !is_over || bill["fee"] == fee(bill),
            "bill {number} is {bill}, and costs {}",
            fee(bill)
        );
        for (told, of, field) in [
            ("rentStatus", rent, "status"),
            ("rentEndTime", rent, "endtime"),
            ("endlocation", rent, "endlocation"),
            ("billingStatus", bill, "status"),
            ("fee", bill, "fee"),
        ] {
            must!(row[told] == of[field], "{told} of rent {number} is {row}, and {of}");
        }
    }
    must!(
        bills.len() == rents.len() && views.len() == rents.len(),
        "there are bills or rows of no rent"
    );
    for user in
        rents.iter().filter_map(|(_, rent)| rent["userid"].as_u64()).collect::<BTreeSet<_>>()
    {
        accounts_agree(world, user)?;
    }
    Ok(())
}

/// What was paid in is what is left and what was charged; what is owed is what is not closed, and could not be covered.
fn accounts_agree(world: &Scene<'_>, user: u64) -> Result<(), String> {
    let of_user = || world.all("billing").iter().filter(move |(_, bill)| bill["userid"] == user);
    let sum = |status: &str| -> u64 {
        of_user()
            .filter(|(_, bill)| text(bill, "status") == status)
            .filter_map(|(_, bill)| bill["fee"].as_u64())
            .sum()
    };
    let charged = sum("CLOSEBILL");
    let owed = sum("APPLYFEE");
    let account = world.all("userDeposit").get(user);
    let amount =
        |field: &str| account.and_then(|account| account[field].as_u64()).unwrap_or_default();
    let changes = world.events("userDeposit").iter().filter(|(number, _)| *number == user);
    let payments = changes.filter(|(_, event)| {
        event["UpdatedDeposit"].is_object() && event["UpdatedDeposit"]["billid"].is_null()
    });
    let payments = payments.count() as u64;
    let asked = world
        .sent()
        .filter(|order| order.collection == "userDeposits" && order.body["userid"] == user);
    must!(
        payments <= asked.count() as u64,
        "user {user} has paid in more often than that was wanted"
    );
    let left = amount("deposit");
    let arrears = amount("arrears");
    must!(
        payments * paid_in(user) == left + charged,
        "user {user} paid in {payments} times, {charged} are charged: {account:?}"
    );
    must!(owed == arrears, "user {user} owes {owed}: {account:?}");
    let oldest = of_user()
        .filter(|(_, bill)| text(bill, "status") == "APPLYFEE")
        .filter_map(|(_, bill)| bill["fee"].as_u64());
    must!(
        oldest.min().is_none_or(|_| arrears > left),
        "user {user} could pay what is owed: {account:?}"
    );
    Ok(())
}
