//! What riding costs: `[systems.gbike]` of the configuration.

use crate::domain::Timestamp;
use serde::Deserialize;

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// What riding costs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tariff {
    /// For each whole minute, in won.
    pub fee_per_minute: u64,
}

impl Default for Tariff {
    fn default() -> Self {
        Self { fee_per_minute: 100 }
    }
}

impl Tariff {
    /// What a ride costs. Where the clock was set back, it costs nothing.
    pub fn fee(&self, start: Timestamp, end: Timestamp) -> u64 {
        let micros = u64::try_from(end.micros().saturating_sub(start.micros())).unwrap_or_default();
        (micros / MICROS_PER_MINUTE).saturating_mul(self.fee_per_minute)
    }
}
