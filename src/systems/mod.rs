//! The business, one folder a system. Pure: see [`crate::domain`].

pub mod payment;

use crate::domain::{Aggregate, Board, View};

/// The contexts of `system` that had a port of their own before, each with it.
pub fn ports(system: &str) -> Vec<(&'static str, u16)> {
    #[derive(Default)]
    struct Ports(Vec<(&'static str, u16)>);
    impl Board for Ports {
        fn aggregate<A: Aggregate>(&mut self) {
            self.0.extend(A::PORT.map(|port| (A::NAME.context, port)));
        }
        fn view<V: View>(&mut self) {
            self.0.extend(V::PORT.map(|port| (V::NAME.context, port)));
        }
    }
    let mut ports = Ports::default();
    lay_out(system, &mut ports);
    ports.0
}

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

systems! { bookrent, purifier, ebook, movie, ticketing, gbike }

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Orders(Vec<&'static str>);
    impl Board for Orders {
        fn aggregate<A: Aggregate>(&mut self) {
            self.0.extend(A::IS_ORDER.then_some(A::NAME.context));
        }
        fn view<V: View>(&mut self) {}
    }

    #[test]
    fn a_system_has_one_kind_of_order() {
        for system in NAMES {
            let mut orders = Orders::default();
            lay_out(system, &mut orders);
            assert_eq!(orders.0.len(), 1, "{system}: {:?}", orders.0);
        }
    }
}
