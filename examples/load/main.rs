//! Puts load on a server and prints figures, with a bare actix-web echo in the same run as the ceiling.
//!
//! ```text
//! cargo run --release --example load -- rents --connections 100 --seconds 10
//! cargo run --release --example load -- views
//! cargo run --release --example load -- nodes
//! cargo run --release --example load -- long --total 1000000
//! ```

mod engine;
mod nodes;
mod scenes;
mod servers;

use clap::{Parser, Subcommand};
use engine::{Figures, Until};
use scenes::Before;
use servers::{Holdfast, Running, metric};
use std::{
    io::{Error, Result},
    path::PathBuf,
    process::Command,
    time::Duration,
};

/// Puts load on a server and prints figures.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Connections, each with one request under way.
    #[arg(long, global = true, default_value_t = 100)]
    connections: usize,
    /// How long each measurement takes.
    #[arg(long, global = true, default_value_t = 10)]
    seconds: u64,
    /// A fresh server that runs already (`127.0.0.1:8088`); without it one is built and started.
    #[arg(long, global = true)]
    url: Option<String>,
    /// The server's binary; without it one is built.
    #[arg(long, global = true)]
    binary: Option<PathBuf>,
    /// What every request shows as `Authorization: Bearer`; for a server that runs already.
    #[arg(long, global = true, requires = "url")]
    token: Option<String>,
}

#[derive(Subcommand, Clone, Copy)]
enum What {
    /// Rents: each takes a book of its own, and is on disk before it is answered.
    Rents {
        /// Books that are registered before the measurement; 60,000 a second when left out.
        #[arg(long)]
        books: Option<u64>,
    },
    /// Rows of the view.
    Views {
        /// Rents that are made before the measurement.
        #[arg(long, default_value_t = 20_000)]
        rows: u64,
    },
    /// Rents whose book is in the same process, and on another node.
    Nodes,
    /// The echo alone.
    Echo,
    /// Very many rents, slice by slice, and a restart on what they leave.
    Long {
        /// How many.
        #[arg(long, default_value_t = 1_000_000)]
        total: u64,
        /// In how many slices.
        #[arg(long, default_value_t = 10)]
        slices: u64,
    },
    /// The echo's server; used by this program itself.
    #[command(hide = true)]
    EchoServer,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(token) = &arguments.token {
        engine::TOKEN.get_or_init(|| token.clone());
    }
    match arguments.what {
        What::EchoServer => servers::serve_echo(),
        What::Echo => arguments.echo().map(drop),
        What::Nodes => nodes::compare(
            &arguments.binary()?,
            arguments.connections,
            Duration::from_secs(arguments.seconds),
        ),
        What::Long { total, slices } => arguments.long(total, slices.max(1)),
        What::Rents { .. } | What::Views { .. } => arguments.compared(),
    }
}

/// Builds the server in the profile that this program was built in; returns its path.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--bin", "holdfast", "--profile", profile])
        .status()?;
    let binary = std::env::current_exe()?
        .parent()
        .and_then(|examples| Some(examples.parent()?.join("holdfast")));
    binary.filter(|_| built.success()).ok_or_else(|| Error::other("the server cannot be built"))
}

impl Arguments {
    fn binary(&self) -> Result<PathBuf> {
        self.binary.clone().map_or_else(build, Ok)
    }

    fn time(&self) -> Until {
        Until::Elapsed(Duration::from_secs(self.seconds))
    }

    fn echo(&self) -> Result<f64> {
        let running = Running::echo()?;
        let before = Before::of(&running);
        let figures = scenes::echo(&running.address, self.connections, self.time())?;
        scenes::print("echo", &figures);
        before.print(&figures);
        Ok(figures.rate())
    }

    /// A measurement beside the echo.
    fn compared(&self) -> Result<()> {
        let holdfast =
            Holdfast::new(if self.url.is_none() { self.binary()? } else { PathBuf::new() })?;
        let running = if self.url.is_none() { Some(holdfast.start()?.0) } else { None };
        let given = self
            .url
            .as_deref()
            .unwrap_or_default()
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let address = running.as_ref().map_or(given, |running| running.address.as_str());
        if let Some(resident) = running.as_ref().and_then(Running::resident) {
            println!("empty server: {resident:.1} MiB resident");
        }
        let books = match self.what {
            What::Rents { books } => books.unwrap_or(self.seconds * 60_000),
            What::Views { rows } => rows,
            _ => 0,
        };
        println!("registering {books} books");
        scenes::register(address, self.connections, 1, books)?;
        if let What::Views { rows } = self.what {
            scenes::rents(address, self.connections, Until::Sent(rows), 1, rows + 1)?;
        }
        // Taking turns: what else the machine does comes and goes within seconds. Rents have an aftermath, so they take
        // longer ones.
        let slice = match self.what {
            What::Views { .. } => Duration::from_secs(1),
            _ => Duration::from_secs(self.seconds.div_ceil(2)),
        };
        let echo = Running::echo()?;
        let before_echo = Before::of(&echo);
        let before = running.as_ref().map(Before::of);
        let mut ceiling = Figures::default();
        let mut figures = Figures::default();
        while figures.elapsed < Duration::from_secs(self.seconds) {
            ceiling.add(&scenes::echo(&echo.address, self.connections, Until::Elapsed(slice))?);
            figures.add(&match self.what {
                What::Views { rows } => {
                    scenes::views(address, self.connections, Until::Elapsed(slice), rows)?
                }
                _ => {
                    let first = 1 + figures.answered;
                    scenes::rents(
                        address,
                        self.connections,
                        Until::Elapsed(slice),
                        first,
                        books + 1,
                    )?
                }
            });
        }
        scenes::print("echo", &ceiling);
        before_echo.print(&ceiling);
        scenes::print(
            if matches!(self.what, What::Views { .. }) { "views" } else { "rents" },
            &figures,
        );
        if let Some(before) = before {
            before.print(&figures);
        }
        println!("  ratio to the echo {:>9.3}", figures.rate() / ceiling.rate());
        Ok(())
    }

    /// Very many rents; what they cost at the start and at the end, and how long a restart takes on them.
    fn long(&self, total: u64, slices: u64) -> Result<()> {
        let holdfast = Holdfast::new(self.binary()?)?;
        let (running, ready) = holdfast.start()?;
        println!(
            "empty server: ready after {} ms, {:.1} MiB resident",
            ready.as_millis(),
            running.resident().unwrap_or_default()
        );
        let ceiling = self.echo()?;
        println!("   rents  a second  of echo   p99 ms  longest ms  syncs  resident MiB  disk MiB");
        let mut rates = Vec::new();
        for slice in 0..slices {
            let first = 1 + total * slice / slices;
            let end = 1 + total * (slice + 1) / slices;
            scenes::register(&running.address, self.connections, first, end - first)?;
            let syncs = metric(&running.address, "holdfast_store_syncs_total").unwrap_or_default();
            let figures = scenes::rents(
                &running.address,
                self.connections,
                Until::Sent(end - first),
                first,
                end,
            )?;
            if figures.refused + figures.failed > 0 {
                println!("{} were refused, {} failed", figures.refused, figures.failed);
            }
            println!(
                "{:>8}  {:>8.0}  {:>7.3}  {:>7.2}  {:>10.1}  {:>5.0}  {:>12.1}  {:>8.0}",
                end - 1,
                figures.rate(),
                figures.rate() / ceiling,
                figures.percentile(0.99),
                figures.longest(),
                metric(&running.address, "holdfast_store_syncs_total").unwrap_or_default() - syncs,
                running.resident().unwrap_or_default(),
                holdfast.on_disk(),
            );
            rates.push(figures.rate());
        }
        if let (Some(first), Some(last)) = (rates.first(), rates.last()) {
            println!("the last slice runs at {:.2} of the first", last / first);
        }
        println!("the echo again, for what the machine itself did meanwhile:");
        println!("  it runs at {:.2} of what it ran at before", self.echo()? / ceiling);
        running.end()?;
        let (running, ready) = holdfast.start()?;
        let resident = running.resident().unwrap_or_default();
        println!(
            "restarted on {total} rents: ready after {} ms, {resident:.1} MiB resident",
            ready.as_millis()
        );
        Ok(())
    }
}
