//! What lowers a price: `[systems.ticketing]` of the configuration.

use crate::domain::{Timestamp, Weekday, Zone};
use serde::Deserialize;

/// `[systems.ticketing]`, as far as it concerns prices.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What a ticket costs, in won.
    pub base_price: u64,
    /// The days of the week that are cheaper, in [`Settings::zone`].
    pub discount_days: Vec<Weekday>,
    /// By how many percent they are cheaper.
    pub discount_rate: u64,
    /// How much less a VIP pays, in won.
    pub vip_discount: u64,
    /// Where a day begins and ends.
    pub zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_price: 10_000,
            discount_days: vec![Weekday::Wednesday, Weekday::Thursday],
            discount_rate: 20,
            vip_discount: 1000,
            zone: Zone::default(),
        }
    }
}

impl Settings {
    /// What a ticket for a time costs before it is known who has it.
    pub fn on_the_day(&self, starttime: Timestamp) -> u64 {
        let is_cheaper = self.discount_days.contains(&starttime.weekday(&self.zone));
        let rate = if is_cheaper { self.discount_rate.min(100) } else { 0 };
        let discount = u128::from(self.base_price) * u128::from(rate) / 100;
        self.base_price - u64::try_from(discount).unwrap_or(self.base_price)
    }
}
