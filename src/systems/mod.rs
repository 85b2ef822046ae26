//! The business, one folder a system. Pure: see [`crate::domain`].

pub mod payment;

use crate::domain::Board;

macro_rules! systems {
    ($($system:ident),+ $(,)?) => {
        $(pub mod $system;)+
        /// The names of all systems.
        pub const NAMES: &[&str] = &[$(stringify!($system)),+];
        /// How long one try of an ask may take in the system called `name`, in milliseconds.
        pub fn ask_timeout_millis(name: &str) -> Option<u64> {
            match name {
                $(stringify!($system) => Some($system::ASK_TIMEOUT_MILLIS),)+
                _ => None,
            }
        }
        /// Lays the system called `name` out on `board`; says whether there is one.
        pub fn lay_out(name: &str, board: &mut impl Board) -> bool {
            match name {
                $(stringify!($system) => $system::lay_out(board),)+
                _ => return false,
            }
            true
        }
    };
}

systems! { bookrent, movie }
