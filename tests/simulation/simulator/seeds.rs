//! Many seeds, and the shortest schedule of one that fails.

use super::{
    panics::Watch,
    plan::Plan,
    seen::{Declared, Seen},
    systems::Business,
    trace::{Tail, Trace},
    world::World,
};
use holdfast::actors::Safeguard;
use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use support::chance::Chance;

/// To shrink a schedule, no more than so many are tried.
const TRIES: usize = 150;

/// One schedule of one system.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub seed: u64,
    /// What is left out.
    pub without: Option<Safeguard>,
    /// No more than so many steps.
    pub most: u64,
    /// Steps that do nothing.
    pub skipped: BTreeSet<u64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The digest of everything that happened.
    pub hash: u64,
    pub steps: u64,
    pub wrong: Option<String>,
    /// What happened.
    pub seen: Seen,
    /// How many events came to another node by its feed, and how many its source was asked for, where any node listens to
    /// another.
    pub carried: Option<(u64, u64)>,
}

impl Run {
    pub fn of(seed: u64) -> Self {
        Self { seed, without: None, most: u64::MAX, skipped: BTreeSet::new() }
    }
    pub fn without(self, without: Option<Safeguard>) -> Self {
        Self { without, ..self }
    }

    /// Runs it; `print` shows everything that happens.
    pub fn run(&self, business: &'static Business, print: bool) -> Verdict {
        self.run_into(business, Trace::new(None, print))
    }

    fn run_into(&self, business: &'static Business, trace: Trace) -> Verdict {
        self.then(business, trace, |world, steps| Verdict {
            hash: world.conditions.hash(),
            steps,
            wrong: world.wrong.take(),
            seen: world.seen(),
            carried: world.carried(),
        })
        .unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let words = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
            let wrong = Some(format!("it panics: {words}"));
            // It ended somewhere within its schedule.
            let steps = Plan::of(&mut Chance::new(self.seed)).steps.min(self.most);
            let seen = Seen::default();
            Verdict { hash: 0, steps, wrong, seen, carried: None }
        })
    }

    /// Runs it on a thread whose clock is paused, and looks at the world then.
    fn then<T>(
        &self,
        business: &'static Business,
        trace: Trace,
        look: impl FnOnce(&mut World, u64) -> T,
    ) -> std::thread::Result<T> {
        let _watch = Watch::begin();
        catch_unwind(AssertUnwindSafe(|| {
            let runtime = || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_time().start_paused(true).build().expect("a runtime")
            };
            actix_rt::System::with_tokio_rt(runtime).block_on(async {
                let mut world = World::new(business, self.seed, self.without, trace);
                let steps = world.run(self.most, &self.skipped).await;
                look(&mut world, steps)
            })
        }))
    }

    /// A schedule with fewer steps that goes wrong, too.
    pub fn shrunk(self, business: &'static Business) -> Self {
        let Verdict { steps, wrong, .. } = self.run(business, false);
        if wrong.is_none() {
            return self;
        }
        let mut shortest = Self { most: self.most.min(steps), ..self };
        let mut tries = 0;
        let mut size = shortest.most.div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < shortest.most {
                let more = (from..shortest.most.min(from + size))
                    .filter(|step| !shortest.skipped.contains(step));
                let mut candidate = shortest.clone();
                candidate.skipped.extend(more);
                tries += 1;
                if tries > TRIES {
                    return shortest;
                }
                if candidate.skipped != shortest.skipped
                    && candidate.run(business, false).wrong.is_some()
                {
                    shortest = candidate;
                }
                from += size;
            }
            size /= 2;
        }
        shortest
    }

    /// What goes wrong, the end of the trace with fewer steps, and how to see all of it.
    pub fn report(&self, business: &'static Business) -> String {
        let system = business.name;
        let Self { seed, .. } = self;
        let Some(wrong) = self.run(business, false).wrong else {
            return format!("{system}, seed {seed}: all is well");
        };
        let shrunk = self.clone().shrunk(business);
        let tail = Tail::default();
        let again = shrunk.run_into(business, Trace::new(Some(tail.clone()), false));
        let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: String = tail.iter().map(|line| format!("| {line}\n")).collect();
        format!(
            "{system}, seed {seed}: {wrong}\nthe end of its trace with {} steps:\n{lines}with these: {}\n\
             to see all of it: {}",
            shrunk.length(),
            again.wrong.unwrap_or_default(),
            shrunk.command(business)
        )
    }

    /// How many steps do something.
    pub fn length(&self) -> u64 {
        self.most - self.skipped.len() as u64
    }

    /// The command that runs it again and shows everything.
    pub fn command(&self, business: &Business) -> String {
        // What overflows without a word in a release stops a build for tests.
        let profile = if cfg!(debug_assertions) { "" } else { "--release " };
        let mut command = format!(
            "cargo run {profile}--example simulate -- --system {} --seed {}",
            business.name, self.seed
        );
        if business.is_by_routes {
            command.push_str(" --by-routes");
        }
        if self.most < u64::MAX {
            command.push_str(&format!(" --steps {}", self.most));
        }
        if !self.skipped.is_empty() {
            let skipped: Vec<String> = self.skipped.iter().map(u64::to_string).collect();
            command.push_str(&format!(" --skip {}", skipped.join(",")));
        }
        if let Some(without) = self.without {
            command.push_str(&format!(" --without {}", without.as_ref()));
        }
        command + " --trace"
    }
}

/// What came of many seeds.
pub struct Report {
    business: &'static Business,
    pub seeds: u64,
    pub steps: u64,
    pub took: Duration,
    /// A seed for which something is wrong, if there is one, and what.
    pub failed: Option<(Run, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { business, seeds, steps, took, failed } = self;
        let per_second = *seeds as f64 / took.as_secs_f64();
        let system = business.name;
        let took = took.as_secs_f64();
        write!(
            f,
            "{system}: {seeds} seeds, {steps} steps in {took:.1} s, {per_second:.0} seeds/s"
        )?;
        match failed {
            Some((run, _)) => write!(f, "\n\n{}", run.report(business)),
            None => Ok(()),
        }
    }
}

/// Runs many seeds on that many threads, until one fails.
pub fn run_many(
    business: &'static Business,
    seeds: Range<u64>,
    without: Option<Safeguard>,
    threads: usize,
) -> Report {
    let next = AtomicU64::new(seeds.start);
    let done = AtomicU64::new(0);
    let steps = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let failed: Mutex<Option<(Run, String)>> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end || stop.load(Relaxed) {
                        return;
                    }
                    let run = Run::of(seed).without(without);
                    let verdict = run.run(business, false);
                    done.fetch_add(1, Relaxed);
                    steps.fetch_add(verdict.steps, Relaxed);
                    if let Some(wrong) = verdict.wrong {
                        stop.store(true, Relaxed);
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        if failed.as_ref().is_none_or(|(first, _)| seed < first.seed) {
                            *failed = Some((run, wrong));
                        }
                    }
                }
            });
        }
    });
    Report {
        business,
        seeds: done.into_inner(),
        steps: steps.into_inner(),
        took: began.elapsed(),
        failed: failed.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// The first seed, of so many, under which the lack of `safeguard` shows, and how.
pub fn seeds_until_noticed(
    business: &'static Business,
    safeguard: Safeguard,
    seeds: u64,
) -> Option<(Run, String)> {
    (1..=seeds).find_map(|seed| {
        let run = Run::of(seed).without(Some(safeguard));
        let wrong = run.run(business, false).wrong?;
        Some((run, wrong))
    })
}

/// What the contexts of a system declare, and no run has brought about.
pub fn missing(business: &Business, seen: &[Seen]) -> Vec<String> {
    let mut declared = Declared::default();
    business.lay_out(&mut declared);
    let is_missing = |what: &String| !seen.iter().any(|seen| seen.0.contains(what));
    declared.0.0.into_iter().filter(is_missing).collect()
}
