//! What belongs to the customer whose saga it is, and what many sagas use.

use holdfast::domain::{Aggregate, Board, Entity, Reads, View};
use support::selected_systems;

/// Contexts whose things each belong to one saga, and so to a customer.
const OWNED: &[&str] = &[
    "bookrent.delivery",
    "bookrent.rent",
    "bookrent.view",
    "ebook.dashboard",
    "ebook.notification",
    "ebook.payment",
    "ebook.rent",
    "gbike.billing",
    "gbike.rent",
    "gbike.userDeposit",
    "gbike.view",
    "movie.book",
    "movie.mypage",
    "movie.payment",
    "movie.point",
    "movie.ticket",
    "purifier.delivery",
    "purifier.mypage",
    "purifier.notification",
    "purifier.payment",
    "purifier.rental",
    "ticketing.reservation",
];

/// Contexts whose things many sagas use: there each event alone says whose saga it is in.
const SHARED: &[&str] = &[
    "bookrent.book",
    "ebook.book",
    "gbike.bike",
    "purifier.product",
    "ticketing.price",
    "ticketing.ticket",
    "ticketing.view",
];

/// The contexts of each kind.
#[derive(Default)]
struct Kinds {
    owned: Vec<&'static str>,
    shared: Vec<&'static str>,
}

impl Kinds {
    fn note<E: Entity>(&mut self) {
        let of_kind = match E::READS {
            Reads::Owner => &mut self.owned,
            Reads::Public | Reads::Staff | Reads::PublicWithout(_) => &mut self.shared,
        };
        of_kind.push(E::NAME.context);
    }
}

impl Board for Kinds {
    fn aggregate<A: Aggregate>(&mut self) {
        self.note::<A>();
    }
    fn view<V: View>(&mut self) {
        self.note::<V>();
    }
}

#[test]
fn every_context_has_things_of_customers_or_things_that_many_use() {
    let mut kinds = Kinds::default();
    let systems = selected_systems(holdfast::systems::NAMES);
    for system in &systems {
        assert!(holdfast::systems::lay_out(system, &mut kinds));
    }
    let is_selected = |context: &&&str| {
        let system = context.split('.').next().unwrap_or_default();
        systems.contains(&system)
    };
    for (mut found, known) in [(kinds.owned, OWNED), (kinds.shared, SHARED)] {
        found.sort_unstable();
        let known: Vec<_> = known.iter().filter(is_selected).copied().collect();
        assert_eq!(found, known);
    }
}
