//! How often a context may crash: a few restarts are bad luck, more are delayed, and a context that
//! keeps crashing fails.

use crate::actors::port::backoff::backoff_delay;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// So many restarts within [`WINDOW`] are bad luck.
const RESTARTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// After so many such windows in a row the context fails.
const WINDOWS: u32 = 3;
const SHORTEST: Duration = Duration::from_millis(100);

/// What to do about a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartDecision {
    /// Restart at once.
    GoOn,
    /// Restart after a pause.
    After(Duration),
    /// Fail, until an operator starts it.
    GiveUp,
}

/// The crashes of one context.
#[derive(Debug, Default)]
pub struct Restarts {
    recent: VecDeque<Instant>,
    windows: u32,
    last_window: Option<Instant>,
}

impl Restarts {
    /// Counts a crash.
    pub fn record_crash(&mut self, now: Instant) -> RestartDecision {
        self.recent.retain(|at| now.duration_since(*at) < WINDOW);
        self.recent.push_back(now);
        if self.recent.len() <= RESTARTS {
            return RestartDecision::GoOn;
        }
        self.recent.clear();
        // A crash long after the last one starts a new count.
        let in_a_row = self.last_window.is_some_and(|last| now.duration_since(last) < WINDOW * 3);
        self.windows = if in_a_row { self.windows + 1 } else { 1 };
        self.last_window = Some(now);
        if self.windows >= WINDOWS {
            RestartDecision::GiveUp
        } else {
            RestartDecision::After(backoff_delay(self.windows.into(), SHORTEST, WINDOW))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_crashes_are_bad_luck_more_are_slowed_down_and_three_bursts_end_it() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        let mut burst =
            |at: Instant| (0..=RESTARTS).map(|_| restarts.record_crash(at)).collect::<Vec<_>>();
        let first = burst(now);
        assert!(first[..RESTARTS].iter().all(|verdict| *verdict == RestartDecision::GoOn));
        assert_eq!(first[RESTARTS], RestartDecision::After(SHORTEST));
        assert_eq!(burst(now + WINDOW)[RESTARTS], RestartDecision::After(SHORTEST * 2));
        assert_eq!(burst(now + WINDOW * 2)[RESTARTS], RestartDecision::GiveUp);
    }

    #[test]
    fn bursts_far_apart_are_not_added_up() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        for day in 0..10 {
            let at = now + Duration::from_secs(day * 86_400);
            let last = (0..=RESTARTS).map(|_| restarts.record_crash(at)).last();
            assert_eq!(last, Some(RestartDecision::After(SHORTEST)));
        }
    }

    #[test]
    fn crashes_that_are_spread_out_are_bad_luck() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        assert!(
            (0..100).all(|n| restarts.record_crash(now + WINDOW * n / 5) == RestartDecision::GoOn)
        );
    }
}
