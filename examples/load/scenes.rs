//! What the load consists of: registering, renting, looking, and the echo beside it.

use crate::{
    engine::{Figures, Next, Until, drive, get, post},
    servers::{Running, fetch, metric},
};
use std::{
    io::{Error, Result},
    thread::sleep,
    time::{Duration, Instant},
};

/// Registers so many books, numbered from `first` on a server that has had no others.
///
/// # Errors
/// When one is refused.
pub fn register(address: &str, connections: usize, first: u64, count: u64) -> Result<()> {
    let mut number = first;
    let next: Next = Box::new(move |into| {
        post(into, "/books", &format!(r#"{{"title":"title{number}"}}"#));
        number += 1;
        true
    });
    let figures = drive(address, connections, Until::Sent(count), next)?;
    match figures.refused {
        0 => Ok(()),
        refused => Err(Error::other(format!("{refused} of {count} books were refused"))),
    }
}

/// The body of a rent.
fn rent(book: u64) -> String {
    format!(r#"{{"bookId":{book},"userId":{},"address":"Seoul, Jongno-gu 1"}}"#, book % 10_000 + 1)
}

/// Rents the books `first..end`, each once.
///
/// # Errors
/// When the server goes away.
pub fn rents(
    address: &str,
    connections: usize,
    until: Until,
    first: u64,
    end: u64,
) -> Result<Figures> {
    let mut book = first;
    let next: Next = Box::new(move |into| {
        let there_is_one = book < end;
        if there_is_one {
            post(into, "/rents", &rent(book));
            book += 1;
        }
        there_is_one
    });
    drive(address, connections, until, next)
}

/// Looks at rows `1..=highest` of the view, far apart from each other.
///
/// # Errors
/// When the server goes away, or the rows do not appear.
pub fn views(address: &str, connections: usize, until: Until, highest: u64) -> Result<Figures> {
    // The view follows the rents by policy; what is measured are rows that are there.
    let begun = Instant::now();
    while fetch(address, &format!("/views/{highest}"))?.0 != 200 {
        if begun.elapsed() > Duration::from_secs(60) {
            return Err(Error::other(format!(
                "there is no row {highest} in the view after a minute"
            )));
        }
        sleep(Duration::from_millis(10));
    }
    let mut turn = 0_u64;
    let next: Next = Box::new(move |into| {
        turn = turn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        get(into, &format!("/views/{}", (turn >> 32) % highest + 1));
        true
    });
    drive(address, connections, until, next)
}

/// The bare echo of a rent's body.
///
/// # Errors
/// When the server goes away.
pub fn echo(address: &str, connections: usize, until: Until) -> Result<Figures> {
    let mut book = 0;
    let next: Next = Box::new(move |into| {
        book += 1;
        post(into, "/echo", &rent(book));
        true
    });
    drive(address, connections, until, next)
}

/// A process before a measurement, to be compared with what it is after.
pub struct Before<'a> {
    running: &'a Running,
    syncs: Option<f64>,
    processor: Option<Duration>,
}

impl<'a> Before<'a> {
    /// Looks at it.
    pub fn of(running: &'a Running) -> Self {
        let syncs = metric(&running.address, "holdfast_store_syncs_total");
        Self { running, syncs, processor: running.processor() }
    }

    /// Prints what the measurement cost.
    pub fn print(self, figures: &Figures) {
        let after = Self::of(self.running);
        let answered = figures.answered.max(1) as f64;
        if let (Some(before), Some(after)) = (self.processor, after.processor) {
            println!(
                "  processor time    {:>9.1} us a request",
                (after - before).as_secs_f64() * 1e6 / answered
            );
        }
        if let (Some(before), Some(after)) = (self.syncs, after.syncs) {
            let syncs = after - before;
            println!(
                "  syncs             {syncs:>9.0}    ({:.1} requests each)",
                answered / syncs.max(1.0)
            );
        }
        if let Some(resident) = self.running.resident() {
            println!("  resident memory   {resident:>9.1} MiB");
        }
    }
}

/// Prints what a measurement gave.
pub fn print(what: &str, figures: &Figures) {
    println!("{what}: {} requests in {:.1} s", figures.answered, figures.elapsed.as_secs_f64());
    println!("  rate              {:>9.0} a second", figures.rate());
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("  {name:<5}             {:>9.2} ms", figures.percentile(share));
    }
    println!("  longest           {:>9.2} ms", figures.longest());
    println!("  not 2xx, Fail     {:>9}, {}", figures.refused, figures.failed);
}
