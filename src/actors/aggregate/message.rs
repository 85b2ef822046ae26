//! The messages of an aggregate context, each with its own way to answer.

use super::progress::CommandProgress;
use crate::actors::port::saga::{SagaId, TraceContext};
use crate::{
    actors::{
        erased::Command,
        port::{
            admission::AdmissionPermit,
            context::{IdempotencyKey, Outcome},
            declaration::Verb,
            fault::{CommandFault, Fault},
            health::ParkedId,
            history::EventId,
        },
        subscription::{source::Recipient, subscriptions::EventDelivery},
    },
    domain::{Addressee, AskId, NoAnswer},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// A message to an aggregate context.
pub enum AggregateMail {
    /// A client's command.
    Command(CommandMessage),
    /// A question of another context.
    Ask(AskMessage),
    /// The answer to a question of this context, as the command that it becomes.
    Answer { number: u64, answered: Answered, command: Command },
    /// Events of a source.
    Delivery(EventDelivery<Command>),
    /// Timers, parked events or logs may be due.
    Wake,
    /// An operator retries (`redrive`) or drops a parked event.
    Unpark { parked: ParkedId, redrive: bool, done: oneshot::Sender<Result<(), Fault>> },
}

/// Which question was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub callee: &'static str,
    pub attempt: u32,
    /// There was no answer, and the callee's breaker stays open for so long.
    pub shut_for: Option<Duration>,
}

/// A client's command.
pub struct CommandMessage {
    pub target: Recipient,
    pub verb: Verb,
    pub command: Command,
    pub if_match: Vec<u64>,
    pub must_exist: bool,
    pub idempotency: Option<KeyedRequest>,
    pub thread: TraceContext,
    pub reply: oneshot::Sender<Result<Outcome, CommandFault>>,
    /// How far it has got, for a client that stops waiting.
    pub progress: Arc<CommandProgress>,
    pub permit: Option<AdmissionPermit>,
}

/// A request under an idempotency key.
pub struct KeyedRequest {
    pub key: IdempotencyKey,
    /// The sum of its body.
    pub fingerprint: u64,
}

/// A question of another context.
pub struct AskMessage {
    pub id: AskId,
    /// The event of the asking context that it follows from.
    pub after: Option<EventId>,
    pub saga: SagaId,
    pub thread: TraceContext,
    pub to: Addressee,
    pub command: Command,
    pub reply: oneshot::Sender<Result<(), NoAnswer>>,
}

/// The answer for a client that repeats its idempotency key.
pub fn as_replay(
    answer: Result<Outcome, CommandFault>,
    replayed: bool,
) -> Result<Outcome, CommandFault> {
    match answer {
        Ok(outcome) => Ok(Outcome { replayed, ..outcome }),
        Err(CommandFault { fault: Fault::Refused(refusal), order }) if replayed => {
            Err(CommandFault { fault: Fault::RefusedBefore(refusal), order })
        }
        Err(fault) => Err(fault),
    }
}
