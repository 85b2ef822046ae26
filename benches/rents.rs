//! Durable rents and views of the whole server against the bare echo of the same run, 5 s each. The load command
//! (`cargo run --release --example load`) does the same at length. Under `cargo test` it makes a short pass that only
//! shows that it still works.

#[path = "../examples/load/engine.rs"]
mod engine;
#[path = "../examples/load/scenes.rs"]
mod scenes;
#[path = "../examples/load/servers.rs"]
mod servers;

use engine::Until;
use scenes::Before;
use servers::{Holdfast, Running};
use std::{io::Result, time::Duration};

const CONNECTIONS: usize = 100;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("echo-server") {
        return servers::serve_echo();
    }
    // Cargo passes `--bench` when figures are wanted.
    let (books, time) = if std::env::args().any(|argument| argument == "--bench") {
        (150_000, Until::Elapsed(Duration::from_secs(5)))
    } else {
        (500, Until::Sent(500))
    };
    let echo = Running::echo()?;
    let holdfast = Holdfast::new(env!("CARGO_BIN_EXE_holdfast").into())?;
    let (running, ready) = holdfast.start()?;
    println!(
        "empty server: ready after {} ms, {:.1} MiB",
        ready.as_millis(),
        running.resident().unwrap_or_default()
    );
    scenes::register(&running.address, CONNECTIONS, 1, books)?;

    let mut ceiling = scenes::echo(&echo.address, CONNECTIONS, time)?;
    scenes::print("echo", &ceiling);
    let before = Before::of(&running);
    let rents = scenes::rents(&running.address, CONNECTIONS, time, 1, books + 1)?;
    scenes::print("rents", &rents);
    before.print(&rents);
    println!("  ratio to the echo {:>9.3}", rents.rate() / ceiling.rate());
    ceiling.add(&scenes::echo(&echo.address, CONNECTIONS, time)?);
    let before = Before::of(&running);
    let views = scenes::views(&running.address, CONNECTIONS, time, rents.answered.max(1))?;
    scenes::print("views", &views);
    before.print(&views);
    println!("  ratio to the echo {:>9.3}", views.rate() / ceiling.rate());
    println!("{:.0} MiB on disk", holdfast.on_disk());
    running.end()
}
