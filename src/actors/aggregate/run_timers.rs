//! Runs the timers that are due.

use super::{asks::retry_pause, context::AggregateBehavior, timers::Timers, turn::Turn};
use crate::{
    actors::{
        erased::Command,
        tables::{
            log::Cause,
            timers::{timer_key, timer_of},
        },
    },
    domain::Timestamp,
    store::{
        Scan, StoreError,
        keys::{Space, key_after},
    },
};
use tokio::time::Instant;

/// At most so many timers a turn.
const TIMERS: usize = 256;

/// How long until a range that cannot be read is tried again, in microseconds of business time.
const UNREADABLE: i64 = 60_000_000;

impl AggregateBehavior {
    /// Finds the next timer. Failing timers are recognized when they run.
    pub(crate) fn reload_timers(&mut self) -> Result<(), StoreError> {
        self.timers = Timers::default();
        crate::sync::lock(&self.shared.retries).timers.clear();
        let row = self.tree.scan_over(&Scan::prefix(&self.timers.cursor, 1), 1)?.0.pop();
        self.timers.next = row.and_then(|(key, _)| timer_of(&key)).map(|(at, _)| at);
        Ok(())
    }
}

impl Turn<'_> {
    /// Runs the timers that are due.
    pub(crate) fn run_timers(&mut self) -> Result<(), StoreError> {
        let timers = &self.behavior.timers;
        let now = self.now;
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
        let mut from = timers.cursor.clone();
        let scan = Scan { from: from.clone(), ..Scan::space(Space::Timer, left + 1) };
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
            from = key_after(&key);
            self.run_timer(number, Some(key))?;
        }
        self.timers.walked = Some((from, next));
        Ok(())
    }

    /// Runs one timer, which has this row if any.
    fn run_timer(&mut self, number: u64, row: Option<Vec<u8>>) -> Result<(), StoreError> {
        let done = match self.fire_timer(number, row) {
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
    fn fire_timer(&mut self, number: u64, row: Option<Vec<u8>>) -> Result<bool, StoreError> {
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
        let sheet = self.transaction.load_state(number)?;
        Ok(self.behavior.aggregate.due(sheet.now.state.as_ref()))
    }

    /// Writes the row of a timer that has changed.
    pub(crate) fn reschedule_timer(
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
            self.transaction.put_row(Space::Timer, timer_key(at, number), &())?;
            self.timers.new.push((at, number));
        }
        Ok(())
    }

    /// The saga of an aggregate.
    pub(crate) fn saga_of(
        &mut self,
        number: u64,
    ) -> Result<crate::actors::port::saga::SagaId, StoreError> {
        Ok(super::asks::saga_of(
            self.behavior.aggregate,
            number,
            &self.transaction.load_state(number)?.now,
        ))
    }
}
