//! The real actors of every system under many schedules, each of which a seed determines.
use crate::simulator::{
    Business, Model, Run, Scene, Seen, Verdict, businesses, businesses_by_routes, lonely, missing,
    run_many, seeds_until_noticed, seventh, together,
};
use holdfast::actors::Safeguard;
use std::{collections::BTreeSet, ops::Range, panic::catch_unwind, thread};
use strum::VariantArray;

/// So many seeds a system; `cargo run --release --example simulate` tries more.
const SEEDS: u64 = 50;
/// The same, where all systems are run at once, or clients know no more than the routes of a system.
const FEW_SEEDS: u64 = 10;

#[test]
fn every_system_is_simulated() {
    let simulated: Vec<&str> = businesses().iter().map(|business| business.name).collect();
    assert_eq!(simulated, support::selected_systems(holdfast::systems::NAMES));
    assert_eq!(together().is_some(), simulated.len() > 1);
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
        let name = business.name;
        assert_eq!(one.wrong, None, "{}", Run::of(seed).report(business));
        assert_eq!(one, two, "{name}: seed {seed} is two schedules");
    }
    first
}

/// Runs so many seeds, each twice; gives what happened.
fn hold_under_every_schedule(business: &'static Business, seeds: u64) -> Vec<Seen> {
    let name = business.name;
    let verdicts = run_twice(business, 1..seeds + 1);
    let all: BTreeSet<u64> = verdicts.iter().map(|verdict| verdict.hash).collect();
    assert_eq!(all.len(), verdicts.len(), "{name}: another seed, another schedule");
    let carried: Vec<_> = verdicts.iter().filter_map(|verdict| verdict.carried).collect();
    let fed: u64 = carried.iter().map(|(fed, _)| fed).sum();
    let asked: u64 = carried.iter().map(|(_, asked)| asked).sum();
    // Contexts that listen to no other have nothing to carry.
    let is_spread = business.is_known() || !carried.is_empty();
    assert_eq!(is_spread, fed > 0 && asked > 0, "{name}: {fed} events fed, {asked} asked for");
    verdicts.into_iter().map(|verdict| verdict.seen).collect()
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
        let seen = hold_under_every_schedule(business, SEEDS);
        // By its routes alone, not each event of a system comes about.
        if business.is_known() {
            let name = business.name;
            let known = NEVER_SEEN.iter().filter(|what| what.starts_with(name));
            let known: Vec<String> = known.map(|what| what.to_string()).collect();
            assert_eq!(missing(business, &seen), known, "{name}: what no schedule brings about");
        }
    }
}

#[test]
fn customers_of_all_systems_act_at_once_and_each_system_stays_right() {
    let Some(business) = together() else { return };
    let seen = hold_under_every_schedule(business, FEW_SEEDS);
    let missing = missing(business, &seen);
    for Model { name, .. } in &business.models {
        let is_of_it = |what: &&String| what.starts_with(name);
        assert!(seen.iter().any(|seen| seen.0.iter().any(|what| is_of_it(&what))), "{missing:?}");
    }
}

/// Schedules that once went wrong. In the first three a neighbour read what an actor had committed and not published before it
/// ended, which no other reader could find in its log yet. In the last one the simulator took an order for one that began to
/// wait just then, as its context had been busy at the look before.
const FOUND: &[(&str, u64)] = &[("ebook", 481), ("ebook", 93), ("bookrent", 6), ("ticketing", 836)];

#[test]
fn what_once_went_wrong_goes_right() {
    for business in businesses() {
        for (system, seed) in FOUND.iter().filter(|(system, _)| *system == business.name) {
            let verdict = Run::of(*seed).run(business, false);
            assert!(verdict.wrong.is_none(), "{system}, seed {seed}: {:?}", verdict.wrong);
        }
    }
}

/// What the runtime, or its disk, would not do, and the system that notices it soon.
const NOTICED: &[(Safeguard, &str)] = &[
    (Safeguard::KeepWithdrawals, "bookrent"),
    (Safeguard::KeepAnswers, "gbike"),
    (Safeguard::SendUndos, "bookrent"),
    (Safeguard::RefuseWhileOpen, "movie"),
    (Safeguard::PostponeWhileOpen, "movie"),
    (Safeguard::DropLateAnswers, "gbike"),
    (Safeguard::DropDuplicates, "bookrent"),
    (Safeguard::KeepPositions, "purifier"),
    (Safeguard::MoveWithEffect, "gbike"),
    (Safeguard::ReadTheLog, "bookrent"),
    (Safeguard::KeepParkedOrder, "bookrent"),
    (Safeguard::KeepMarks, "purifier"),
    (Safeguard::KeepWhatIsDurable, "bookrent"),
    (Safeguard::WaitForDisk, "bookrent"),
    (Safeguard::CheckClaims, "movie"),
    (Safeguard::KeepTimers, "ticketing"),
    (Safeguard::KeepQuestions, "bookrent"),
    (Safeguard::KeepNumbers, "bookrent"),
    (Safeguard::KeepKeys, "bookrent"),
    (Safeguard::TellOwners, "movie"),
    (Safeguard::HideUnpublished, "ebook"),
    (Safeguard::IsolateDamage, "bookrent"),
    (Safeguard::IsolateMessages, "bookrent"),
    (Safeguard::SplitRows, "bookrent"),
    (Safeguard::NoticeGaps, "bookrent"),
    (Safeguard::NameMissingRows, "bookrent"),
    (Safeguard::RecoverAsks, "movie"),
    (Safeguard::ComparePasts, "movie"),
    (Safeguard::ContinueLogs, "bookrent"),
    (Safeguard::BeginEpochs, "bookrent"),
    (Safeguard::CompareAsks, "bookrent"),
    (Safeguard::TrackProgress, "bookrent"),
    (Safeguard::KeepUntilTaken, "bookrent"),
    (Safeguard::KeepTimeForward, "bookrent"),
    (Safeguard::CarryTimeOn, "bookrent"),
    (Safeguard::BoundAdvance, "bookrent"),
    (Safeguard::LookAhead, "gbike"),
    (Safeguard::SettleAtOnce, "gbike"),
    (Safeguard::RepeatAsks, "movie"),
];

#[test]
fn everything_that_the_runtime_does_is_left_out_somewhere() {
    let left_out: Vec<Safeguard> = NOTICED.iter().map(|(safeguard, _)| *safeguard).collect();
    let all = Safeguard::VARIANTS.iter();
    let kept: Vec<_> = all.filter(|safeguard| !left_out.contains(safeguard)).collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn what_the_runtime_would_not_do_is_noticed() {
    for business in businesses() {
        let noticed = NOTICED.iter().filter(|(_, system)| *system == business.name);
        for (safeguard, system) in noticed {
            let noticed = seeds_until_noticed(business, *safeguard, 100);
            let Some((_, wrong)) = noticed else {
                panic!("{system}: that {safeguard:?} is left out goes unnoticed");
            };
            assert!(!wrong.contains("it panics"), "{system} without {safeguard:?}: {wrong}");
        }
    }
}

#[test]
fn a_schedule_that_fails_is_shrunk_and_its_command_repeats_it() {
    let Some(business) = businesses().first() else { return };
    let found = seeds_until_noticed(business, Safeguard::WaitForDisk, 1000);
    let (run, _) = found.expect("that answers do not wait for the disk is noticed");
    let steps = run.run(business, false).steps;
    let shrunk = run.clone().shrunk(business);
    assert!(shrunk.length() < steps, "{} of {steps} steps are left", shrunk.length());
    let verdict = shrunk.run(business, false);
    assert!(verdict.wrong.is_some());
    assert_eq!(shrunk.run(business, false), verdict);
    let command = shrunk.command(business);
    let seed = format!("--system {} --seed {}", business.name, run.seed);
    assert!(command.contains(&seed) && command.contains("--without wait-for-disk"), "{command}");
}

/// The first system, with this to hold at any time.
fn with(always: fn(&Scene<'_>) -> Result<(), String>) -> Option<&'static Business> {
    let model = *businesses().first()?.models.first()?;
    Some(Box::leak(Box::new(Business::of(Model { always, ..model }))))
}

#[test]
fn a_panic_is_noticed_also_where_it_is_caught() {
    let Some(business) = with(|_| {
        let _ = catch_unwind(|| panic!("this is caught"));
        Ok(())
    }) else {
        return;
    };
    let wrong = Run::of(1).run(business, false).wrong.unwrap_or_default();
    assert!(
        wrong.contains("it panics: panicked at") && wrong.contains("this is caught"),
        "{wrong}"
    );
    // Those of others are not taken for its own.
    let _ = catch_unwind(|| panic!("this is of no schedule"));
    let right = businesses().first().and_then(|business| Run::of(1).run(business, false).wrong);
    assert_eq!(right, None);
}

#[test]
fn a_schedule_that_ends_in_a_panic_is_shrunk_too() {
    let Some(business) = with(|scene| {
        assert!(scene.sent().count() < 12, "that is too much");
        Ok(())
    }) else {
        return;
    };
    let run = Run::of(1);
    let steps = run.run(business, false).steps;
    let shrunk = run.clone().shrunk(business);
    assert!(shrunk.length() < steps, "{} of {steps} steps are left", shrunk.length());
    let report = run.report(business);
    assert!(report.contains("that is too much") && report.contains(" --steps "), "{report}");
}

#[test]
fn a_system_without_a_model_is_simulated_by_its_routes() {
    for business in businesses_by_routes() {
        let report = run_many(business, 1..FEW_SEEDS + 1, None, 2);
        assert!(report.failed.is_none(), "{report}");
        let command = Run::of(1).command(business);
        assert!(command.contains("--by-routes"), "{command}");
        assert_eq!(command.contains("--release"), !cfg!(debug_assertions), "{command}");
    }
}

/// What the runtime would not do, where a system notices it by what its contexts declare of each other.
const DECLARED: &[Safeguard] = &[Safeguard::SendUndos, Safeguard::DropDuplicates];

#[test]
fn a_system_without_a_line_in_the_simulator_is_simulated_with_what_it_declares() {
    let seen = hold_under_every_schedule(seventh(), SEEDS);
    assert_eq!(missing(seventh(), &seen), Vec::<String>::new());
    for safeguard in DECLARED {
        let noticed = seeds_until_noticed(seventh(), *safeguard, 300);
        let (_, wrong) = noticed.unwrap_or_else(|| panic!("{safeguard:?} goes unnoticed"));
        println!("{safeguard:?}: {wrong}");
    }
}

#[test]
fn a_system_with_one_context_is_simulated_too() {
    hold_under_every_schedule(lonely(), FEW_SEEDS);
}
