//! What is left when everything is quiet, and whether it is as promised.

use crate::{
    app::Failure,
    lab::{
        client::{Client, Health, number},
        load::Figures,
        scene::Scene,
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
    /// Orders that were recorded: their number is spent, whatever became of them.
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
pub async fn quiet(client: &Client) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut before = None;
    loop {
        let contexts = client.contexts().await?;
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

/// Places one more order, with nothing in its way: its number tells how many were begun before it.
async fn next(client: &Client, scene: &Scene, good: u64) -> Result<u64, Failure> {
    let begun = Instant::now();
    // An order that meets an open breaker has no number, and one that meets none does not fail.
    while client.guard(scene.asked).await?.breaker == "open" && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let order = client.must(Method::POST, scene.orders, Some(&(scene.order)(good))).await?;
    number(&order, "id").ok_or_else(|| Failure::Failed(format!("an order has no number: {order}")))
}

/// Looks at what a run has left.
pub async fn find(
    client: &Client,
    scene: &Scene,
    (tries, opened, usual): (u32, u64, bool),
    figures: Figures,
    good: u64,
) -> Result<Findings, Failure> {
    quiet(client).await?;
    let begun = next(client, scene, good).await?.saturating_sub(1);
    quiet(client).await?;
    let orders = client.numbers(scene.established.0, scene.established.1).await?;
    let kept = client.numbers(scene.kept.0, scene.kept.1).await?;

    let mut promises = vec![answered(scene, &figures, opened)];
    if tries > 1 && usual {
        let kept = figures.established * 100 > begun * 99;
        promises.push(Promise {
            kept,
            what: "with a second try, more than 99 % of what was begun is established".into(),
        });
    }
    // The order that was placed last is one of them.
    let told = figures.established + 1;
    let there = orders.len() as u64;
    let what =
        format!("every order that was confirmed stands: {told} confirmed, {there} established");
    promises.push(Promise { kept: told == there, what });
    let halves = halves(&orders, &kept);
    let what = format!(
        "no order is half done: {} {}, {} orders established",
        kept.len(),
        scene.keeping,
        orders.len()
    );
    let what = if halves.is_empty() { what } else { format!("{what}; not both of {halves:?}") };
    promises.push(Promise { kept: halves.is_empty(), what });
    Ok(Findings { figures, begun, opened, promises })
}

fn answered(scene: &Scene, figures: &Figures, opened: u64) -> Promise {
    // Where a failed order is shown as one, trying again later is for those who were not even asked about.
    let (what, astray) = match (scene.shows_failures, opened) {
        (true, 0) => ("everything was answered: with 201", figures.retry_later > 0),
        (true, _) => (
            "everything was answered: with 201, or while the breaker was open with 503 and Retry-After",
            false,
        ),
        (false, _) => ("everything was answered: with 201, or with 503 and Retry-After", false),
    };
    match &figures.other {
        None => Promise { kept: !astray, what: what.into() },
        Some((first, count)) => {
            Promise { kept: false, what: format!("{what}; {count} were not, such as {first}") }
        }
    }
}

/// Those that are in one of two sorted lists only, or twice; the first few.
fn halves(orders: &[u64], kept: &[u64]) -> Vec<u64> {
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
        assert_eq!(halves(&[1, 2, 3], &[1, 2, 3]), Vec::<u64>::new());
        assert_eq!(halves(&[1, 2], &[2, 3]), [1, 3]);
        assert_eq!(halves(&[1], &[1, 1]), [1]);
    }

    #[test]
    fn what_else_was_said_is_not_as_promised() {
        for scene in SCENES {
            let mut figures = Figures { established: 1, ..Figures::default() };
            assert!(answered(scene, &figures, 0).kept);
            figures.retry_later = 1;
            assert_eq!(answered(scene, &figures, 0).kept, !scene.shows_failures);
            assert!(answered(scene, &figures, 1).kept);
            figures.other = Some(("500 {}".into(), 1));
            assert!(!answered(scene, &figures, 1).kept);
        }
    }
}
