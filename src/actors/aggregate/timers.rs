//! Timers, in business time. Each row is read once: the scan continues where it stopped, because
//! rows before that are deleted, and deleted rows make scans slow.

use super::{asks::retry_pause, behavior::AggregateBehavior, turn::Turn};
use crate::{
    actors::{erased::Command, tables::records::Cause},
    domain::Timestamp,
    store::{
        Scan, StoreError,
        keys::{KeyBuf, Space, last_number, prefix_end},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// At most so many timers a turn.
const TIMERS: usize = 256;

/// How long until a range that cannot be read is tried again, in microseconds of business time.
const UNREADABLE: i64 = 60_000_000;

/// The timers of a context.
pub(crate) struct Timers {
    /// Timers before this key have run, are failing, or are in `early`.
    cursor: Vec<u8>,
    /// When the first timer after the cursor is due.
    next: Option<Timestamp>,
    /// Timers that were set for a time that the cursor has passed.
    early: BTreeSet<(Timestamp, u64)>,
    /// Timers whose command crashed or changed nothing: how often, and when to retry.
    failing: BTreeMap<u64, (u32, Instant)>,
    /// The same, by the time of the retry.
    retries: BTreeSet<(Instant, u64)>,
}

/// How one turn changes the timers.
#[derive(Default)]
pub(crate) struct TimersUpdate {
    walked: Option<(Vec<u8>, Option<Timestamp>)>,
    not_early: Vec<(Timestamp, u64)>,
    failing: Vec<(u64, Option<(u32, Instant)>)>,
    new: Vec<(Timestamp, u64)>,
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
    pub(crate) fn apply(&mut self, change: TimersUpdate) {
        if let Some((from, next)) = change.walked {
            (self.cursor, self.next) = (from, next);
        }
        for early in change.not_early {
            self.early.remove(&early);
        }
        for (at, number) in change.new {
            match timer_key(at, number) < self.cursor {
                true => drop(self.early.insert((at, number))),
                false => self.next = Some(self.next.map_or(at, |next| next.min(at))),
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

/// The key of a timer.
pub fn timer_key(at: Timestamp, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Timer).signed(at.micros()).number(number).build()
}

fn timer_of(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (rest, _) = key.split_last_chunk::<8>()?;
    let at = last_number(rest)? ^ (1 << 63);
    Some((Timestamp::from_micros(at as i64), last_number(key)?))
}

impl AggregateBehavior {
    /// Finds the next timer. Failing timers are recognized when they run.
    pub(crate) fn reload_timers(&mut self) -> Result<(), StoreError> {
        self.timers = Timers::default();
        let from = self.timers.cursor.clone();
        let first = Scan { to: prefix_end(&from), from, backwards: false, limit: 1 };
        let row = self.tree.scan_over(&first, 1)?.0.pop();
        self.timers.next = row.and_then(|(key, _)| timer_of(&key)).map(|(at, _)| at);
        Ok(())
    }
}

impl Turn<'_> {
    /// Runs the timers that are due.
    pub(crate) fn run_timers(&mut self) -> Result<(), StoreError> {
        let (timers, now) = (&self.behavior.timers, self.now);
        let early: Vec<_> = timers.early.range(..=(now, u64::MAX)).take(TIMERS).copied().collect();
        let mut left = TIMERS - early.len();
        for (at, number) in early {
            self.run_timer(number, Some(timer_key(at, number)))?;
            self.timers.not_early.push((at, number));
        }
        let again: Vec<_> =
            timers.retries.range(..=(Instant::now(), u64::MAX)).take(left).copied().collect();
        left -= again.len();
        for (_, number) in again {
            self.run_timer(number, None)?;
        }
        if left == 0 || timers.next.is_none_or(|next| next > now) {
            return Ok(());
        }
        let (mut from, to) = (timers.cursor.clone(), prefix_end(&[Space::Timer as u8]));
        let scan = Scan { from: from.clone(), to, backwards: false, limit: left + 1 };
        let (rows, is_all) = self.behavior.tree.scan_over(&scan, 1)?;
        let mut next = match (is_all, rows.is_empty()) {
            (true, _) => None,
            // There may be more after what cannot be read; if none was found, it is tried again
            // later.
            (false, false) => Some(now),
            (false, true) => Some(now.plus_micros(UNREADABLE)),
        };
        for (place, (key, _)) in rows.into_iter().enumerate() {
            let Some((at, number)) = timer_of(&key) else { continue };
            if at > now || place == left {
                next = Some(at);
                break;
            }
            from = [key.as_slice(), &[0]].concat();
            self.run_timer(number, Some(key))?;
        }
        self.timers.walked = Some((from, next));
        Ok(())
    }

    /// Runs one timer, which has this row if any.
    fn run_timer(&mut self, number: u64, row: Option<Vec<u8>>) -> Result<(), StoreError> {
        let done = match self.fire(number, row) {
            Err(StoreError::Damaged(what)) => {
                self.behavior.shared.report_damage(&what);
                false
            }
            fired => fired?,
        };
        let before = self.behavior.timers.failing.get(&number);
        if !done {
            let rounds = before.map_or(1, |(rounds, _)| rounds.saturating_add(1));
            self.timers
                .failing
                .push((number, Some((rounds, Instant::now() + retry_pause(rounds)))));
        } else if before.is_some() {
            self.timers.failing.push((number, None));
        }
        Ok(())
    }

    /// Whether nothing is due for `number` any more.
    fn fire(&mut self, number: u64, row: Option<Vec<u8>>) -> Result<bool, StoreError> {
        match self.due(number)? {
            Some((due, command)) if due <= self.now => {
                let saga = self.saga_of(number)?;
                let moved = self.decide(number, command, Cause::Timer, saga, None)?;
                Ok(moved.is_ok() && self.due(number)?.is_none_or(|(next, _)| next > due))
            }
            _ => {
                // The state does not need this row any more.
                if let Some(row) = row {
                    self.transaction.remove(row);
                }
                Ok(true)
            }
        }
    }

    /// What `number` waits for, and the command then.
    fn due(&mut self, number: u64) -> Result<Option<(Timestamp, Command)>, StoreError> {
        let sheet = self.transaction.load(number)?;
        Ok(self.behavior.aggregate.due(sheet.now.state.as_ref()))
    }

    /// Writes the row of a timer that has changed.
    pub(crate) fn reschedule(
        &mut self,
        number: u64,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        if let Some(at) = before {
            self.transaction.remove(timer_key(at, number));
        }
        if let Some(at) = after {
            self.transaction.put(Space::Timer, timer_key(at, number), &())?;
            self.timers.new.push((at, number));
        }
        Ok(())
    }

    /// The saga of an aggregate.
    pub(crate) fn saga_of(
        &mut self,
        number: u64,
    ) -> Result<crate::actors::tables::records::SagaId, StoreError> {
        Ok(super::asks::saga_of(
            self.behavior.aggregate,
            number,
            &self.transaction.load(number)?.now,
        ))
    }
}
