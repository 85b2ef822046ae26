//! What lowers a price: `[systems.ticketing]` of the configuration.

use crate::domain::{Timestamp, Weekday, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[systems.ticketing]`, as far as it concerns prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Price of a ticket.
    #[schemars(range(max = 1_000_000_000_000u64), extend("x-unit" = "won"))]
    pub base_price: u64,
    /// Cheaper days of the week.
    pub discount_days: Vec<Weekday>,
    /// Discount on those days.
    #[schemars(range(max = 100), extend("x-unit" = "percent"))]
    pub discount_rate: u64,
    /// Discount of a VIP.
    #[schemars(range(max = 1_000_000_000_000u64), extend("x-unit" = "won"))]
    pub vip_discount: u64,
    /// Time zone in which a date is a day, such as `Asia/Seoul`.
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
    /// What a ticket for a time costs: the base, and what it is on that day.
    pub fn price(&self, starttime: Timestamp) -> (u64, u64) {
        (self.base_price, self.on_the_day(starttime))
    }
    /// What is to be paid of the price of the day.
    pub fn discounted(&self, day_price: u64, is_vip: bool) -> u64 {
        if is_vip { day_price.saturating_sub(self.vip_discount) } else { day_price }
    }
    fn on_the_day(&self, starttime: Timestamp) -> u64 {
        let is_cheaper = self.discount_days.contains(&starttime.weekday(&self.zone));
        let rate = if is_cheaper { self.discount_rate.min(100) } else { 0 };
        let discount = u128::from(self.base_price) * u128::from(rate) / 100;
        self.base_price - u64::try_from(discount).unwrap_or(self.base_price)
    }
}
