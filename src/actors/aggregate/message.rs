//! What a deciding context is sent: typed messages, each with its own way back.

use super::behavior::CommandProgress;
use crate::{
    actors::{
        erased::Command,
        port::{
            context::{IdempotencyKey, Outcome, Verb},
            fault::Fault,
            health::ParkedId,
        },
        subscription::{source::Recipient, subscriptions::Delivery},
        tables::records::{SagaId, TraceContext},
    },
    domain::{AskId, NoAnswer},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Mail for a deciding context.
pub enum AggregateMail {
    /// A client's command.
    Command(CommandMessage),
    /// Another context's question.
    Ask(AskMessage),
    /// The answer to a question of ours has become this command.
    Answer { number: u64, answered: Answered, command: Command },
    /// Events of a source.
    Delivery(Delivery<Command>),
    /// It is time to look at timers, shelves and logs.
    Wake,
    /// Somebody deals with a parked event by hand.
    Unpark { parked: ParkedId, redrive: bool, done: oneshot::Sender<Result<(), Fault>> },
}

/// Which question was settled, and what is to be known of whoever was asked.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub callee: &'static str,
    pub attempt: u32,
    /// Nobody has answered, and for so long nobody will be asked.
    pub shut_for: Option<Duration>,
}

/// A client's command on its way.
pub struct CommandMessage {
    pub target: Recipient,
    pub verb: Verb,
    pub command: Command,
    pub if_match: Vec<u64>,
    pub must_exist: bool,
    pub idempotency: Option<IdempotencyKey>,
    pub thread: TraceContext,
    pub reply: oneshot::Sender<Result<Outcome, Fault>>,
    /// How far it has come, for a client whose patience ends.
    pub progress: Arc<CommandProgress>,
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Another context's question on its way.
pub struct AskMessage {
    pub id: AskId,
    pub saga: SagaId,
    pub thread: TraceContext,
    pub number: u64,
    pub command: Command,
    pub reply: oneshot::Sender<Result<(), NoAnswer>>,
}

/// The same answer, for one who came again with the same idempotency key.
pub fn as_replay(answer: Result<Outcome, Fault>, replayed: bool) -> Result<Outcome, Fault> {
    match answer {
        Ok(outcome) => Ok(Outcome { replayed, ..outcome }),
        Err(Fault::Refused(refusal)) if replayed => Err(Fault::RefusedBefore(refusal)),
        Err(fault) => Err(fault),
    }
}
