//! What is ordered when a ticket is reserved: what customers send, what the events carry.

use super::{
    holders::{LONGEST_USER, length},
    reservation::Reservation,
    ticket::Ticket,
};
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
    #[subject]
    #[blank_is_none]
    pub user_id: Option<String>,
    #[grade]
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

const VIP: &str = "VIP";

impl Told {
    /// Whether it is that of a VIP.
    pub fn is_vip(&self) -> bool {
        self.user_grade.as_deref() == Some(VIP)
    }
}

impl Request {
    /// Whether the user and their grade find no room in a row of the view.
    pub fn is_too_long(&self) -> bool {
        length(&self.user_id, &self.user_grade) > LONGEST_USER
    }
}
