//! What riding costs: `[systems.gbike]` of the configuration.

use crate::domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// What riding costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tariff {
    /// Price of each whole minute of a ride.
    #[schemars(range(max = 1_000_000_000u64), extend("x-unit" = "won"))]
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
