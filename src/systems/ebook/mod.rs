//! # E-book library (전자도서관)
//!
//! ```text
//! Admin    ─▶ Register ─▶ book ──▶ Registed
//! Customer ─▶ Request  ─▶ rent ──▶ RentRequested ══ payment: Pay ══▶ Rented ┄▶ book: Hold ─▶ RequestHeld
//!                                      └─ declined, or no answer ─▶ RentFailed ┄▶ payment: Refund
//! RequestHeld, the amount open ┄▶ payment: Fix ─▶ PaymentFixed ┄▶ book: Judge ─▶ RequestJudged
//!                                      └─ declined ─▶ PaymentDeclined ┄▶ book: Judge ─▶ Rejected
//! Admin    ─▶ Approve  ─▶ book ──▶ Approved ┄▶ rent: Approve ─▶ RentApproved
//! Admin    ─▶ Reject   ─▶ book ──▶ Rejected ┄▶ payment: Refund ─▶ Refunded ┄▶ rent: Cancel ─▶ Canceled
//! Customer ─▶ Withdraw ─▶ rent ──▶ RentWithdrawRequested ══ book: LetGo ══▶ Canceled ┄▶ payment: Refund
//!                                      └─ approved ─▶ RentWithdrawRefused
//! Customer ─▶ Return   ─▶ rent ──▶ Returned ┄▶ book: Free ─▶ BookFreed
//! every change of a rent ┄▶ notification: Queue ─▶ MessageQueued, then MessageSent or MessageRefused
//! ```

pub mod book;
pub mod dashboard;
pub mod labels;
pub mod notification;
pub mod order;
pub mod payment;
pub mod refusals;
pub mod rent;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<book::Book>();
    board.aggregate::<rent::Rent>();
    board.aggregate::<payment::Payment>();
    board.view::<dashboard::Row>();
    board.aggregate::<notification::Notification>();
    board.refusals(refusals::REFUSALS);
}
