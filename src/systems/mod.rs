//! The business, one folder a system. Pure: see [`crate::domain`].
//!
//! The `pub mod` lines below are the one list of systems: each folder that they name is one.

pub mod bookrent;
pub mod ebook;
pub mod gbike;
pub mod movie;
pub mod payment;
pub mod purifier;
pub mod text;
pub mod ticketing;

use crate::domain::{Board, Contexts, Facts, RefusalCode, Refusals};

/// Calls `$system` with the names of the systems.
macro_rules! systems {
    ($($system:ident),+) => {
        /// The names of all systems.
        pub const NAMES: &[&str] = &[$(stringify!($system)),+];

        /// How long one try of an ask may take in the system called `name`, in milliseconds.
        pub fn ask_timeout_millis(name: &str) -> Option<u64> {
            match name {
                $(stringify!($system) => Some($system::ASK_TIMEOUT_MILLIS),)+
                _ => None,
            }
        }

        /// Lays the system called `name` out on `board`. Gives whether there is one.
        pub fn lay_out(name: &str, board: &mut impl Board) -> bool {
            match name {
                $(stringify!($system) => $system::lay_out(board),)+
                _ => return false,
            }
            true
        }
    };
}

holdfast_macros::modules!("src/systems/mod.rs" => systems);

/// The contexts of `system`: their places, kinds and ports.
pub fn contexts(system: &str) -> Vec<Facts> {
    let mut contexts = Contexts::default();
    lay_out(system, &mut contexts);
    contexts.0
}

/// The names of all systems and of their contexts.
pub fn all_names() -> Vec<&'static str> {
    let of_system = |system: &&'static str| {
        let contexts = contexts(system).into_iter().map(|context| context.name.context);
        [*system].into_iter().chain(contexts).collect::<Vec<_>>()
    };
    NAMES.iter().flat_map(of_system).collect()
}

/// The refusals of `system` that clients meet.
pub fn refusals(system: &str) -> Vec<RefusalCode> {
    let mut refusals = Refusals::default();
    lay_out(system, &mut refusals);
    refusals.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_has_one_kind_of_order() {
        for system in NAMES {
            let contexts = contexts(system);
            let orders = contexts.iter().filter(|context| context.is_order && !context.is_view);
            assert_eq!(orders.count(), 1, "{system}: {contexts:?}");
        }
    }
}
