//! # Purifier (정수기 렌탈)
//!
//! ```text
//! Admin    ─▶ Register ─▶ product ──▶ ProductRegistered; corrects, withdraws and restores it
//! Customer ─▶ Request  ─▶ rental  ──▶ RentalRequested ══ payment: Approve ══▶ RentalPlaced ┄▶ delivery: Start ─▶ DeliveryStarted
//!                                         └─ declined, or no answer ─▶ RentalFailed ┄▶ payment: Cancel
//! DeliveryStarted ┄▶ product: Decrease ─▶ ProductDecreased ┄▶ delivery: Supply
//!                                └─ out of stock, unknown, of another price ─▶ ProductRefused ┄▶ rental: Refuse ─▶ RentalCanceled
//! Customer ─▶ Cancel   ─▶ rental  ──▶ RentalCanceled ┄▶ payment: Cancel ─▶ PaymentCanceled ┄▶ delivery: Cancel ─▶ DeliveryCanceled
//!                                                      and, where a unit is out, DeliveryReturned ┄▶ product: Increase
//! ProductDecreased ┄▶ rental: Supply ─▶ RentalSupplied; DeliveryCanceled after that ┄▶ rental: EndDelivery ─▶ RentalRecalled
//! every change of a rental ┄▶ notification: Queue ─▶ MessageQueued, then MessageSent or MessageRefused
//! ```

pub mod delivery;
pub mod labels;
pub mod mypage;
pub mod notification;
pub mod order;
pub mod payment;
pub mod product;
pub mod refusals;
pub mod rental;
pub mod stock;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 610;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<product::Product>();
    board.aggregate::<rental::Rental>();
    board.aggregate::<payment::Payment>();
    board.aggregate::<delivery::Delivery>();
    board.view::<mypage::Row>();
    board.aggregate::<notification::Notification>();
    board.refusals(refusals::REFUSALS);
}
