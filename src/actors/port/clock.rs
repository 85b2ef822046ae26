//! Business time: the machine's, moved by an offset that then runs.

use super::{machine::Machine, safeguard::Safeguard};
use crate::{domain::Timestamp, store::StoreError, sync};
use serde::Serialize;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Business time ends here, in the year 9000: what is reckoned from it must still be a date.
pub const LATEST: Timestamp = Timestamp::from_micros(221_845_392_000_000_000);
/// Business time is moved forward by no more than this at once: ten years.
pub const FARTHEST: Duration = Duration::from_secs(3653 * 24 * 60 * 60);
/// A machine's clock is often corrected by a little; more is reported, and business time runs on all the same.
const STEP: i64 = 5_000_000;

/// Business time cannot be moved so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("business time moves forward by ten years at once at the most, and not past the year 9000")]
pub struct TooFar;

/// Why business time was not moved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdvanceError {
    /// It has not moved.
    #[error(transparent)]
    TooFar(#[from] TooFar),
    /// It has moved, but would be forgotten at the next start.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far business time is from the machine's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockHealth {
    /// Business time.
    pub now: Timestamp,
    /// How far it is ahead of the machine's, in seconds.
    pub ahead_seconds: i64,
    /// By how much the machine's clock has been set back since the start, in seconds, not counting small steps.
    pub stepped_back_seconds: i64,
    /// The time that the data had reached at the start, if that was later than what the clock was to begin with.
    pub carried_on_from: Option<Timestamp>,
}

/// The clock that decisions, timers, dates and events go by. Timeouts, backoff and expiry use the machine's own.
///
/// It never goes back: no event is earlier than one before it. Where the machine's clock is set back by a little, business
/// time stops until that has caught up; by more, and it runs on from where it was.
#[derive(Debug)]
pub struct Clock {
    offset: AtomicI64,
    /// The latest time that any caller has seen.
    reached: AtomicI64,
    /// Held while the offset changes.
    changes: Mutex<Changes>,
    machine: Machine,
    without: Option<Safeguard>,
}

#[derive(Debug, Default)]
struct Changes {
    stepped_back: i64,
    carried_on_from: Option<Timestamp>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::ahead_by(0)
    }
}

impl Clock {
    /// A clock that is `micros` ahead of the machine's.
    pub fn ahead_by(micros: i64) -> Self {
        Self::on(Machine::default(), micros)
    }

    /// A clock that is `micros` ahead of that of `machine`.
    pub fn on(machine: Machine, micros: i64) -> Self {
        let offset = AtomicI64::new(micros);
        let reached = AtomicI64::new(i64::MIN);
        Self { offset, reached, changes: Mutex::default(), machine, without: None }
    }

    /// The same clock, which leaves that out.
    pub(crate) fn without(self, without: Option<Safeguard>) -> Self {
        Self { without, ..self }
    }

    fn does(&self, safeguard: Safeguard) -> bool {
        self.without != Some(safeguard)
    }

    /// What the clock would show if no caller had seen a later time.
    fn read_machine(&self) -> Timestamp {
        self.machine.now().plus_micros(self.offset.load(Relaxed)).min(LATEST)
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        let reading = self.read_machine();
        if !self.does(Safeguard::KeepTimeForward) {
            return reading;
        }
        let before = Timestamp::from_micros(self.reached.fetch_max(reading.micros(), Relaxed));
        if before.micros().saturating_sub(reading.micros()) > STEP {
            self.run_on();
        }
        before.max(reading)
    }

    /// The machine's clock has been set back.
    fn run_on(&self) {
        let mut changes = sync::lock(&self.changes);
        let back = self.reached.load(Relaxed).saturating_sub(self.read_machine().micros());
        // Another caller may have seen it too.
        if back > STEP {
            self.offset.fetch_add(back, Relaxed);
            changes.stepped_back = changes.stepped_back.saturating_add(back);
            let seconds = back / 1_000_000;
            tracing::warn!(
                seconds,
                "the machine's clock has been set back; business time runs on from where it was"
            );
        }
    }

    /// The data has reached this time: business time goes on from there if it would begin before.
    pub fn carry_on_from(&self, at: Timestamp) {
        if !self.does(Safeguard::CarryTimeOn) {
            return;
        }
        let at = at.min(LATEST);
        let mut changes = sync::lock(&self.changes);
        let behind = at.micros().saturating_sub(self.read_machine().micros());
        if behind > 0 {
            self.offset.fetch_add(behind, Relaxed);
            changes.carried_on_from = changes.carried_on_from.max(Some(at));
        }
        self.reached.fetch_max(at.micros(), Relaxed);
    }

    /// Moves business time forward.
    ///
    /// # Errors
    /// [`TooFar`]: it has not moved.
    pub fn advance(&self, by: Duration) -> Result<(), TooFar> {
        let _changes = sync::lock(&self.changes);
        let micros = i64::try_from(by.as_micros()).map_err(|_| TooFar)?;
        let is_too_far = by > FARTHEST && self.does(Safeguard::BoundAdvance);
        if is_too_far || self.read_machine().plus_micros(micros) >= LATEST {
            return Err(TooFar);
        }
        self.offset.fetch_add(micros, Relaxed);
        Ok(())
    }

    /// How far it is ahead of the machine's, in microseconds.
    pub fn offset(&self) -> i64 {
        self.offset.load(Relaxed)
    }

    /// How long until business time `at`, on the machine's clock.
    pub fn time_until(&self, at: Timestamp) -> Duration {
        let micros = at.micros().saturating_sub(self.now().micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// How far it is from the machine's.
    pub fn health(&self) -> ClockHealth {
        let now = self.now();
        let changes = sync::lock(&self.changes);
        ClockHealth {
            now,
            ahead_seconds: now.micros().saturating_sub(self.machine.now().micros()) / 1_000_000,
            stepped_back_seconds: changes.stepped_back / 1_000_000,
            carried_on_from: changes.carried_on_from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static MACHINE: Cell<i64> = const { Cell::new(0) };
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }
    fn clock(offset: i64) -> Clock {
        let machine = Machine::new(|| Timestamp::from_micros(MACHINE.get()), || 0);
        Clock::on(machine, offset * 1_000_000)
    }
    fn set(seconds: i64) {
        MACHINE.set(seconds * 1_000_000);
    }

    #[test]
    fn a_small_step_back_is_waited_out_and_after_a_large_one_time_runs_on() {
        let clock = clock(0);
        set(1000);
        assert_eq!(clock.now(), at(1000));
        set(996);
        assert_eq!(clock.now(), at(1000));
        assert_eq!(clock.health().stepped_back_seconds, 0);
        set(1001);
        assert_eq!(clock.now(), at(1001));
        set(401);
        assert_eq!(clock.now(), at(1001));
        set(411);
        assert_eq!(clock.now(), at(1011), "it runs on");
        let health = clock.health();
        assert_eq!((health.stepped_back_seconds, health.ahead_seconds), (600, 600));
    }

    #[test]
    fn it_goes_on_from_what_the_data_has_reached_if_that_is_later() {
        set(1000);
        let late = clock(50);
        late.carry_on_from(at(900));
        assert_eq!((late.now(), late.health().carried_on_from), (at(1050), None));
        late.carry_on_from(at(5000));
        late.carry_on_from(at(4000));
        set(1007);
        assert_eq!((late.now(), late.health().carried_on_from), (at(5007), Some(at(5000))));
        assert_eq!(late.health().stepped_back_seconds, 0);
    }

    #[test]
    fn it_is_moved_so_far_and_no_farther_and_never_wraps() {
        set(0);
        let clock = clock(0);
        assert_eq!(clock.advance(FARTHEST + Duration::from_secs(1)), Err(TooFar));
        assert_eq!(clock.advance(Duration::MAX), Err(TooFar));
        let times =
            std::iter::repeat_with(|| clock.advance(FARTHEST)).take_while(Result::is_ok).count();
        assert_eq!(times, 702);
        let last = clock.now();
        assert!(last < LATEST && last > at(0));
        assert_eq!(clock.advance(FARTHEST), Err(TooFar));
        assert_eq!(clock.now(), last, "it has not moved");
        clock.carry_on_from(Timestamp::from_micros(i64::MAX));
        set(1 << 40);
        assert_eq!(clock.now(), LATEST);
        assert_eq!(LATEST.to_string(), "9000-01-01T00:00:00Z");
    }
}
