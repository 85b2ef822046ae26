//! Ticket reservation, shuffled.

use super::world::{Client, World};
use holdfast::{
    domain::{DateOrTime, Entity, Id, Lifecycle, Maintenance, Refusal, Timestamp},
    systems::ticketing::{
        price::Price,
        reservation::{self, Reservation},
        ticket::{self, Ticket},
        view::Row,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tickets, whose numbers are few.
const FEW: u64 = 2;
/// How far it is from one thing that happens to the next, and when the tickets end.
const PACE: i64 = 1_000_000;
const ENDS: [i64; 3] = [i64::MAX / 1_000_000, 60, 20];

fn register(world: &mut World, number: u64) -> Result<(), Refusal> {
    let ticket_id = Id::new(1 + number % FEW);
    // The first of 1970 was a Thursday.
    let starttime = DateOrTime::Moment(Timestamp::default());
    let endtime = DateOrTime::Moment(Timestamp::from_micros(
        PACE.saturating_mul(ENDS[(number / 8 % 3) as usize]),
    ));
    let new = ticket::Register { ticket_id, status: None, starttime, endtime };
    world.command(Some(ticket_id), ticket::Command::Register(new)).map(drop)
}
fn reserve(world: &mut World, number: u64) -> Result<(), Refusal> {
    let user_grade = ["VIP", "Silver"][(number / 8 % 2) as usize].to_owned();
    let wanted = reservation::Request {
        ticket_id: Id::new(1 + number % FEW),
        user_id: Some(number.to_string()),
        user_grade: Some(user_grade),
    };
    world.command::<Reservation>(None, reservation::Command::Request(wanted)).map(drop)
}
fn cancel(world: &mut World, number: u64) -> Result<(), Refusal> {
    let live = seen(world.states::<Reservation>())
        .into_iter()
        .filter(|(_, it)| it["status"] == "RESERVED");
    let live: Vec<u64> = live.map(|(number, _)| number).collect();
    // Some cancel what is cancelled already, or still asked for.
    let any = number.is_multiple_of(7) || live.is_empty();
    let one = if any { 1 + number / 7 % 6 } else { live[number as usize % live.len()] };
    world.command::<Reservation>(Some(Id::new(one)), reservation::Command::Cancel).map(drop)
}

fn maintain(world: &mut World, number: u64) -> Result<(), Refusal> {
    let end = ENDS[(number / 32 % 3) as usize];
    let endtime = Some(DateOrTime::Moment(Timestamp::from_micros(PACE.saturating_mul(end))));
    let asked = match number / 8 % 4 {
        0 => Maintenance::Withdraw,
        1 | 2 => Maintenance::Restore,
        _ => Maintenance::Correct(ticket::Correction { status: None, starttime: None, endtime }),
    };
    let ticket = Id::new(1 + number % FEW);
    world.command::<Ticket>(Some(ticket), ticket::Command::Maintain(asked)).map(drop)
}

/// Everything of a context that there is to see.
fn seen<E: Entity>(states: &BTreeMap<u64, E>) -> BTreeMap<u64, Value> {
    let there = states.iter().filter(|(_, state)| {
        matches!(state.lifecycle(), Lifecycle::Established | Lifecycle::Withdrawn)
    });
    there
        .map(|(number, state)| {
            (*number, serde_json::to_value(state.represent(Id::new(*number))).unwrap())
        })
        .collect()
}

fn is_right(world: &mut World) -> Result<(), TestCaseError> {
    for (number, reservation) in world.states::<Reservation>() {
        prop_assert!(
            reservation.lifecycle() != Lifecycle::Open,
            "reservation {number} is never settled"
        );
    }
    let tickets = seen(world.states::<Ticket>());
    let reservations = seen(world.states::<Reservation>());
    let prices = seen(world.states::<Price>());
    let rows = seen(world.rows::<Row>());
    for (number, ticket) in &tickets {
        let of = || reservations.iter().filter(|(_, one)| one["ticketId"] == *number);
        let live: Vec<_> = of().filter(|(_, one)| one["status"] == "RESERVED").collect();
        prop_assert!(live.len() < 2, "ticket {} is held by {:?}", number, live);
        // Who gave it back last, by when that was and not by when it was heard of.
        let at = |one: &Value| {
            one["updatedDate"].as_str().unwrap_or_default().parse::<Timestamp>().unwrap_or_default()
        };
        let last = live.first().copied().or_else(|| of().max_by_key(|(_, one)| at(one)));
        let is_held = !live.is_empty();
        prop_assert_eq!(
            ticket["status"] == "예약됨",
            is_held,
            "ticket {} is {}, held by {:?}",
            number,
            ticket,
            live
        );
        let is_vip = live.iter().any(|(_, one)| one["userGrade"] == "VIP");
        let costs = (json!(10_000), json!(if is_vip { 7_000 } else { 8_000 }));
        let price = &prices[number];
        let row = &rows[number];
        prop_assert_eq!(
            (&price["price"], &price["discountedPrice"]),
            (&costs.0, &costs.1),
            "ticket {}",
            number
        );
        prop_assert_eq!(
            (&row["price"], &row["discountedPrice"]),
            (&costs.0, &costs.1),
            "row {}",
            number
        );
        prop_assert_eq!(&row["status"], &ticket["status"], "row {}", number);
        let shown = ["reservationId", "userId", "userGrade", "reservationStatus"]
            .map(|field| row[field].clone());
        let told = last.map(|(id, one)| {
            [json!(id), one["userId"].clone(), one["userGrade"].clone(), one["status"].clone()]
        });
        prop_assert_eq!(shown, told.unwrap_or_default(), "row {}", number);
    }
    for context in [&prices, &rows] {
        prop_assert_eq!(context.keys().collect::<Vec<_>>(), tickets.keys().collect::<Vec<_>>());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn in_any_order_a_ticket_has_one_holder_and_its_price_and_row_name_the_last_one(
        acts in prop::collection::vec((0..8_usize, any::<u64>()), 1..40),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let mut world = World::of("ticketing", json!({}));
        world.pace = PACE;
        let what: [Client; 8] =
            [register, reserve, reserve, reserve, cancel, cancel, cancel, maintain];
        // So that most of what is asked for is there.
        (0..FEW).for_each(|number| register(&mut world, 9 * number).unwrap());
        let clients: Vec<(Client, u64)> = acts.iter().map(|(act, number)| (what[*act], *number)).collect();
        world.run(&clients, &choices);
        is_right(&mut world)?;
    }
}
