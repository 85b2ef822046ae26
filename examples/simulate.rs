//! Simulates systems under many seeds: `cargo run --release --example simulate -- --seeds 2000`. With `--proof` it shows which
//! safeguards would be missed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/simulation/simulator/mod.rs"]
mod simulator;

use clap::Parser;
use holdfast::{actors::Safeguard, domain};
use simulator::{
    Business, Run, businesses, businesses_by_routes, find_business, run_many, seeds_until_noticed,
    together,
};
use std::process::ExitCode;
use strum::VariantArray;

/// Runs the real actors of systems in virtual time, where everything goes wrong.
#[derive(Parser)]
struct Options {
    /// Which system, or `all` of them at once; one after the other, and then at once, when left out.
    #[arg(long)]
    system: Option<String>,
    /// Clients know no more than the routes.
    #[arg(long)]
    by_routes: bool,
    /// One seed.
    #[arg(long)]
    seed: Option<u64>,
    /// No more than so many steps of it.
    #[arg(long)]
    steps: Option<u64>,
    /// Steps of it that do nothing: `3,4,9`.
    #[arg(long, value_delimiter = ',')]
    skip: Vec<u64>,
    /// So many seeds.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// On so many threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Shows everything that happens under the seed.
    #[arg(long)]
    trace: bool,
    /// Leaves one safeguard out: `keep-withdrawals`.
    #[arg(long)]
    without: Option<Safeguard>,
    /// Leaves the safeguards out one by one, or the one that is named, and prints after how many seeds it shows.
    #[arg(long)]
    proof: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let chosen: Vec<&Business> = match &options.system {
        Some(system) => find_business(system, options.by_routes).into_iter().collect(),
        None if options.by_routes => businesses_by_routes().iter().collect(),
        None => businesses().iter().chain(together()).collect(),
    };
    if chosen.is_empty() {
        eprintln!("there is no such system to simulate");
        return ExitCode::FAILURE;
    }
    let mut right = true;
    for business in chosen {
        if options.proof {
            prove(business, options.without, options.seeds);
        } else if let Some(seed) = options.seed {
            let run = Run {
                seed,
                without: options.without,
                most: options.steps.unwrap_or(u64::MAX),
                skipped: options.skip.iter().copied().collect(),
            };
            let verdict = run.run(business, options.trace);
            println!(
                "{}, seed {seed}: {}",
                business.name,
                verdict.wrong.as_deref().unwrap_or("all is well")
            );
            right &= verdict.wrong.is_none();
        } else {
            let report = run_many(
                business,
                options.from..options.from + options.seeds,
                options.without,
                options.threads,
            );
            println!("{report}");
            right &= report.failed.is_none();
        }
    }
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prove(business: &'static Business, only: Option<Safeguard>, seeds: u64) {
    let chosen = |safeguard: &&Safeguard| only.is_none_or(|only| only == **safeguard);
    for safeguard in Safeguard::VARIANTS.iter().filter(chosen) {
        let system = business.name;
        let name = safeguard.as_ref();
        match seeds_until_noticed(business, *safeguard, seeds) {
            Some((run, wrong)) => println!("{system} without {name}: seed {}: {wrong}", run.seed),
            None => println!("{system} without {name}: unnoticed in {seeds} seeds"),
        }
    }
}
