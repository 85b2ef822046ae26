//! How far a booking has come, and where each event brings it.

use super::Event;
use crate::{domain::prelude::*, systems::payment::declined};

/// How far the booking has come.
#[status]
pub enum Status {
    #[absent]
    New,
    #[open]
    Registered,
    #[ended(declined())]
    Declined,
    #[ended(Refusal::retry_later())]
    Unanswered,
    PaidComplete,
    PrintComplete,
    #[canceled]
    Canceled,
    // It asks its ticket whether it may be canceled.
    #[shown_as(PaidComplete)]
    Canceling,
}

impl Status {
    /// That of a booking to which `event` has happened last.
    pub fn after(event: &Event) -> Self {
        match event {
            Event::BookRequested(_) => Self::Registered,
            Event::Booked(_) | Event::BookCancelRefused { .. } => Self::PaidComplete,
            Event::BookFailed { reason, .. } if *reason == declined().code => Self::Declined,
            Event::BookFailed { .. } => Self::Unanswered,
            Event::BookPrintCompleted { .. } => Self::PrintComplete,
            Event::BookCancelRequested { .. } => Self::Canceling,
            Event::Canceled { .. } => Self::Canceled,
        }
    }

    /// Whether what it costs is kept.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::PaidComplete | Self::PrintComplete | Self::Canceling)
    }

    /// Whether the booking has its seats, or asks for them.
    pub fn holds_seats(self) -> bool {
        !matches!(self, Self::New | Self::Declined | Self::Unanswered | Self::Canceled)
    }
}
