//! # gbike (자전거 대여)
//!
//! ```text
//! Admin    ─▶ Register ─▶ bike ──▶ RegisteredBike
//! Customer ─▶ Request  ─▶ rent ──▶ RentRequested ══ userDeposit: Clear ══▶ RentCleared ══ bike: Take ══▶ Rented
//!                                      └─ refused, or no answer, by either ─▶ RentFailed ┄▶ bike: Release
//!                                                                                          └▶ userDeposit: Release
//!                              Rented ┄▶ billing: Open ─▶ RegisteredBill
//! Customer ─▶ Return   ─▶ rent ──▶ Returned ┄▶ bike: PutBack ─▶ UpdatedBike
//!                                           ┄▶ userDeposit: EndRide
//!                                           ┄▶ billing: Calculate ─▶ CalculatedFee ┄▶ userDeposit: Charge
//!                              userDeposit ──▶ UpdatedDeposit ┄▶ billing: Close ─▶ ClosedBill
//!                                          ├─▶ FeeDeferred, until the customer tops up
//!                                          └─▶ FeeQueued, where many are open ┄▶ billing: Follow ─▶ BillFollowed
//! Both     ─▶ TopUp    ─▶ userDeposit ──▶ UpdatedDeposit, and one more for each fee that it settles
//!                              billing ──▶ ClosedBill   ┄▶ userDeposit: GoOn
//!                                      └─▶ BillPassedOn ┄▶ userDeposit: MoveUp, until all that is covered is paid
//! ```

pub mod allowance;
pub mod arrears;
pub mod bike;
pub mod billing;
pub mod labels;
pub mod order;
pub mod refusals;
pub mod rent;
pub mod tariff;
pub mod user_deposit;
pub mod view;

use crate::domain::Board;

/// How long one try of an ask may take, in milliseconds.
pub const ASK_TIMEOUT_MILLIS: u64 = 1200;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(labels::LABELS);
    board.aggregate::<bike::Bike>();
    board.aggregate::<rent::Rent>();
    board.aggregate::<billing::Billing>();
    board.aggregate::<user_deposit::UserDeposit>();
    board.view::<view::Row>();
    board.refusals(refusals::REFUSALS);
}
