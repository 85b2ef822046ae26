//! gbike, shuffled.

use super::world::{Client, World};
use holdfast::{
    domain::{Entity, Id, Lifecycle, Maintenance, Refusal},
    systems::gbike::{
        bike::{self, Bike},
        billing::Billing,
        rent::{self, Rent},
        user_deposit::{self, UserDeposit},
        view::Row,
    },
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

use support::gbike::{Seen, Things};

/// Bikes and users, whose numbers are few.
const FEW: u64 = 3;

fn register(world: &mut World, number: u64) -> Result<(), Refusal> {
    let command = bike::Command::Register { status: None, location: "somewhere".into() };
    world.command::<Bike>(Some(Id::new(1 + number % FEW)), command).map(drop)
}
fn maintain(world: &mut World, number: u64) -> Result<(), Refusal> {
    let location = Some("somewhere".to_owned());
    let asked = match number / 8 % 4 {
        0 => Maintenance::Withdraw,
        1 | 2 => Maintenance::Restore,
        _ => Maintenance::Correct(bike::Correction { status: None, location }),
    };
    world.command::<Bike>(Some(Id::new(1 + number % FEW)), bike::Command::Maintain(asked)).map(drop)
}
fn request(world: &mut World, number: u64) -> Result<(), Refusal> {
    let wanted =
        rent::Request { userid: Id::new(1 + number / 8 % FEW), bikeid: Id::new(1 + number % FEW) };
    world.command::<Rent>(None, rent::Command::Request(wanted)).map(drop)
}
fn bring_back(world: &mut World, number: u64) -> Result<(), Refusal> {
    let riding: Vec<u64> = seen(world.states::<Rent>())
        .iter()
        .filter(|(_, it)| it["status"] == "RENTED")
        .map(|(n, _)| *n)
        .collect();
    let rent = riding.get(number as usize % riding.len().max(1)).copied().unwrap_or(1 + number % 4);
    // Some bring back what is back already, or still asked for.
    let rent = if number.is_multiple_of(7) { 1 + number / 7 % 4 } else { rent };
    let end = rent::Return { endlocation: format!("zone {}", number % 4) };
    // The runtime lets clients at what is established only.
    let there = world
        .states::<Rent>()
        .get(&rent)
        .is_some_and(|rent| rent.lifecycle() == Lifecycle::Established);
    if there {
        world.command(Some(Id::<Rent>::new(rent)), rent::Command::Return(end)).map(drop)
    } else {
        Ok(())
    }
}
fn top_up(world: &mut World, number: u64) -> Result<(), Refusal> {
    let command = user_deposit::Command::TopUp { deposit: PAYMENTS[(number / 8 % 4) as usize] };
    world.command::<UserDeposit>(Some(Id::new(1 + number % FEW)), command).map(drop)
}
const PAYMENTS: [u64; 4] = [0, 100, 350, 2000];

/// Everything of a context that there is to see.
fn seen<E: Entity>(states: &BTreeMap<u64, E>) -> Things {
    let there = states.iter().filter(|(_, state)| {
        matches!(state.lifecycle(), Lifecycle::Established | Lifecycle::Withdrawn)
    });
    there
        .map(|(number, state)| {
            (*number, serde_json::to_value(state.represent(Id::new(*number))).unwrap())
        })
        .collect()
}

fn is_right(world: &mut World, paid_in: &BTreeMap<u64, u64>) -> Result<(), TestCaseError> {
    for (number, rent) in world.states::<Rent>() {
        prop_assert!(rent.lifecycle() != Lifecycle::Open, "rent {number} is never settled");
    }
    let all = Seen {
        bikes: seen(world.states::<Bike>()),
        rents: seen(world.states::<Rent>()),
        bills: seen(world.states::<Billing>()),
        accounts: seen(world.states::<UserDeposit>()),
        rows: seen(world.rows::<Row>()),
    };
    all.is_right(paid_in).map_err(TestCaseError::fail)
}

const WHAT: [Client; 7] = [register, request, request, bring_back, bring_back, top_up, maintain];

/// So many that most of what one customer owes waits in a chain of bills.
const MANY: u64 = 12;
/// The one who rides all of them.
const RIDER: Id<UserDeposit> = Id::new(1);

fn ride(world: &mut World, number: u64) -> Result<(), Refusal> {
    let wanted = rent::Request { userid: RIDER, bikeid: Id::new(number) };
    world.command::<Rent>(None, rent::Command::Request(wanted)).map(drop)
}
fn end(world: &mut World, number: u64) -> Result<(), Refusal> {
    let end = rent::Return { endlocation: "somewhere".into() };
    world.command(Some(Id::<Rent>::new(number)), rent::Command::Return(end)).map(drop)
}
fn pay(world: &mut World, won: u64) -> Result<(), Refusal> {
    world.command(Some(RIDER), user_deposit::Command::TopUp { deposit: won }).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn in_any_order_every_bike_has_at_most_one_rider_and_every_ride_is_charged_once_or_owed(
        acts in prop::collection::vec((0..WHAT.len(), any::<u64>()), 1..40),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let mut world = World::of("gbike", json!({ "fee_per_minute": 50 }));
        world.pace = 25_000_000;
        // So that most of what is asked for is there.
        (0..FEW).for_each(|number| register(&mut world, number).unwrap());
        let clients: Vec<(Client, u64)> = acts.iter().map(|(act, number)| (WHAT[*act], *number)).collect();
        world.run(&clients, &choices);
        let mut paid_in = BTreeMap::new();
        for (_, number) in acts.iter().filter(|(act, _)| *act == 5) {
            *paid_in.entry(1 + number % FEW).or_default() += PAYMENTS[(number / 8 % 4) as usize];
        }
        is_right(&mut world, &paid_in)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn however_many_rides_a_customer_owes_for_each_is_charged_once_and_in_turn(
        ends in Just((1..=MANY).collect::<Vec<_>>()).prop_shuffle(),
        payments in prop::collection::vec((0..=MANY as usize, 0..2_000_u64), 0..12),
        choices in prop::collection::vec(any::<u16>(), 0..600),
    ) {
        let mut world = World::of("gbike", json!({ "fee_per_minute": 50 }));
        for number in 1..=MANY {
            let command = bike::Command::Register { status: None, location: "somewhere".into() };
            world.command::<Bike>(Some(Id::new(number)), command).unwrap();
        }
        let rides: Vec<(Client, u64)> = (1..=MANY).map(|number| (ride as Client, number)).collect();
        world.run(&rides, &[]);
        world.pace = 25_000_000;
        let mut acts: Vec<(Client, u64)> = ends.into_iter().map(|number| (end as Client, number)).collect();
        for (place, won) in &payments {
            acts.insert((*place).min(acts.len()), (pay, *won));
        }
        world.run(&acts, &choices);
        let paid_in = payments.iter().map(|(_, won)| won).sum::<u64>();
        is_right(&mut world, &BTreeMap::from([(RIDER.get(), paid_in)]))?;
        // Whatever is left is paid in the end, and then there is nothing left of the chain.
        world.run(&[(pay, 1_000_000)], &choices);
        is_right(&mut world, &BTreeMap::from([(RIDER.get(), paid_in + 1_000_000)]))?;
        prop_assert_eq!(world.states::<UserDeposit>()[&RIDER.get()].represent(RIDER).arrears, 0);
        let again = world.states::<Rent>().len() as u64 + 1;
        world.run(&[(ride, 1)], &[]);
        prop_assert_eq!(world.states::<Rent>()[&again].lifecycle(), Lifecycle::Established);
    }
}
