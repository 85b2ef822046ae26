//! The same rents, once with the book in the same process and once on another node, in one run.

use crate::{
    engine::Until,
    scenes,
    servers::{Holdfast, Running, fetch},
};
use std::{
    fs,
    io::{Error, Result},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a node may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures with one connection, where nothing waits for anything else, and with `connections`.
///
/// # Errors
/// When a node does not start, or goes away.
pub fn compare(binary: &Path, connections: usize, time: Duration) -> Result<()> {
    let alone = Holdfast::new(binary.to_owned())?;
    let (alone, _) = alone.start()?;
    let directory = TempDir::new()?;
    let [book, rest] = apart(binary, directory.path())?;
    let mut first = 1;
    for connections in [1, connections] {
        let books = time.as_secs().max(1) * (500 * connections as u64).min(10_000);
        for (what, address, register) in [
            ("the book in the same process", &alone.address, &alone.address),
            ("the book on another node", &rest.address, &book.address),
        ] {
            scenes::register(register, connections, first, books)?;
            let figures =
                scenes::rents(address, connections, Until::Elapsed(time), first, first + books)?;
            scenes::print(&format!("{what}, {connections} connections"), &figures);
        }
        first += books;
    }
    Ok(())
}

/// Two nodes: one for the book, and one for everything else, by its address.
fn apart(binary: &Path, directory: &Path) -> Result<[Running; 2]> {
    // Ports that are free now; the system hands them out in turns, so they are free a moment later.
    let places = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let addresses = [places[0].local_addr()?, places[1].local_addr()?];
    drop(places);
    let [book, rest] = addresses;
    let others: String = ["rent", "delivery", "view"]
        .map(|context| format!("\"bookrent.{context}\" = \"http://{rest}\"\n"))
        .concat();
    let toml = format!(
        "[http]\nworkers = 1\n[node]\ncredential = \"a-credential-for-measuring\"\n[peers]\n\
         \"bookrent.book\" = \"http://{book}\"\n{others}"
    );
    fs::write(directory.join("nodes.toml"), toml)?;
    let start = |name: &str, address: String, contexts: &str| {
        let node = Running::start(
            Command::new(binary)
                .args([
                    "serve",
                    "--system",
                    "bookrent",
                    "--listen",
                    &address,
                    "--contexts",
                    contexts,
                    "--config",
                ])
                .arg(directory.join("nodes.toml"))
                .arg("--data")
                .arg(directory.join(name))
                .env("RUST_LOG", "warn"),
        )?;
        let begun = Instant::now();
        while fetch(&node.address, "/readyz")?.0 != 200 {
            if begun.elapsed() > PATIENCE {
                return Err(Error::other(format!("the node for {contexts} is not ready")));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(node)
    };
    Ok([
        start("book", book.to_string(), "bookrent.book")?,
        start("rest", rest.to_string(), "bookrent.rent,bookrent.delivery,bookrent.view")?,
    ])
}
