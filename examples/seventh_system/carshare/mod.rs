//! # Car share
//!
//! ```text
//! Customer ─▶ Join     ─▶ member  ──▶ Joined
//! Admin    ─▶ Register, Maintain ─▶ car ──▶ Registered, CarCorrected, CarWithdrawn, CarRestored
//! Customer ─▶ Begin    ─▶ trip    ──▶ Requested ══ car: Unlock ══▶ Begun
//!                                         └─ refused, or no answer ─▶ Refused ┄▶ car: Lock
//! Customer ─▶ End      ─▶ trip    ──▶ Ended ┄▶ car: Lock ─▶ Locked
//! a day has passed ─▶ End             Ended ┄▶ receipt: Write ─▶ Written
//! ```

pub mod car;
pub mod member;
pub mod receipt;
pub mod trip;
pub mod usage;

use crate::domain::{Board, RefusalCode};

/// How long one try of an ask may take.
pub const ASK_TIMEOUT_MILLIS: u64 = 600;

/// What decisions refuse with.
const CAR_TAKEN: RefusalCode =
    RefusalCode::conflict("car-taken", "the car is on a trip", "운행 중인 차량입니다");
const USER_DRIVING: RefusalCode =
    RefusalCode::conflict("user-driving", "the user is on another trip", "이미 운행 중입니다");

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.aggregate::<member::Member>();
    board.aggregate::<car::Car>();
    board.aggregate::<trip::Trip>();
    board.aggregate::<receipt::Receipt>();
    board.view::<usage::Usage>();
    board.refusals(&[CAR_TAKEN, USER_DRIVING]);
}
