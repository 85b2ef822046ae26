//! Questions that one aggregate puts to another and waits for.

use super::{Aggregate, Id, Name, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{any::Any, borrow::Cow, fmt};

/// Names one ask for ever: who asks, and which of its attempts this is. Asking again after a crash repeats the attempt;
/// asking anew after an undo is the next one.
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
    /// Nobody answered in time. What became of the question is unknown, so whoever gives up undoes it.
    #[error("no answer")]
    Unavailable,
}

impl NoAnswer {
    /// The stable word for it: the refusal's code, or `no-answer`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.code,
            Self::Unavailable => "no-answer",
        }
    }
}

/// The question that an aggregate of type `A` is waiting on, and what to make of the answer.
pub struct Ask<A: Aggregate> {
    /// The context that is asked.
    pub callee: Name,
    /// Which of its things.
    pub number: u64,
    /// Which of the asker's attempts this is.
    pub attempt: u32,
    /// What is asked: the callee's command, kept without its type until it meets the callee.
    pub command: Box<dyn AnyCommand>,
    /// The asker's command that the answer becomes.
    pub then: fn(Result<(), NoAnswer>) -> A::Command,
}

/// Puts `command` to number `to` of another context, as attempt `attempt`: `ask(book, Take { rent }, 1, Settle)`.
pub fn ask<A: Aggregate, B: Aggregate>(
    to: Id<B>,
    command: B::Command,
    attempt: u32,
    then: fn(Result<(), NoAnswer>) -> A::Command,
) -> Ask<A> {
    Ask { callee: B::NAME, number: to.get(), attempt, command: Box::new(command), then }
}

impl<A: Aggregate> fmt::Debug for Ask<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{} <- {:?}", self.callee, self.number, self.command)
    }
}

/// A command whose type is known only to the context that it is for.
pub trait AnyCommand: Any + fmt::Debug + Send {
    /// For the callee, which knows the type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// The same again, for another try.
    fn again(&self) -> Box<dyn AnyCommand>;
    /// Its name on the board.
    fn name(&self) -> &str;
    /// For a callee on another node.
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
