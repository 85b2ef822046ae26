//! # Water purifier rental (정수기 렌탈)
//!
//! ```text
//! Admin    ─▶ Register ─▶ product ──▶ ProductRegistered
//! Customer ─▶ Request  ─▶ rental ──▶ RentalRequested ══ payment: Approve ══▶ RentalPlaced ┄▶ delivery: Start
//!                                        └─ declined, or no answer ─▶ RentalFailed ┄▶ payment: Cancel
//!   DeliveryStarted ┄▶ product: Decrease ─▶ ProductDecreased
//!                          └─ out of stock, unknown, another price ─▶ ProductRefused ┄▶ delivery, payment, rental: Cancel
//! Customer ─▶ Cancel   ─▶ rental ──▶ RentalCanceled ┄▶ payment: Cancel ─▶ PaymentCanceled ┄▶ delivery: Cancel
//!   DeliveryCanceled ┄▶ product: Increase ─▶ ProductIncreased
//! Each change of a rental's or a delivery's status ┄▶ notification: Tell ─▶ MessageSent
//! ```

pub mod delivery;
pub mod mypage;
pub mod notification;
pub mod payment;
pub mod product;
mod refused;
pub mod rental;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.aggregate::<product::Product>();
    board.aggregate::<rental::Rental>();
    board.aggregate::<payment::Payment>();
    board.aggregate::<delivery::Delivery>();
    board.view::<mypage::Row>();
    board.aggregate::<notification::Notification>();
}
