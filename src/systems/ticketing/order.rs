//! What is ordered when a ticket is reserved: what customers send, what the events carry.

use super::{reservation::Reservation, ticket::Ticket};
use crate::domain::prelude::*;

/// Whose reservation of what it is.
#[value(title = "ToldReservation")]
#[derive(Default)]
pub struct Told {
    pub reservation_id: Id<Reservation>,
    pub ticket_id: Id<Ticket>,
    pub user_id: Option<String>,
    pub user_grade: Option<String>,
    pub updated_date: Timestamp,
}

/// `POST /reservations`
#[body(title = "RequestReservation")]
pub struct Request {
    pub ticket_id: Id<Ticket>,
    #[blank_is_none]
    pub user_id: Option<String>,
    #[blank_is_none]
    pub user_grade: Option<String>,
}

/// `PATCH /reservations/{id}`: the status that a client may ask for.
#[body(title = "EndedReservation")]
pub enum Ended {
    /// The ticket goes back.
    #[serde(rename = "CANCELLED")]
    Cancelled,
}

/// The view keeps who has a ticket beside who had it last, so both must find room in its row.
pub const LONGEST_USER: usize = 1024;

impl Request {
    /// Whether the user and their grade find no room in a row of the view.
    pub fn is_too_long(&self) -> bool {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        length(&self.user_id) + length(&self.user_grade) > LONGEST_USER
    }
}
