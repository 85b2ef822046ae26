//! Questions that one aggregate puts to another and waits for.

use super::{Aggregate, Id, Name, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{any::Any, borrow::Cow, fmt, marker::PhantomData};

/// Identifies one ask for ever: who asks, and which of its attempts this is. Asking again after a crash repeats the
/// attempt; asking anew after an undo is the next one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AskId {
    /// The asking context: `bookrent.rent`.
    pub context: Cow<'static, str>,
    /// The asking aggregate's number.
    pub number: u64,
    /// Counts the asking aggregate's attempts, from 1.
    pub attempt: u32,
}

impl AskId {
    /// The `attempt`-th ask of aggregate `id`.
    pub fn of<A: Aggregate>(id: Id<A>, attempt: u32) -> Self {
        Self { context: Cow::Borrowed(A::NAME.context), number: id.get(), attempt }
    }
}
impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}/{}", self.context, self.number, self.attempt)
    }
}
impl fmt::Debug for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a question was not answered with yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
pub enum NoAnswer {
    /// The other side said no.
    #[error(transparent)]
    Refused(Refusal),
    /// No answer came in time. It is unknown what became of the question, so giving up undoes it.
    #[error("no answer")]
    Unavailable,
}

impl NoAnswer {
    /// Its stable code: the refusal's, or `no-answer`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.code,
            Self::Unavailable => "no-answer",
        }
    }
}

/// The question that an aggregate of type `A` waits for, and what its answer becomes.
pub struct Ask<A: Aggregate> {
    /// The context that is asked.
    pub callee: Name,
    /// Which of its things.
    pub number: u64,
    /// Which of the asker's attempts this is.
    pub attempt: u32,
    /// What is asked: the callee's command, kept without its type until it meets the callee.
    pub command: Box<dyn AnyCommand>,
    /// What becomes of it where the asker gives up.
    pub compensation: Compensation,
    /// The asker's command that the answer becomes.
    pub then: fn(Result<(), NoAnswer>) -> A::Command,
}

/// What becomes of a question that was given up, of which it is unknown whether it was answered with yes.
#[derive(Debug)]
pub enum Compensation {
    /// A policy of the callee has this command follow from every event that gives the question up.
    Undo {
        /// The callee's command.
        command: Box<dyn AnyCommand>,
        /// The number of the asker that it names.
        asker: u64,
    },
    /// A yes changes nothing at the callee.
    NotNeeded,
    /// The question is never given up: without an answer it is put again.
    UntilAnswered,
}

/// A command of a callee that takes back an ask of an `A`. `#[undo]` on a command makes it.
#[derive(Debug)]
pub struct Undo<A, C> {
    command: C,
    ask: AskId,
    asker: PhantomData<fn() -> A>,
}

impl<A: Aggregate, C> Undo<A, C> {
    /// `command` takes back the `attempt`-th ask of `asker`.
    pub fn new(command: C, asker: Id<A>, attempt: u32) -> Self {
        Self { command, ask: AskId::of(asker, attempt), asker: PhantomData }
    }
}

/// A question that has still to say what becomes of it where the asker gives up.
#[must_use = "say what becomes of it: `undone_by`, `changes_nothing`, or `until_answered`"]
pub struct Question<A: Aggregate, B: Aggregate> {
    to: Id<B>,
    command: B::Command,
    then: fn(Result<(), NoAnswer>) -> A::Command,
}

/// Puts `command` to `to` of another context; the answer becomes the command that `then` makes.
///
/// A question is an [`Ask`] only once it says how it is undone, so that this cannot be forgotten:
///
/// ```text
/// ask(self.book_id, Take { rent }, Settle).undone_by(book::Command::release(rent))
/// ```
pub fn ask<A: Aggregate, B: Aggregate>(
    to: Id<B>,
    command: B::Command,
    then: fn(Result<(), NoAnswer>) -> A::Command,
) -> Question<A, B> {
    Question { to, command, then }
}

impl<A: Aggregate, B: Aggregate> Question<A, B> {
    /// Where the asker gives up, `undo` takes back what a yes may have done. It names the attempt.
    pub fn undone_by(self, undo: Undo<A, B::Command>) -> Ask<A> {
        let (attempt, asker) = (undo.ask.attempt, undo.ask.number);
        self.finish(attempt, Compensation::Undo { command: Box::new(undo.command), asker })
    }
    /// A yes changes nothing at the callee, so nothing is to be undone.
    pub fn changes_nothing(self, attempt: u32) -> Ask<A> {
        self.finish(attempt, Compensation::NotNeeded)
    }
    /// There is no undo: without an answer the question is put again.
    pub fn until_answered(self, attempt: u32) -> Ask<A> {
        self.finish(attempt, Compensation::UntilAnswered)
    }
    fn finish(self, attempt: u32, compensation: Compensation) -> Ask<A> {
        let Self { to, command, then } = self;
        let command = Box::new(command);
        Ask { callee: B::NAME, number: to.get(), attempt, command, compensation, then }
    }
}

impl<A: Aggregate> fmt::Debug for Ask<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{} <- {:?}", self.callee, self.number, self.command)
    }
}

/// A command whose type is known only to the context that it is for.
pub trait AnyCommand: Any + fmt::Debug + Send {
    /// Gives it to the callee, which knows the type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// A copy, for another try.
    fn again(&self) -> Box<dyn AnyCommand>;
    /// Its name on the board.
    fn name(&self) -> &str;
    /// Its form for a callee on another node.
    fn to_json(&self) -> Option<serde_json::Value>;
    /// The same, as text.
    fn to_json_bytes(&self) -> Option<Vec<u8>>;
}
impl<T: Any + Clone + fmt::Debug + Send + AsRef<str> + Serialize> AnyCommand for T {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
    fn again(&self) -> Box<dyn AnyCommand> {
        Box::new(self.clone())
    }
    fn name(&self) -> &str {
        self.as_ref()
    }
    fn to_json(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }
    fn to_json_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }
}
