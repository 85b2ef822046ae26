//! What a ticket is for, what customers ask of it, and why they may not.

use super::book::Book;
use crate::domain::prelude::*;

/// What a ticket is for.
#[value]
pub struct Admission {
    pub booking_id: Id<Book>,
    pub movie_name: Option<String>,
    pub qty: u64,
    pub seat: Option<String>,
}

/// `PATCH /tickets/{id}`: the status that a client may ask for.
#[body]
pub enum Wanted {
    /// The ticket is printed.
    Printed,
}

/// The refusal of a cancel that comes too late.
pub fn printed() -> Refusal {
    Refusal::conflict("ticket-printed", "the ticket is printed", "이미 발권된 티켓입니다")
}

/// The refusal of a print of a ticket that is void.
pub fn void() -> Refusal {
    Refusal::conflict("ticket-canceled", "the ticket is canceled", "취소된 티켓입니다")
}
