//! What is left when everything is quiet, and whether it is as promised.

use crate::{
    app::Failure,
    lab::{
        client::{Client, Health, number_of},
        load::Figures,
        scene::{Orders, Scene},
    },
};
use reqwest::Method;
use std::time::{Duration, Instant};

/// How long it may take until nothing moves any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one run came to.
#[derive(Debug)]
pub struct Findings {
    pub figures: Figures,
    /// Orders that were recorded: their number is used, with any outcome.
    pub begun: u64,
    /// How often the breaker opened.
    pub opened: u64,
    pub promises: Vec<Promise>,
}

/// Something that is promised.
#[derive(Debug)]
pub struct Promise {
    pub kept: bool,
    pub what: String,
}

/// Waits until nothing moves any more.
pub async fn wait_until_quiet(client: &Client) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut before = None;
    loop {
        let contexts = client.list_contexts().await?;
        let busy = |health: &&Health| {
            let asks = health.guard.as_ref().map_or(0, |guard| guard.in_flight);
            health.mailbox + health.backlog + health.waiting + health.parked + asks > 0
        };
        let sequences: Vec<_> = contexts.iter().map(|health| health.last_sequence).collect();
        match contexts.iter().find(busy) {
            None if before.as_ref() == Some(&sequences) => return Ok(()),
            Some(health) if begun.elapsed() > PATIENCE => {
                return Err(Failure::Failed(format!(
                    "after {PATIENCE:?} it is not quiet: {health:?}"
                )));
            }
            busy => before = busy.is_none().then_some(sequences),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Places one more order, with nothing in its way: its number is how many were begun before it, and one.
async fn next(
    client: &Client,
    (scene, orders): (&Scene, &Orders),
    good: u64,
) -> Result<u64, Failure> {
    let begun = Instant::now();
    // An order that meets an open breaker has no number, and one that meets none does not fail.
    while client.guard_report(orders.asked).await?.breaker == "open" && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let order =
        client.send_expecting(Method::POST, scene.path, Some(&(orders.order)(good))).await?;
    number_of(&order, "id")
        .ok_or_else(|| Failure::Failed(format!("an order has no number: {order}")))
}

/// What it came to that lists were read.
pub fn of_reads(scene: &Scene, figures: Figures) -> Findings {
    let promises = vec![check_answered(scene, &figures, 0)];
    Findings { figures, begun: 0, opened: 0, promises }
}

/// Looks at what orders have left.
pub async fn of_orders(
    client: &Client,
    (scene, orders): (&Scene, &Orders),
    (tries, opened, usual): (u32, u64, bool),
    figures: Figures,
    good: u64,
) -> Result<Findings, Failure> {
    wait_until_quiet(client).await?;
    let begun = next(client, (scene, orders), good).await?.saturating_sub(1);
    wait_until_quiet(client).await?;
    let established = client.list_numbers(orders.established.0, orders.established.1).await?;
    let kept = client.list_numbers(orders.kept.0, orders.kept.1).await?;

    let mut promises = vec![check_answered(scene, &figures, opened)];
    if orders.contested {
        // The order that was placed last is for another one.
        let sold = established.len().saturating_sub(1);
        let what = format!("what all want has gone to one of them: {sold} established");
        promises.push(Promise { kept: sold == 1, what });
    } else if tries > 1 && usual {
        let kept = figures.established * 100 > begun * 99;
        promises.push(Promise {
            kept,
            what: "with a second try, more than 99 % of what was begun is established".into(),
        });
    }
    // The order that was placed last is one of them.
    let confirmed = figures.established + 1;
    let there = established.len() as u64;
    let what =
        format!("every confirmed order is established: {confirmed} confirmed, {there} established");
    promises.push(Promise { kept: confirmed == there, what });
    let halves = find_halves(&established, &kept);
    let what = format!(
        "no order is half done: {} {}, {} orders established",
        kept.len(),
        orders.keeping,
        established.len()
    );
    let what = if halves.is_empty() { what } else { format!("{what}; not both of {halves:?}") };
    promises.push(Promise { kept: halves.is_empty(), what });
    Ok(Findings { figures, begun, opened, promises })
}

fn check_answered(scene: &Scene, figures: &Figures, opened: u64) -> Promise {
    let orders = scene.orders();
    let shows_failures = orders.is_some_and(|orders| orders.shows_failures);
    let is_contested = orders.is_some_and(|orders| orders.contested);
    // Where a failed order is shown as one, trying again later is for those who were not even asked about.
    let (what, astray) = match (orders.is_some(), shows_failures, opened) {
        (false, ..) => ("everything was answered: with 200", false),
        (_, true, 0) => ("everything was answered: with 201", figures.retry_later > 0),
        (_, true, _) => (
            "everything was answered: with 201, or while the breaker was open with 503 and Retry-After",
            false,
        ),
        _ if is_contested => (
            "everything was answered: with 201, with 409 when it was taken, or with 503 and Retry-After",
            false,
        ),
        _ => ("everything was answered: with 201, or with 503 and Retry-After", false),
    };
    match &figures.other {
        None => Promise { kept: !astray, what: what.into() },
        Some((first, count)) => {
            Promise { kept: false, what: format!("{what}; {count} were not, such as {first}") }
        }
    }
}

/// Those that are in one of two sorted lists only, or twice; the first few.
fn find_halves(orders: &[u64], kept: &[u64]) -> Vec<u64> {
    let mut all: Vec<u64> = orders.iter().chain(kept).copied().collect();
    all.sort_unstable();
    let wrong = all.chunk_by(|one, other| one == other).filter(|both| both.len() != 2);
    wrong.filter_map(|both| both.first().copied()).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scene::SCENES;

    #[test]
    fn an_order_and_what_is_kept_for_it_go_together() {
        assert_eq!(find_halves(&[1, 2, 3], &[1, 2, 3]), Vec::<u64>::new());
        assert_eq!(find_halves(&[1, 2], &[2, 3]), [1, 3]);
        assert_eq!(find_halves(&[1], &[1, 1]), [1]);
    }

    #[test]
    fn what_else_was_said_is_not_as_promised() {
        for scene in SCENES {
            let mut figures = Figures { established: 1, ..Figures::default() };
            assert!(check_answered(scene, &figures, 0).kept);
            figures.retry_later = 1;
            let shows_failures = scene.orders().is_some_and(|orders| orders.shows_failures);
            assert_eq!(check_answered(scene, &figures, 0).kept, !shows_failures);
            assert!(check_answered(scene, &figures, 1).kept);
            figures.other = Some(("500 {}".into(), 1));
            assert!(!check_answered(scene, &figures, 1).kept);
        }
    }
}
