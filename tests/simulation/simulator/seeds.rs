//! Many seeds, and what to say of one that fails.

use super::{
    mitigation::Mitigation,
    systems::Business,
    trace::{Tail, Trace},
    world::World,
};
use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What came of one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The digest of everything that happened.
    pub hash: u64,
    pub steps: u64,
    pub wrong: Option<String>,
}

fn run_into(
    business: &'static Business,
    seed: u64,
    off: Option<Mitigation>,
    trace: Trace,
) -> Verdict {
    let run = || {
        let mut world = World::new(business, seed, off, trace);
        let steps = world.run();
        Verdict { hash: world.network.trace.hash(), steps, wrong: world.network.wrong }
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let words = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
        Verdict { hash: 0, steps: 0, wrong: Some(format!("it panics: {words}")) }
    })
}

/// Runs one seed; `print` shows everything that happens.
pub fn run(
    business: &'static Business,
    seed: u64,
    off: Option<Mitigation>,
    print: bool,
) -> Verdict {
    run_into(business, seed, off, Trace::new(None, print))
}

/// What came of many seeds.
pub struct Report {
    business: &'static Business,
    pub seeds: u64,
    pub steps: u64,
    pub took: Duration,
    /// A seed for which something is wrong, if there is one, and what.
    pub failed: Option<(u64, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { business, seeds, steps, took, failed } = self;
        let per_second = *seeds as f64 / took.as_secs_f64();
        let system = business.system;
        let took = took.as_secs_f64();
        write!(
            f,
            "{system}: {seeds} seeds, {steps} steps in {took:.1} s, {per_second:.0} seeds/s"
        )?;
        let Some((seed, wrong)) = failed else { return Ok(()) };
        let tail = Tail::default();
        run_into(business, *seed, None, Trace::new(Some(tail.clone()), false));
        writeln!(f, "\n\nseed {seed} goes wrong; the end of its trace:")?;
        tail.lock()
            .expect("no panic holds it")
            .iter()
            .try_for_each(|line| writeln!(f, "| {line}"))?;
        writeln!(f, "{system}, seed {seed}: {wrong}")?;
        write!(
            f,
            "to see all of it: cargo run --release --example simulate -- --system {system} --seed {seed} --trace"
        )
    }
}

/// Runs many seeds on that many threads, until one fails.
pub fn run_many(
    business: &'static Business,
    seeds: Range<u64>,
    off: Option<Mitigation>,
    threads: usize,
) -> Report {
    let next = AtomicU64::new(seeds.start);
    let done = AtomicU64::new(0);
    let steps = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let failed: Mutex<Option<(u64, String)>> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end || stop.load(Relaxed) {
                        return;
                    }
                    let verdict = run(business, seed, off, false);
                    done.fetch_add(1, Relaxed);
                    steps.fetch_add(verdict.steps, Relaxed);
                    if let Some(wrong) = verdict.wrong {
                        stop.store(true, Relaxed);
                        let mut failed = failed.lock().expect("no thread panics with it");
                        if failed.as_ref().is_none_or(|(first, _)| seed < *first) {
                            *failed = Some((seed, wrong));
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panicked with it");
    Report {
        business,
        seeds: done.into_inner(),
        steps: steps.into_inner(),
        took: began.elapsed(),
        failed,
    }
}

/// The first seed, of so many, under which the lack of `mitigation` shows, and how.
pub fn seeds_until_noticed(
    business: &'static Business,
    mitigation: Mitigation,
    seeds: u64,
) -> Option<(u64, String)> {
    (1..=seeds).find_map(|seed| Some((seed, run(business, seed, Some(mitigation), false).wrong?)))
}

/// The events that no context says under so many seeds, though it could.
pub fn unsaid(business: &'static Business, seeds: u64) -> BTreeSet<String> {
    let mut unsaid = BTreeSet::new();
    for seed in 1..=seeds {
        let mut world = World::new(business, seed, None, Trace::default());
        world.run();
        for context in &world.contexts {
            let named = |event: &str| format!("{}: {event}", context.name());
            if seed == 1 {
                unsaid.extend(context.sayable().iter().map(|event| named(event)));
            }
            for (_, event) in context.events() {
                let name = event.as_object().and_then(|event| event.keys().next()).cloned();
                name.map(|name| unsaid.remove(&named(&name)));
            }
        }
    }
    unsaid
}
