//! How far a rental has come, and where each event brings it.

use super::Event;
use crate::{domain::prelude::*, systems::payment::declined};

/// How far the rental has come.
#[status(title = "RentalStatus")]
pub enum Status {
    #[absent]
    New,
    #[open]
    Requested,
    #[ended(declined())]
    Declined,
    #[ended(Refusal::retry_later())]
    Unanswered,
    #[name = "RentalPlaced"]
    Placed,
    #[canceled]
    #[name = "RentalCanceled"]
    Canceled,
    // The product has given its unit.
    #[shown_as(Placed)]
    Supplied,
    // It was canceled after that: its delivery will be.
    #[canceled]
    #[shown_as(Canceled)]
    Recalled,
}

impl Status {
    /// Whether what the customer paid is kept.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Placed | Self::Supplied)
    }

    /// That of a rental with this status to which `event` happens.
    pub fn after(self, event: &Event) -> Self {
        match event {
            Event::RentalRequested(_) => Self::Requested,
            Event::RentalPlaced(_) => Self::Placed,
            Event::RentalFailed(no) if no.reason == declined().code => Self::Declined,
            Event::RentalFailed(_) => Self::Unanswered,
            Event::RentalSupplied(_) => Self::Supplied,
            Event::RentalCanceled(_) if self == Self::Supplied => Self::Recalled,
            Event::RentalCanceled(_) | Event::RentalRecalled(_) => Self::Canceled,
        }
    }
}
