//! # Ticketing (티켓 예약)
//!
//! ```text
//! Admin    ─▶ Register ─▶ ticket ──▶ Registered ┄▶ price: Set ─▶ PriceSet, Calculated
//! Customer ─▶ Request  ─▶ reservation ──▶ ReservationRequested ══ ticket: Book ══▶ Reserved ┄▶ price: Reserve ─▶ Calculated
//!                                             └─ refused, or no answer ─▶ ReservationFailed ┄▶ ticket: Release
//! Customer ─▶ Cancel   ─▶ reservation ──▶ Cancelled ┄▶ ticket: Release ─▶ StatusUpdated
//!                                                   ┄▶ price: Cancel ─▶ Calculated
//! Admin    ─▶ Correct  ─▶ ticket ──▶ TicketCorrected ┄▶ price: Set; TicketWithdrawn ┄▶ price: Withdraw, and TicketRestored
//! The time has come ─▶ ticket: Expire ─▶ StatusUpdated
//! ```

pub mod discount;
pub mod holders;
pub mod labels;
pub mod order;
pub mod price;
pub mod refusals;
pub mod registration;
pub mod reservation;
pub mod ticket;
pub mod view;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<ticket::Ticket>();
    board.aggregate::<reservation::Reservation>();
    board.aggregate::<price::Price>();
    board.view::<view::Row>();
    board.refusals(refusals::REFUSALS);
}
