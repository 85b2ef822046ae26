//! The real actors of every system under many schedules, each of which a seed determines.
use crate::simulator::{
    Business, Mitigation, Run, Seen, Verdict, businesses, businesses_by_routes, missing, run_many,
    seeds_until_noticed, seventh,
};
use std::{collections::BTreeSet, ops::Range, thread};

/// So many seeds a system; `cargo run --release --example simulate` tries more.
const SEEDS: u64 = 50;
/// The same, where clients know no more than the routes of a system.
const SEEDS_BY_ROUTES: u64 = 10;

#[test]
fn every_system_is_simulated() {
    let simulated: Vec<&str> = businesses().iter().map(|business| business.system).collect();
    assert_eq!(simulated, support::selected_systems(holdfast::systems::NAMES));
}

/// Runs each seed twice, on two threads; gives what came of each.
fn run_twice(business: &'static Business, seeds: Range<u64>) -> Vec<Verdict> {
    let verdicts = || -> Vec<Verdict> {
        seeds.clone().map(|seed| Run::of(seed).run(business, false)).collect()
    };
    let (first, again) = thread::scope(|scope| {
        let first = scope.spawn(verdicts);
        let again = verdicts();
        (first.join().expect("the first runs end"), again)
    });
    for ((one, two), seed) in first.iter().zip(&again).zip(seeds) {
        let system = business.system;
        assert_eq!(one.wrong, None, "{}", Run::of(seed).report(business));
        assert_eq!(one, two, "{system}: seed {seed} is two schedules");
    }
    first
}

/// What no schedule brings about, and why. Messages to customers are settled by their gateway, which is outside:
/// `tests/systems/texts`. A withheld delivery takes an operator who drops a parked event. A chain of unpaid bills takes more
/// rides than a schedule has: `tests/simulation/shuffle/gbike.rs`.
const NEVER_SEEN: &[&str] = &[
    "bookrent.delivery is Withheld",
    "bookrent.delivery: DeliveryWithheld",
    "ebook.notification is REFUSED",
    "ebook.notification is SENT",
    "ebook.notification: MessageRefused",
    "ebook.notification: MessageSent",
    "gbike.userDeposit: FeeMovedUp",
    "purifier.notification is REFUSED",
    "purifier.notification is SENT",
    "purifier.notification: MessageRefused",
    "purifier.notification: MessageSent",
];

#[test]
fn the_invariants_hold_under_every_schedule_and_the_same_seed_is_the_same_one() {
    for business in businesses() {
        let system = business.system;
        let verdicts = run_twice(business, 1..SEEDS + 1);
        let all: BTreeSet<u64> = verdicts.iter().map(|verdict| verdict.hash).collect();
        assert_eq!(all.len(), verdicts.len(), "{system}: another seed, another schedule");
        let fed: u64 = verdicts.iter().map(|verdict| verdict.carried.0).sum();
        let asked: u64 = verdicts.iter().map(|verdict| verdict.carried.1).sum();
        assert!(fed > 0 && asked > 0, "{system}: {fed} events were fed, {asked} asked for");
        let seen: Vec<Seen> = verdicts.into_iter().map(|verdict| verdict.seen).collect();
        let missing = missing(business, &seen);
        let known =
            NEVER_SEEN.iter().filter(|what| what.starts_with(system)).map(|what| what.to_string());
        let known: Vec<String> = known.collect();
        assert_eq!(missing, known, "{system}: what no schedule brings about");
    }
}

/// Schedules that once showed a fault: a neighbour read what an actor had committed and not published before it ended, which
/// no other reader could find in its log yet.
const FOUND: &[(&str, u64)] = &[("ebook", 481), ("ebook", 93), ("bookrent", 6)];

#[test]
fn what_once_went_wrong_goes_right() {
    for business in businesses() {
        for (system, seed) in FOUND.iter().filter(|(system, _)| *system == business.system) {
            let verdict = Run::of(*seed).run(business, false);
            assert!(verdict.wrong.is_none(), "{system}, seed {seed}: {:?}", verdict.wrong);
        }
    }
}

/// What the runtime, or its disk, would not do, and the system that notices it soon.
const NOTICED: &[(Mitigation, &str)] = &[
    (Mitigation::KeepWithdrawals, "bookrent"),
    (Mitigation::KeepAnswers, "gbike"),
    (Mitigation::UndoAfterSilence, "bookrent"),
    (Mitigation::RefuseWhileOpen, "movie"),
    (Mitigation::PostponeWhileOpen, "movie"),
    (Mitigation::DropLateAnswers, "gbike"),
    (Mitigation::DropDuplicates, "bookrent"),
    (Mitigation::KeepPositions, "purifier"),
    (Mitigation::MoveWithEffect, "movie"),
    (Mitigation::ReadTheLog, "bookrent"),
    (Mitigation::KeepOrderAside, "bookrent"),
    (Mitigation::KeepMarks, "purifier"),
    (Mitigation::KeepWhatIsDurable, "bookrent"),
    (Mitigation::WaitForDisk, "bookrent"),
    (Mitigation::CheckClaims, "movie"),
    (Mitigation::KeepTimers, "ticketing"),
    (Mitigation::KeepQuestions, "bookrent"),
    (Mitigation::KeepNumbers, "bookrent"),
    (Mitigation::KeepKeys, "bookrent"),
    (Mitigation::TellOwners, "movie"),
    (Mitigation::HideUnpublished, "ebook"),
    (Mitigation::IsolateDamage, "bookrent"),
    (Mitigation::IsolateMessages, "bookrent"),
    (Mitigation::SplitRows, "bookrent"),
    (Mitigation::NoticeGaps, "bookrent"),
    (Mitigation::NameMissingRows, "bookrent"),
    (Mitigation::RecoverAsks, "movie"),
    (Mitigation::ComparePasts, "movie"),
    (Mitigation::ContinueLogs, "bookrent"),
    (Mitigation::BeginEpochs, "bookrent"),
    (Mitigation::CompareAsks, "bookrent"),
    (Mitigation::TrackProgress, "bookrent"),
    (Mitigation::KeepUntilTaken, "bookrent"),
    (Mitigation::KeepTimeForward, "bookrent"),
    (Mitigation::CarryTimeOn, "bookrent"),
    (Mitigation::BoundAdvance, "bookrent"),
    (Mitigation::LookAhead, "gbike"),
    (Mitigation::SettleAtOnce, "gbike"),
    (Mitigation::RepeatAsks, "movie"),
];

#[test]
fn what_the_runtime_would_not_do_is_noticed() {
    for business in businesses() {
        let noticed = NOTICED.iter().filter(|(_, system)| *system == business.system);
        for (mitigation, system) in noticed {
            let noticed = seeds_until_noticed(business, *mitigation, 100);
            assert!(noticed.is_some(), "{system}: that {mitigation:?} is left out goes unnoticed");
        }
    }
}

#[test]
fn a_schedule_that_fails_is_shrunk_and_its_command_repeats_it() {
    let Some(business) = businesses().first() else { return };
    let found = seeds_until_noticed(business, Mitigation::WaitForDisk, 1000);
    let (run, _) = found.expect("that answers do not wait for the disk is noticed");
    let steps = run.run(business, false).steps;
    let shrunk = run.clone().shrunk(business);
    assert!(shrunk.length() < steps, "{} of {steps} steps are left", shrunk.length());
    let verdict = shrunk.run(business, false);
    assert!(verdict.wrong.is_some());
    assert_eq!(shrunk.run(business, false), verdict);
    let command = shrunk.command(business);
    let seed = format!("--system {} --seed {}", business.system, run.seed);
    assert!(command.contains(&seed) && command.contains("--without wait-for-disk"), "{command}");
}

#[test]
fn a_system_without_a_model_is_simulated_by_its_routes() {
    for business in businesses_by_routes() {
        let report = run_many(business, 1..SEEDS_BY_ROUTES + 1, None, 2);
        assert!(report.failed.is_none(), "{report}");
    }
}

/// What the runtime would not do, where a system notices it by what its contexts declare of each other.
const DECLARED: &[Mitigation] = &[Mitigation::UndoAfterSilence, Mitigation::DropDuplicates];

#[test]
fn a_system_without_a_line_in_the_simulator_is_simulated_with_what_it_declares() {
    let report = run_many(seventh(), 1..SEEDS + 1, None, 2);
    assert!(report.failed.is_none(), "{report}");
    let verdicts: Vec<_> =
        (1..=SEEDS).map(|seed| Run::of(seed).run(seventh(), false).seen).collect();
    assert_eq!(missing(seventh(), &verdicts), Vec::<String>::new());
    for mitigation in DECLARED {
        let noticed = seeds_until_noticed(seventh(), *mitigation, 300);
        let (_, wrong) = noticed.unwrap_or_else(|| panic!("{mitigation:?} goes unnoticed"));
        println!("{mitigation:?}: {wrong}");
    }
}
