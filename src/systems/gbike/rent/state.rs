//! How far a rent has come, and where each event brings it.

use super::Event;
use crate::domain::prelude::*;

/// How far the rent has come.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[absent]
    New,
    #[open]
    #[name = "Requested"]
    Requested,
    /// It never came to be.
    #[ended(Refusal::retry_later())]
    Failed,
    Rented,
    Returned,
    /// The deposit has said yes: the bike is asked.
    #[open]
    #[shown_as(Requested)]
    Cleared,
}

impl Status {
    /// That of a rent to which `event` has happened last.
    pub fn after(event: &Event) -> Self {
        match event {
            Event::RentRequested { .. } => Self::Requested,
            Event::RentCleared { .. } => Self::Cleared,
            Event::Rented { .. } => Self::Rented,
            Event::RentFailed { .. } => Self::Failed,
            Event::Returned { .. } => Self::Returned,
        }
    }
}
