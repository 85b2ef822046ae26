//! Business time: the machine's, moved by an offset that then runs.

use crate::domain::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The clock that decisions, timers, dates and events go by. Timeouts, backoff and expiry use the machine's own.
#[derive(Debug, Default)]
pub struct Clock {
    offset: AtomicI64,
}

impl Clock {
    /// A clock that is `micros` ahead of the machine's.
    pub fn ahead_by(micros: i64) -> Self {
        Self { offset: AtomicI64::new(micros) }
    }
    /// Business time.
    pub fn now(&self) -> Timestamp {
        machine_time().plus_micros(self.offset.load(Ordering::Relaxed))
    }
    /// Moves business time forward.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
    /// How long until business time `at`, on the machine's clock.
    pub fn until(&self, at: Timestamp) -> Duration {
        let micros = at.micros().saturating_sub(self.now().micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// The machine's time.
pub fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The machine's time in whole seconds, for what expires.
pub fn machine_seconds() -> u64 {
    u64::try_from(machine_time().micros() / 1_000_000).unwrap_or(0)
}
