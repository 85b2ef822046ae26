//! What the theatre lets be configured.

use crate::domain::{Refusal, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The theatre and its price: `[systems.movie]` of the configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Name of the theatre.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Price of a seat; without it the price that the customer sends is taken.
    #[schemars(range(max = 1_000_000_000_000u64), extend("x-unit" = "won"))]
    pub ticket_price: Option<u64>,
    /// Seats of one booking.
    #[schemars(range(min = 1, max = 100))]
    pub seats_per_booking: u64,
    /// Time zone in which a date is a day, such as `Asia/Seoul`.
    pub zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self { name: None, ticket_price: None, seats_per_booking: 20, zone: Zone::default() }
    }
}

impl Settings {
    pub(super) fn too_many(&self) -> Refusal {
        let most = self.seats_per_booking;
        let en = format!("a booking is for at most {most} seats");
        let ko = format!("한 번에 최대 {most}석까지 예매할 수 있습니다");
        Refusal::invalid("too-many-seats", en, ko)
    }
}
