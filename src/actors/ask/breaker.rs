//! The circuit breaker: closed, open, half-open with a few probes. Its clock is handed in.

use crate::sync;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::Instant;

/// When a breaker opens, for how long, and how it tries again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerSettings {
    /// Over how many of the last calls it judges.
    pub window: usize,
    /// Over how many at least.
    pub minimum: usize,
    /// The percentage of failed or slow calls at which it opens.
    pub failure_percent: u32,
    /// For how long it stays open.
    pub open_for: Duration,
    /// How many calls may try it out then, at once.
    pub probes: usize,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: 100,
            minimum: 20,
            failure_percent: 50,
            open_for: Duration::from_secs(5),
            probes: 3,
        }
    }
}

/// How long to wait while others try it out.
const PROBED: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Circuit {
    Closed { calls: VecDeque<bool>, failures: usize },
    Open { until: Instant },
    HalfOpen { running: usize, succeeded: usize },
}

/// A circuit breaker. Shared by all who call the same thing.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    inner: Mutex<BreakerState>,
}

#[derive(Debug)]
struct BreakerState {
    state: Circuit,
    /// Counts changes of state: the outcome of a call begun under an older one does not count.
    era: u64,
    opened: u64,
}

/// The permission for one call. Dropped without a word it counts as a failure.
#[derive(Debug)]
pub struct CallPermit {
    breaker: Arc<Breaker>,
    era: u64,
    is_settled: bool,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Arc<Self> {
        let inner = BreakerState { state: closed_circuit(), era: 0, opened: 0 };
        Arc::new(Self { settings, inner: Mutex::new(inner) })
    }

    /// Permits a call, or returns how long to wait.
    ///
    /// # Errors
    /// The time that is left until it may be tried out again.
    pub fn permit_call(self: &Arc<Self>, now: Instant) -> Result<CallPermit, Duration> {
        let mut inner = self.lock_state();
        if let Circuit::Open { until } = inner.state {
            if now < until {
                return Err(until - now);
            }
            inner.change_circuit(Circuit::HalfOpen { running: 0, succeeded: 0 });
        }
        if let Circuit::HalfOpen { running, succeeded } = &mut inner.state {
            if *running + *succeeded >= self.settings.probes {
                return Err(PROBED);
            }
            *running += 1;
        }
        Ok(CallPermit { breaker: self.clone(), era: inner.era, is_settled: false })
    }

    /// Whether a call would be permitted now, without permitting one: what is there to try it out stays there.
    ///
    /// # Errors
    /// The time that is left until it may be tried out again.
    pub fn check_call(&self, now: Instant) -> Result<(), Duration> {
        match self.lock_state().state {
            Circuit::Open { until } if now < until => Err(until - now),
            Circuit::HalfOpen { running, succeeded }
                if running + succeeded >= self.settings.probes =>
            {
                Err(PROBED)
            }
            Circuit::Closed { .. } | Circuit::Open { .. } | Circuit::HalfOpen { .. } => Ok(()),
        }
    }

    /// How long no probe is let through, if it is open.
    pub fn open_for(&self, now: Instant) -> Option<Duration> {
        match self.lock_state().state {
            Circuit::Open { until } if now < until => Some(until - now),
            _ => None,
        }
    }

    /// `closed`, `open` or `halfOpen`, and how often it has opened.
    pub fn circuit_state(&self, now: Instant) -> (&'static str, u64) {
        let inner = self.lock_state();
        let state = match inner.state {
            Circuit::Closed { .. } => "closed",
            Circuit::Open { until } if now < until => "open",
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => "halfOpen",
        };
        (state, inner.opened)
    }

    fn lock_state(&self) -> MutexGuard<'_, BreakerState> {
        sync::lock(&self.inner)
    }

    fn record_outcome(&self, era: u64, success: bool, now: Instant) {
        let mut inner = self.lock_state();
        if inner.era != era {
            return;
        }
        let open = Circuit::Open { until: now + self.settings.open_for };
        match &mut inner.state {
            Circuit::Closed { calls, failures } => {
                calls.push_back(success);
                *failures += usize::from(!success);
                if calls.len() > self.settings.window {
                    *failures -= usize::from(calls.pop_front() == Some(false));
                }
                let share = *failures * 100 >= self.settings.failure_percent as usize * calls.len();
                if calls.len() >= self.settings.minimum && share {
                    inner.opened += 1;
                    inner.change_circuit(open);
                }
            }
            Circuit::HalfOpen { running, succeeded } => {
                *running = running.saturating_sub(1);
                if !success {
                    inner.opened += 1;
                    inner.change_circuit(open);
                } else {
                    *succeeded += 1;
                    if *succeeded >= self.settings.probes {
                        inner.change_circuit(closed_circuit());
                    }
                }
            }
            Circuit::Open { .. } => {}
        }
    }

    fn withdraw_call(&self, era: u64) {
        let mut inner = self.lock_state();
        if inner.era == era
            && let Circuit::HalfOpen { running, .. } = &mut inner.state
        {
            *running = running.saturating_sub(1);
        }
    }
}

impl BreakerState {
    fn change_circuit(&mut self, state: Circuit) {
        self.state = state;
        self.era += 1;
    }
}

fn closed_circuit() -> Circuit {
    Circuit::Closed { calls: VecDeque::new(), failures: 0 }
}

impl CallPermit {
    /// The call was answered in time.
    pub fn record_success(mut self) {
        self.is_settled = true;
        self.breaker.record_outcome(self.era, true, Instant::now());
    }
    /// The call was never made: it counts for nothing.
    pub fn not_made(mut self) {
        self.is_settled = true;
        self.breaker.withdraw_call(self.era);
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        if !self.is_settled {
            self.breaker.record_outcome(self.era, false, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Arc<Breaker>, Instant) {
        let settings = BreakerSettings { window: 10, minimum: 4, ..BreakerSettings::default() };
        (Breaker::new(settings), Instant::now())
    }

    #[test]
    fn it_opens_when_half_of_the_calls_fail_but_not_before_there_are_enough() {
        let (breaker, now) = breaker();
        breaker.permit_call(now).unwrap().record_success();
        breaker.permit_call(now).unwrap().record_success();
        drop(breaker.permit_call(now).unwrap());
        assert_eq!(breaker.circuit_state(now), ("closed", 0));
        drop(breaker.permit_call(now).unwrap());
        assert_eq!(breaker.circuit_state(now), ("open", 1));
        assert!(breaker.permit_call(now).unwrap_err() > Duration::from_secs(4));
    }

    #[test]
    fn after_its_time_three_probes_pass_and_their_success_closes_it() {
        let (breaker, now) = breaker();
        (0..4).for_each(|_| drop(breaker.permit_call(now).unwrap()));
        let later = Instant::now() + Duration::from_secs(6);
        let probes: Vec<_> = (0..3).map(|_| breaker.permit_call(later).unwrap()).collect();
        assert!(breaker.permit_call(later).is_err(), "a fourth at once is one too many");
        probes.into_iter().for_each(CallPermit::record_success);
        assert_eq!(breaker.circuit_state(later).0, "closed");
    }

    #[test]
    fn a_check_takes_no_probe_and_returns_what_a_call_would_get() {
        let (breaker, now) = breaker();
        assert_eq!((breaker.check_call(now), breaker.open_for(now)), (Ok(()), None));
        (0..4).for_each(|_| drop(breaker.permit_call(now).unwrap()));
        let rest = breaker.check_call(now).unwrap_err();
        assert!(rest > Duration::from_secs(4) && breaker.open_for(now).is_some());
        let later = Instant::now() + Duration::from_secs(6);
        (0..10).for_each(|_| {
            assert_eq!((breaker.check_call(later), breaker.open_for(later)), (Ok(()), None))
        });
        let probes: Vec<_> = (0..3).map(|_| breaker.permit_call(later).unwrap()).collect();
        assert!(breaker.check_call(later).is_err(), "a fourth at once is one too many");
        assert_eq!(breaker.open_for(later), None, "and yet it is not open");
        probes.into_iter().for_each(CallPermit::not_made);
        assert_eq!(breaker.check_call(later), Ok(()));
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_old_calls_do_not_count() {
        let (breaker, now) = breaker();
        let old = breaker.permit_call(now).unwrap();
        (0..4).for_each(|_| drop(breaker.permit_call(now).unwrap()));
        let later = Instant::now() + Duration::from_secs(6);
        let probe = breaker.permit_call(later).unwrap();
        old.record_success();
        assert_eq!(breaker.circuit_state(later).0, "halfOpen");
        drop(probe);
        assert_eq!(breaker.circuit_state(Instant::now()), ("open", 2));
    }

    #[test]
    fn a_call_that_was_never_made_frees_its_probe() {
        let (breaker, now) = breaker();
        (0..4).for_each(|_| drop(breaker.permit_call(now).unwrap()));
        let later = Instant::now() + Duration::from_secs(6);
        let probes: Vec<_> = (0..3).map(|_| breaker.permit_call(later).unwrap()).collect();
        probes.into_iter().for_each(CallPermit::not_made);
        assert!(breaker.permit_call(later).is_ok());
    }
}
