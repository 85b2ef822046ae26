//! The business, one folder a system. Pure: see [`crate::domain`].

use crate::domain::Board;

macro_rules! systems {
    ($($system:ident),+ $(,)?) => {
        $(pub mod $system;)+
        /// The names of all systems.
        pub const NAMES: &[&str] = &[$(stringify!($system)),+];
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

systems! { bookrent }
