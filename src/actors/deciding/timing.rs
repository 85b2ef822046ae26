//! Timers, which wait for business time; and the sweeping of what has expired, which goes by the machine's.

use super::{Deciding, work::Work};
use crate::{
    actors::{
        clock::machine_seconds,
        records::{AnswerPage, Cause, IdempotencyRow},
    },
    domain::{Aggregate, Id, Timestamp},
    store::{
        Scan, StoreError,
        keys::{KeyBuf, Space, behind, last_number},
    },
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// At most so many timers a turn.
const TIMERS: usize = 256;
/// Answers and idempotency rows are kept for a day.
pub const KEPT_SECONDS: u64 = 24 * 60 * 60;
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: usize = 256;

/// Where the broom stands: it goes through both key spaces, some rows at a time.
#[derive(Clone)]
pub struct Sweep {
    at: Instant,
    cursors: [Vec<u8>; 2],
}

impl Default for Sweep {
    fn default() -> Self {
        let cursors = [vec![Space::Answer as u8], vec![Space::Idempotency as u8]];
        Self { at: Instant::now() + SWEEP_EVERY, cursors }
    }
}

impl Sweep {
    pub fn due_in(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

/// The row of a timer.
pub fn timer_key(at: Timestamp, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Timer).signed(at.micros()).number(number).build()
}

fn timer_of(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (rest, _) = key.split_last_chunk::<8>()?;
    let at = last_number(rest)? ^ (1 << 63);
    Some((Timestamp::from_micros(at as i64), last_number(key)?))
}

impl<A: Aggregate> Deciding<A> {
    /// Finds the next timer. Which ones are stuck shows when they are tried again.
    pub(super) fn reload_timers(&mut self) -> Result<(), StoreError> {
        let from = vec![Space::Timer as u8];
        let first = Scan { to: behind(&from), from, backwards: false, limit: 1 };
        let row = self.tree.scan(&first)?.pop();
        self.stuck.clear();
        self.due = row.and_then(|(key, _)| timer_of(&key)).map(|(at, _)| at);
        Ok(())
    }
}

impl<A: Aggregate> Work<'_, A> {
    /// Runs the timers that are due.
    pub(super) fn run_timers(&mut self) -> Result<(), StoreError> {
        let stuck_again = self.logic.stuck.values().any(|(_, retry)| *retry <= Instant::now());
        if !stuck_again && self.logic.due.is_none_or(|due| due > self.now) {
            return Ok(());
        }
        let from = vec![Space::Timer as u8];
        let limit = TIMERS + self.logic.stuck.len() + 1;
        let rows = self.logic.tree.scan(&Scan { to: behind(&from), from, backwards: false, limit })?;
        let (mut next, mut seen) = (None, BTreeSet::new());
        for (place, (key, _)) in rows.iter().enumerate() {
            let Some((at, number)) = timer_of(key) else { continue };
            if at > self.now || place >= limit - 1 {
                next = Some(at);
                break;
            }
            seen.insert(number);
            if self.logic.stuck.get(&number).is_some_and(|(_, retry)| *retry > Instant::now()) {
                continue;
            }
            let due = self.desk.sheet(number)?.now.state.due();
            let done = match due {
                Some((due, command)) if due <= self.now => {
                    let saga = self.saga_of(number)?;
                    let moved = self.decide(number, command, Cause::Timer, saga, None)?;
                    moved.is_ok() && self.desk.sheet(number)?.now.state.due().is_none_or(|(next, _)| next > due)
                }
                _ => {
                    self.desk.remove(key.clone());
                    true
                }
            };
            let stuck = (!done).then(|| {
                let rounds = self.logic.stuck.get(&number).map_or(1, |(rounds, _)| rounds.saturating_add(1));
                (rounds, Instant::now() + super::asking::pause(rounds))
            });
            if stuck.is_some() || self.logic.stuck.contains_key(&number) {
                self.stuck.push((number, stuck));
            }
        }
        // What waits for no time any more is not stuck any more.
        self.stuck
            .extend(self.logic.stuck.keys().filter(|number| !seen.contains(*number)).map(|number| (*number, None)));
        self.timers_from = Some(next);
        Ok(())
    }

    /// Takes away what has expired, some rows at a time.
    pub(super) fn sweep(&mut self) -> Result<(), StoreError> {
        if !self.logic.sweep.due_in().is_zero() {
            return Ok(());
        }
        let mut sweep = Sweep { at: Instant::now() + SWEEP_EVERY, ..self.logic.sweep.clone() };
        let expired = machine_seconds().saturating_sub(KEPT_SECONDS);
        for (cursor, space) in sweep.cursors.iter_mut().zip([Space::Answer, Space::Idempotency]) {
            let scan = Scan { from: cursor.clone(), to: behind(&[space as u8]), backwards: false, limit: SWEEP_ROWS };
            let rows = self.logic.tree.scan(&scan)?;
            for (key, _) in &rows {
                let old = match space {
                    Space::Answer => {
                        let page: Option<AnswerPage> = self.desk.get(space, key)?;
                        page.is_some_and(|page| page.values().all(|(_, at)| *at < expired))
                    }
                    _ => {
                        let row: Option<IdempotencyRow> = self.desk.get(space, key)?;
                        row.is_some_and(|row| row.at < expired)
                    }
                };
                if old {
                    self.desk.remove(key.clone());
                }
            }
            *cursor = match rows.last() {
                Some((last, _)) if rows.len() == SWEEP_ROWS => {
                    sweep.at = Instant::now() + Duration::from_millis(100);
                    [last.as_slice(), &[0]].concat()
                }
                _ => vec![space as u8],
            };
        }
        self.swept = Some(sweep);
        Ok(())
    }

    /// A state's timer has changed.
    pub(super) fn retime(
        &mut self,
        number: u64,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        if let Some(at) = before {
            self.desk.remove(timer_key(at, number));
        }
        if let Some(at) = after {
            self.desk.put(Space::Timer, timer_key(at, number), &())?;
            self.new_due = Some(self.new_due.map_or(at, |due| due.min(at)));
        }
        Ok(())
    }

    /// The next time at which a timer is due once this turn stands.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let known = self.timers_from.unwrap_or(self.logic.due);
        known.into_iter().chain(self.new_due).min()
    }

    /// The saga that an aggregate goes on in.
    pub(super) fn saga_of(&mut self, number: u64) -> Result<crate::actors::records::SagaId, StoreError> {
        Ok(super::asking::saga_of(Id::new(number), &self.desk.sheet(number)?.now))
    }
}
