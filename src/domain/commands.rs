//! What the commands of a context have in common.

use super::{AskId, NamedMessage};

/// The commands of a context. `#[command]` implements it.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # #[entity(
/// #     context = "shop.order", reads = public, collection = "orders", korean = "주문",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Order { total: u64 }
/// # #[command]
/// # enum Place { Place }
/// # #[event]
/// # enum Placed { Placed }
/// # impl Aggregate for Order {
/// #     type Command = Place;
/// #     type Event = Placed;
/// #     type Settings = ();
/// #     fn decide(&self, _: Place, _: &DecisionContext<'_, Self>) -> Decision<Placed> {
/// #         emit(Placed::Placed)
/// #     }
/// #     fn evolve(&mut self, _: &Placed) {}
/// # }
///
/// /// What a shelf is asked.
/// #[command]
/// enum Command {
///     /// Keeps one for this order.
///     Take { order: Id<Order> },
///     /// Takes the first ask of that order back.
///     #[undo(of = order, attempt = 1)]
///     PutBack { order: Id<Order> },
/// }
///
/// let undo = Command::PutBack { order: Id::new(7) };
/// assert_eq!(undo.compensates(), Some(AskId::of(Id::<Order>::new(7), 1)));
/// assert_eq!(Command::Take { order: Id::new(7) }.compensates(), None);
/// ```
pub trait Commands: NamedMessage {
    /// The ask that this command takes back, if it is an undo: see `#[undo]`. The runtime keeps it by the ask's id, so
    /// that a late question is refused and a late yes cannot come.
    fn compensates(&self) -> Option<AskId> {
        None
    }
}
