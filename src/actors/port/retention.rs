//! How long answers are kept.

use std::time::Duration;

/// How long answers and idempotency rows are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention(Duration);

impl Retention {
    /// For so long.
    pub fn new(duration: Duration) -> Self {
        Self(duration)
    }
    /// In seconds, at least one.
    pub fn seconds(self) -> u64 {
        self.0.as_secs().max(1)
    }
    /// How many seconds of answers on a page are noted as one.
    pub fn bucket_seconds(self) -> u64 {
        (self.seconds() / 24).max(1)
    }
    /// How often expired rows are looked for.
    pub(crate) fn interval(self) -> Duration {
        INTERVAL.min(self.0 / 2)
    }
}

pub(crate) const INTERVAL: Duration = Duration::from_secs(60);
