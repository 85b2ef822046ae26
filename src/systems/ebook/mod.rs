//! # E-book library (전자도서관)
//!
//! ```text
//! Admin    ─▶ Register ─▶ book ──▶ Registed
//! Customer ─▶ Request  ─▶ rent ──▶ RentRequested ══ payment: Pay ══▶ Rented ┄▶ book: Hold ─▶ RequestHeld ┄▶ payment: Fix
//!                                      └─ declined, or no answer ─▶ RentFailed ┄▶ payment: Refund
//! Admin    ─▶ Approve  ─▶ book ──▶ Approved ┄▶ rent: Approve ─▶ RentApproved
//! Admin    ─▶ Reject   ─▶ book ──▶ Rejected ┄▶ payment: Refund ─▶ Refunded ┄▶ rent: Cancel ─▶ Canceled
//! Customer ─▶ Return   ─▶ rent ──▶ Returned ┄▶ book: Free ─▶ BookFreed
//! ```

pub mod book;
pub mod dashboard;
pub mod order;
pub mod payment;
pub mod rent;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.aggregate::<book::Book>();
    board.aggregate::<rent::Rent>();
    board.aggregate::<payment::Payment>();
    board.view::<dashboard::Row>();
}
