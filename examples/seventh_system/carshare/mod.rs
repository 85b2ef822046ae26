//! # Car share
//!
//! ```text
//! Customer ─▶ Join     ─▶ member  ──▶ Joined
//! Admin    ─▶ Register ─▶ car     ──▶ Registered
//! Customer ─▶ Begin    ─▶ trip    ──▶ TripRequested ══ car: Unlock ══▶ TripBegun
//!                                         └─ refused, or no answer ─▶ TripRefused ┄▶ car: Lock
//! Customer ─▶ End      ─▶ trip    ──▶ TripEnded ┄▶ car: Lock ─▶ Locked
//! a day has passed ─▶ End              TripEnded ┄▶ receipt: Write ─▶ Written, a text message ─▶ ReceiptReported
//! ```

pub mod car;
pub mod member;
pub mod receipt;
pub mod trip;
pub mod usage;

use crate::domain::Board;

/// How long one try of an ask may take.
pub const ASK_TIMEOUT_MILLIS: u64 = 600;

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.aggregate::<member::Member>();
    board.aggregate::<car::Car>();
    board.aggregate::<trip::Trip>();
    board.aggregate::<receipt::Receipt>();
    board.view::<usage::Usage>();
}
