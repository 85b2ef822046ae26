//! Contexts that only listen.

use super::{Aggregate, Entity};

/// A table that is kept by listening: an entity whose rows only events write.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # #[entity(
/// #     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Lamp { on: bool }
/// # #[command] enum Command { Toggle }
/// # #[event] enum Event { Toggled { lamp_id: Id<Lamp>, on: bool } }
/// # impl Aggregate for Lamp {
/// #     type Command = Command;
/// #     type Event = Event;
/// #     type Settings = ();
/// #     fn decide(&self, _: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
/// #         emit(Event::Toggled { lamp_id: this.id, on: !self.on })
/// #     }
/// #     fn evolve(&mut self, _: &Event) {}
/// # }
/// /// How often each lamp was toggled.
/// #[entity(
///     context = "house.wear", reads = public, collection = "wears", korean = "마모",
///     lifecycle = Lifecycle::Established
/// )]
/// struct Wear {
///     times: u64,
/// }
/// impl View for Wear {
///     fn folds(folds: &mut impl Folds<Self>) {
///         folds.on::<Lamp>(
///             |Event::Toggled { lamp_id, .. }| Some(lamp_id.get()),
///             |row, _| row.times += 1,
///         );
///     }
/// }
/// ```
pub trait View: Entity {
    /// How the events of each source change a row. The row is the same for any interleaving of the sources.
    fn folds(folds: &mut impl Folds<Self>);
}

/// Takes the contexts that a view listens to, and how their events change its rows.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # /// A lamp.
/// # #[entity(
/// #     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Lamp { on: bool }
/// # #[command]
/// # enum Command { Toggle, Set(Wanted) }
/// # #[event]
/// # enum Event { Toggled { lamp_id: Id<Lamp>, on: bool } }
/// # #[body]
/// # struct Wanted { on: bool }
/// # impl Aggregate for Lamp {
/// #     type Command = Command;
/// #     type Event = Event;
/// #     type Settings = ();
/// #     fn decide(&self, _: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
/// #         emit(Event::Toggled { lamp_id: this.id, on: !self.on })
/// #     }
/// #     fn evolve(&mut self, event: &Event) {
/// #         let Event::Toggled { on, .. } = event;
/// #         self.on = *on;
/// #     }
/// # }
/// /// Whether each lamp is on, and how often it was toggled.
/// #[entity(
///     context = "house.panel", reads = public, collection = "panels", korean = "제어판",
///     lifecycle = Lifecycle::Established
/// )]
/// struct Panel {
///     on: bool,
///     toggled: u64,
/// }
/// impl View for Panel {
///     fn folds(folds: &mut impl Folds<Self>) {
///         folds.on::<Lamp>(
///             |Event::Toggled { lamp_id, .. }| Some(lamp_id.get()),
///             |row, Event::Toggled { on, .. }| {
///                 row.on = *on;
///                 row.toggled += 1;
///             },
///         );
///     }
/// }
/// ```
pub trait Folds<V: View> {
    /// The row that an event of `S` belongs to, if any, and what the event makes of it.
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event));
}
