//! The contexts of a system that is simulated: one of the crate, or the example that is built outside it.

use holdfast::{domain::Board, systems};

#[path = "../../../../examples/seventh_system/carshare/mod.rs"]
#[allow(dead_code)]
mod carshare;

/// A system of which neither the crate nor the simulator knows anything.
pub const SEVENTH: &str = "carshare";

/// Lays the contexts of `system` out on `board`.
pub fn lay_out(system: &str, board: &mut impl Board) {
    if system == SEVENTH {
        carshare::lay_out(board);
    } else {
        assert!(systems::lay_out(system, board), "there is no system {system}");
    }
}

/// How long one try of an ask may take in it, in milliseconds.
pub fn ask_timeout_millis(system: &str) -> Option<u64> {
    if system == SEVENTH {
        Some(carshare::ASK_TIMEOUT_MILLIS)
    } else {
        systems::ask_timeout_millis(system)
    }
}
