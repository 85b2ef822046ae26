//! What riding costs: `[systems.gbike]` of the configuration.

use crate::domain::{Timestamp, number::LARGEST};
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
    /// What a ride costs, within the bound of all numbers. Where the clock was set back, it costs nothing.
    pub fn fee(&self, start: Timestamp, end: Timestamp) -> u64 {
        let micros = u64::try_from(end.micros().saturating_sub(start.micros())).unwrap_or_default();
        (micros / MICROS_PER_MINUTE).saturating_mul(self.fee_per_minute).min(LARGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_for_whole_minutes_and_within_the_bound_of_numbers() {
        let at = Timestamp::from_micros;
        let minutes = |minutes: i64| at(minutes * 60_000_000);
        let tariff = Tariff::default();
        assert_eq!(tariff.fee(at(0), at(59_999_999)), 0);
        assert_eq!(tariff.fee(at(0), minutes(10)), 1000);
        assert_eq!(tariff.fee(minutes(10), at(0)), 0);
        let dear = Tariff { fee_per_minute: 1_000_000_000 };
        assert_eq!(dear.fee(at(0), minutes(30 * 365 * 24 * 60)), LARGEST);
    }
}
