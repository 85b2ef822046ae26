//! A question that one aggregate puts to another and waits for.

use super::{Addressee, Name, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{any::Any, fmt};

/// Why a question was not answered with yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
pub enum NoAnswer {
    /// The other side refused.
    #[error(transparent)]
    Refused(Refusal),
    /// No answer came in time. It is unknown what became of the question, so giving up undoes it.
    #[error("no answer")]
    Unavailable,
}

impl NoAnswer {
    /// The refusal for a client who waits: the callee's own, or that the same may work in a moment.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Unavailable => Refusal::retry_later(),
        }
    }

    /// Its stable code: the refusal's, or `no-answer`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.code,
            Self::Unavailable => "no-answer",
        }
    }
}

/// A question that an aggregate waits for, and the command of type `C` that its answer becomes.
pub struct OpenAsk<C> {
    /// The context that is asked.
    pub callee: Name,
    /// Which of its things.
    pub to: Addressee,
    /// Which of the asker's attempts this is.
    pub attempt: u32,
    /// What is asked: the callee's command, kept without its type until it meets the callee.
    pub command: Box<dyn AnyCommand>,
    /// What becomes of it where the asker gives up.
    pub compensation: Compensation,
    /// The asker's command that the answer becomes.
    pub then: fn(Result<(), NoAnswer>) -> C,
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

impl<C> fmt::Debug for OpenAsk<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.write_to(self.callee, f)?;
        write!(f, " <- {:?}", self.command)
    }
}

/// A command whose type is known only to the context that it is for.
pub trait AnyCommand: Any + fmt::Debug + Send {
    /// Gives it to the callee, which knows the type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// A copy, for another try.
    fn clone_command(&self) -> Box<dyn AnyCommand>;
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
    fn clone_command(&self) -> Box<dyn AnyCommand> {
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
