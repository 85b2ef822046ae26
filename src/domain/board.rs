//! The board of a system: its contexts, how they listen to each other, and what clients may send.
//!
//! Everything here is a visitor: a context names each thing once, with its type, and every part that needs to know visits
//! it. So there is no second list of contexts, of listeners or of routes.

use super::{Aggregate, Entity, Id, Name, View};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

/// Visits the contexts of a system: the spawner, the router, the documents, the drawing. For their names and other plain
/// facts there is [`Contexts`].
pub trait Board {
    /// A context that decides.
    fn aggregate<A: Aggregate>(&mut self);
    /// A context that only listens.
    fn view<V: View>(&mut self);
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

/// Takes the policies of `A`: which command follows from which event of another context.
pub trait Policies<A: Aggregate> {
    /// From an event of `S` follows this command to that one of us, if any.
    fn on<S: Aggregate>(&mut self, react: React<A, S>);
    /// From an event of `S` follows this command to a new one of us, under the next number, if any. A context is listened
    /// to in one of the two ways, not in both.
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>);
}

/// The command that follows from an event of `S`, and to which `A`.
pub type React<A, S> = fn(&<S as Aggregate>::Event) -> Option<(Id<A>, <A as Aggregate>::Command)>;

/// Takes the contexts that a view listens to, and how their events change its rows.
pub trait Folds<V: View> {
    /// The row that an event of `S` belongs to, if any, and what the event makes of it.
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event));
}

/// Takes the commands that clients may send, and their shape.
pub trait Routes<A: Aggregate> {
    /// `POST /{collection}`.
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command));
    /// `PATCH /{collection}/{id}`.
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command);
    /// `PATCH /{collection}/{verb}/{id}`, without a body.
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command);
    /// `DELETE /{collection}/{id}`: a command that cancels; the thing is still shown.
    fn delete(&mut self, who: Role, enter: fn() -> A::Command);
}

/// Takes the events of `A` that become text messages.
pub trait Messages<A: Aggregate> {
    /// From an event follows this message, if any. An aggregate has one such rule.
    fn sending(&mut self, write: Write<A>);
}

/// The text message that follows from an event, if any.
pub type Write<A> = fn(&<A as Aggregate>::Event) -> Option<Message>;

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The number of a telephone, if it is known.
    pub to: Option<String>,
    /// What it says.
    pub text: String,
}

/// The body of a request. Numbers and booleans in it may be written as strings.
pub trait Body: DeserializeOwned + JsonSchema + Send + 'static {}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for T {}

/// The body of a `PATCH` that asks for another status: one of those that `S` has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Change<S> {
    /// The status that is wanted.
    pub status: S,
}

/// Who sends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A customer of the business.
    Customer,
    /// Staff of the business.
    Admin,
    /// Either.
    Both,
}

/// Which thing a POST is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<A> {
    /// A new one, with the next number.
    New,
    /// The one whose number the client chose.
    Chosen(Id<A>),
}
