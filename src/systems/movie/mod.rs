//! # Movie booking (영화 예매)
//!
//! ```text
//! Customer ─▶ Request ─▶ book ──▶ BookRequested ══ payment: Pay ══▶ Booked ┄▶ ticket: Create ─▶ Created ┄▶ point: Wait
//!                          └─ declined, or no answer ─▶ BookFailed ┄▶ payment: CallOff
//! Customer ─▶ Print   ─▶ ticket ──▶ TicketPrintRequested ══ point: Grant ══▶ Printed ┄▶ book: CompletePrint
//!                          └─ no answer ─▶ TicketPrintFailed ┄▶ point: Revoke
//! Customer ─▶ Cancel  ─▶ book ──▶ BookCancelRequested ══ ticket: Void ══▶ Canceled ┄▶ payment: CallOff, point: Cancel
//!                          └─ it is printed ─▶ BookCancelRefused; no answer ─▶ asked again
//! ```

pub mod admission;
pub mod book;
pub mod labels;
pub mod mypage;
pub mod order;
pub mod payment;
pub mod point;
pub mod refusals;
pub mod theatre;
pub mod ticket;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<book::Book>();
    board.aggregate::<payment::Payment>();
    board.aggregate::<ticket::Ticket>();
    board.aggregate::<point::Point>();
    board.view::<mypage::Row>();
    board.refusals(refusals::REFUSALS);
}
