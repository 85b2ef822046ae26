//! Timers, in business time. Each row is read once: the scan continues where it stopped, because
//! rows before that are deleted, and deleted rows make scans slow.

use crate::actors::tables::timers::timer_key;
use crate::{domain::Timestamp, store::keys::Space};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// The timers of a context.
pub(crate) struct Timers {
    /// Timers before this key have run, are failing, or are in `early`.
    pub(super) cursor: Vec<u8>,
    /// When the first timer after the cursor is due.
    pub(super) next: Option<Timestamp>,
    /// Timers that were set for a time that the cursor has passed.
    pub(super) early: BTreeSet<(Timestamp, u64)>,
    /// Timers whose command crashed or changed nothing: how often, and when to retry.
    pub(super) failing: BTreeMap<u64, (u32, Instant)>,
    /// The same, by the time of the retry.
    pub(super) retries: BTreeSet<(Instant, u64)>,
}

/// How one turn changes the timers.
#[derive(Default)]
pub(crate) struct TimersUpdate {
    pub(super) walked: Option<(Vec<u8>, Option<Timestamp>)>,
    pub(super) not_early: Vec<(Timestamp, u64)>,
    pub(super) failing: Vec<(u64, Option<(u32, Instant)>)>,
    pub(super) new: Vec<(Timestamp, u64)>,
}

impl Default for Timers {
    fn default() -> Self {
        let from = vec![Space::Timer as u8];
        Self {
            cursor: from,
            next: None,
            early: BTreeSet::new(),
            failing: BTreeMap::new(),
            retries: BTreeSet::new(),
        }
    }
}

impl Timers {
    /// When the next timer is due in business time, and when a failing one is retried.
    pub(crate) fn due(&self) -> (Option<Timestamp>, Option<Duration>) {
        let early = self.early.first().map(|(at, _)| *at);
        let again =
            self.retries.first().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        (self.next.into_iter().chain(early).min(), again)
    }

    /// Applies the changes of an accepted turn.
    pub(crate) fn apply_update(&mut self, change: TimersUpdate) {
        if let Some((from, next)) = change.walked {
            (self.cursor, self.next) = (from, next);
        }
        for early in change.not_early {
            self.early.remove(&early);
        }
        for (at, number) in change.new {
            if timer_key(at, number) < self.cursor {
                self.early.insert((at, number));
            } else {
                self.next = Some(self.next.map_or(at, |next| next.min(at)))
            }
        }
        for (number, stuck) in change.failing {
            let before = match stuck {
                Some(stuck) => self.failing.insert(number, stuck),
                None => self.failing.remove(&number),
            };
            if let Some((_, at)) = before {
                self.retries.remove(&(at, number));
            }
            if let Some((_, at)) = stuck {
                self.retries.insert((at, number));
            }
        }
    }
}
