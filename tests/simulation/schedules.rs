//! Every system under many schedules of messages, delays, duplicates, losses, crashes, restarts, stopped contexts and
//! clock steps, each of which a seed determines.
use crate::simulator::{
    Mitigation, businesses, businesses_by_routes, run, run_many, seeds_until_noticed, unsaid,
};
use strum::VariantArray;

#[test]
fn every_system_is_simulated() {
    let simulated: Vec<&str> = businesses().iter().map(|business| business.system).collect();
    assert_eq!(simulated, support::selected_systems(holdfast::systems::NAMES));
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    for business in businesses() {
        let hashes =
            || -> Vec<u64> { (1..20).map(|seed| run(business, seed, None, false).hash).collect() };
        let first = hashes();
        let again = hashes();
        assert_eq!(first, again, "{}", business.system);
        assert!(
            first.windows(2).all(|two| two[0] != two[1]),
            "{}: another seed is another schedule",
            business.system
        );
    }
}

#[test]
fn the_invariants_hold_under_every_schedule() {
    for business in businesses() {
        let report = run_many(business, 1..501, None, 2);
        assert!(report.failed.is_none(), "{report}");
        println!("{report}");
    }
}

/// The first would take an operator who drops a parked event by hand: a rent is heard of in order. The others take more
/// rides of one customer, and then money, than a schedule is long: `tests/simulation/shuffle/gbike.rs` brings them about.
/// What becomes of text messages is up to their gateway, which is outside: `tests/systems/texts`.
const NEVER_SAID: &[&str] = &[
    "bookrent.delivery: DeliveryWithheld",
    "ebook.notification: MessageRefused",
    "ebook.notification: MessageSent",
    "gbike.billing: BillPassedOn",
    "gbike.userDeposit: FeeMovedUp",
    "purifier.notification: MessageRefused",
    "purifier.notification: MessageSent",
];

#[test]
fn every_event_and_answer_occurs_under_some_schedule() {
    let modelled = businesses().iter().filter(|business| business.has_model());
    let unsaid: Vec<String> = modelled.flat_map(|business| unsaid(business, 500)).collect();
    assert_eq!(unsaid, NEVER_SAID, "no schedule brings these about");
}

#[test]
fn what_the_runtime_would_not_do_is_noticed() {
    for business in businesses() {
        for mitigation in business.notices {
            let noticed = seeds_until_noticed(business, *mitigation, 3000);
            assert!(
                noticed.is_some(),
                "{}: that {mitigation:?} is left out goes unnoticed",
                business.system
            );
        }
    }
    let is_noticed = |mitigation: &&Mitigation| {
        businesses().iter().any(|business| business.notices.contains(mitigation))
    };
    let unnoticed: Vec<_> =
        Mitigation::VARIANTS.iter().filter(|mitigation| !is_noticed(mitigation)).collect();
    assert!(unnoticed.is_empty(), "no system would notice the lack of {unnoticed:?}");
}

#[test]
fn a_system_without_a_model_is_simulated_by_its_routes() {
    for business in businesses_by_routes() {
        let report = run_many(business, 1..201, None, 2);
        assert!(report.failed.is_none(), "{report}");
        for mitigation in business.notices {
            let noticed = seeds_until_noticed(business, *mitigation, 3000);
            assert!(noticed.is_some(), "{}: {mitigation:?}", business.system);
        }
    }
}
