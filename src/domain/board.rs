//! The board of a system: its contexts, how they listen to each other, and what clients may send.
//!
//! Everything here is a visitor: a context names each thing once, with its type, and every part that needs to know visits
//! it. So there is no second list of contexts, of listeners or of routes.

use super::{Aggregate, Entity, Label, Name, RefusalCode, View};

/// Visits the contexts of a system: the spawner, the router, the documents, the drawing. For their names and other plain
/// facts there is [`Contexts`].
///
/// ```
/// use holdfast::{domain::{Aggregate, Board, Entity, View}, systems};
///
/// /// Collects the names of what decides.
/// #[derive(Default)]
/// struct Deciding(Vec<&'static str>);
///
/// impl Board for Deciding {
///     fn aggregate<A: Aggregate>(&mut self) {
///         self.0.push(A::NAME.context);
///     }
///     fn view<V: View>(&mut self) {}
/// }
///
/// let mut deciding = Deciding::default();
/// systems::lay_out("bookrent", &mut deciding);
/// assert!(deciding.0.contains(&"bookrent.rent"));
/// ```
pub trait Board {
    /// A context that decides.
    fn aggregate<A: Aggregate>(&mut self);
    /// A context that only listens.
    fn view<V: View>(&mut self);
    /// What people call what is on the wire. It is for the contexts that are laid out after it.
    fn labels(&mut self, _labels: &'static [Label]) {}
    /// The refusals of the system that clients meet.
    fn refusals(&mut self, _codes: &'static [RefusalCode]) {}
}

/// The refusals that were laid out on it.
#[derive(Debug, Default)]
pub struct Refusals(pub Vec<RefusalCode>);

impl Board for Refusals {
    fn aggregate<A: Aggregate>(&mut self) {}
    fn view<V: View>(&mut self) {}
    fn refusals(&mut self, codes: &'static [RefusalCode]) {
        self.0.extend(codes);
    }
}

/// The plain facts of the contexts that were laid out on it.
#[derive(Debug, Default)]
pub struct Contexts(pub Vec<Facts>);

/// What is known of a context without its types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Its place.
    pub name: Name,
    /// Whether it only listens.
    pub is_view: bool,
    /// Whether it is the order of its system, or a view of it.
    pub is_order: bool,
    /// Other spellings of its collection.
    pub aliases: &'static [&'static str],
    /// The port that its clients know from before.
    pub port: Option<u16>,
}

impl Facts {
    fn of<E: Entity>(is_view: bool) -> Self {
        Self { name: E::NAME, is_view, is_order: E::IS_ORDER, aliases: E::ALIASES, port: E::PORT }
    }
}

impl Board for Contexts {
    fn aggregate<A: Aggregate>(&mut self) {
        self.0.push(Facts::of::<A>(false));
    }
    fn view<V: View>(&mut self) {
        self.0.push(Facts::of::<V>(true));
    }
}
