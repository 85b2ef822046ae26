//! # BookRent (도서 대여)
//!
//! ```text
//! Admin    ─▶ Register ─▶ book ──▶ Registered
//! Customer ─▶ Request  ─▶ rent ──▶ RentRequested ══ book: Take ══▶ BookRented ┄▶ delivery: Start ─▶ DeliveryStarted
//!                                      └─ refused, or no answer ─▶ RentFailed ┄▶ book: Release
//! Customer ─▶ Cancel   ─▶ rent ──▶ BookCancelled ┄▶ delivery: Cancel ─▶ DeliveryCancelled ┄▶ book: Release
//! ```

pub mod book;
pub mod delivery;
pub mod labels;
pub mod refusals;
pub mod rent;
pub mod view;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 1000;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<book::Book>();
    board.aggregate::<rent::Rent>();
    board.aggregate::<delivery::Delivery>();
    board.view::<view::Row>();
    board.refusals(refusals::REFUSALS);
}
