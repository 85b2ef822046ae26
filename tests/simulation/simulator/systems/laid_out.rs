//! The contexts of a system that is simulated: one of the crate, or the example that is built outside it.

use holdfast::{domain::Board, systems};

#[path = "../../../../examples/seventh_system/carshare/mod.rs"]
#[allow(dead_code)]
mod carshare;

/// A system of which neither the crate nor the simulator knows anything.
pub const SEVENTH: &str = "carshare";
/// The same with one context only, which has nothing to say to another.
pub const LONELY: &str = "carshare.member";

/// Lays the contexts of what is called `name` out on `board`.
pub fn lay_out(name: &str, board: &mut impl Board) {
    match name {
        SEVENTH => carshare::lay_out(board),
        LONELY => board.aggregate::<carshare::member::Member>(),
        system => assert!(systems::lay_out(system, board), "there is no system {system}"),
    }
}

/// How long one try of an ask may take there, in milliseconds.
pub fn ask_timeout_millis(name: &str) -> Option<u64> {
    match name {
        SEVENTH | LONELY => Some(carshare::ASK_TIMEOUT_MILLIS),
        system => systems::ask_timeout_millis(system),
    }
}
