//! The wall that the notes are laid out on, and how its notes listen to each other and open to the world.
//!
//! All three are visitors: a context names each thing once, with its type, to whoever wants to know. Hence there is no
//! second list of contexts, of listeners or of doors anywhere.

use super::{Aggregate, Id, View};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

/// A wall for notes. Whoever must know what the systems consist of — the spawner, the router, the documents, the
/// drawing — is a `Board` and is shown all of it.
pub trait Board {
    /// A context that decides.
    fn aggregate<A: Aggregate>(&mut self);
    /// A context that only listens.
    fn view<V: View>(&mut self);
}

/// Is told which contexts `A` listens to, and what of it is commanded when.
pub trait Policies<A: Aggregate> {
    /// Whenever an event of `S` is heard, this command goes to that one of us, if any.
    fn on<S: Aggregate>(&mut self, react: React<A, S>);
    /// Whenever an event of `S` is heard, a new one of us is commanded to come to be, under our next number. A context is
    /// heard in one of the two ways, not in both.
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>);
}

/// Which of `A` is commanded to do what when an event of `S` is heard.
pub type React<A, S> = fn(&<S as Aggregate>::Event) -> Option<(Id<A>, <A as Aggregate>::Command)>;

/// Is told which contexts a view listens to, and how its rows change.
pub trait Folds<V: View> {
    /// The row that an event of `S` belongs to, if any, and what the event makes of it.
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event));
}

/// Is told which commands clients may send, and in what shape.
pub trait Routes<A: Aggregate> {
    /// `POST /{collection}`.
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command));
    /// `PATCH /{collection}/{id}`.
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command);
    /// `PATCH /{collection}/{verb}/{id}`, without a body.
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command);
    /// `DELETE /{collection}/{id}`: a command that cancels; what was is still shown.
    fn delete(&mut self, who: Role, enter: fn() -> A::Command);
}

/// Is told which events of `A` are told to somebody outside, in a text message.
pub trait Messages<A: Aggregate> {
    /// Whenever such an event has happened, this message goes out, if any. An aggregate has one such rule.
    fn sending(&mut self, write: Write<A>);
}

/// What an event comes to in words for somebody outside, if anything.
pub type Write<A> = fn(&<A as Aggregate>::Event) -> Option<Message>;

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// To which telephone, if it is known.
    pub to: Option<String>,
    /// What it says.
    pub text: String,
}

/// What comes in through a door. Read leniently: numbers and booleans may be written as strings.
pub trait Body: DeserializeOwned + JsonSchema + Send + 'static {}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for T {}

/// The body of a `PATCH` that asks for another status: one of those that `S` has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Change<S> {
    /// The status that is wanted.
    pub status: S,
}

/// Who stands before a door on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Those whom the business serves.
    Customer,
    /// Those who run it.
    Admin,
    /// Either of them.
    Both,
}

/// Which one a POST is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<A> {
    /// A new one, with the next number.
    New,
    /// The one whose number the client chose.
    Chosen(Id<A>),
}
