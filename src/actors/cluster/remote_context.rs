//! Contexts that other nodes host, and how they are asked from here.

use super::hearsay::Hearsay;
use crate::actors::{
    ask::{
        directory::{Askable, Question},
        guard::AnswerReceiver,
    },
    outbox::event_log::RecordedEvent,
    tables::{
        history::{EventId, Past},
        records::SagaId,
    },
};
use crate::{
    domain::{AskId, NoAnswer, Refusal},
    store::Store,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::oneshot;

/// A question to a context of another node, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerQuestion {
    /// Names it for ever: the same id gets the same answer.
    pub id: AskId,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<String>,
    /// Which of the asked context's things.
    pub number: u64,
    /// The asked context's command.
    pub command: serde_json::Value,
    /// The past of the asking context's log; earlier versions do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// The last event of the asked context's log that is known to who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<EventId>,
}

/// What is said to a [`PeerQuestion`]. No answer has no word: it is an error of the way, or of its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerAnswer {
    /// Yes.
    Yes,
    /// No, and why.
    No(Refusal),
}

/// An answer, and what there is to judge whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerReply {
    /// Yes, or why not.
    pub answer: PeerAnswer,
    /// The past of the asked context's log; earlier versions do not tell it.
    pub past: Option<Past>,
}

/// Why another node has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It is away, or does not understand.
    Away(String),
    /// The past that it knows of a log is not the one that is told here; with what to do about it.
    Changed(String),
}

/// The way to other nodes.
pub trait PeerClient: Send + Sync {
    /// Whether there is a node that is known to host `context`.
    fn reaches(&self, context: &str) -> bool;
    /// Puts a question, once; after `within` nobody waits for the answer any more.
    fn ask(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<PeerReply, Silence>>;
    /// The past of the log of `context`.
    ///
    /// # Errors
    /// Why it cannot be learnt.
    fn past(&self, context: &str) -> BoxFuture<'static, Result<Past, String>>;
    /// What happened in `context` from sequence `from` on, behind the event called `after`, where that is known. Where
    /// nothing has, waits up to `linger` for it to happen.
    ///
    /// # Errors
    /// Why nothing can be learnt; it is asked again after a pause.
    fn events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>>;
}

/// A context of another node, for those here who ask it.
pub struct RemoteContext {
    pub context: &'static str,
    pub wire: Arc<dyn PeerClient>,
    pub store: Arc<dyn Store>,
    /// How long its askers wait.
    pub patience: Duration,
    /// The pasts of those here who ask.
    pub pasts: Pasts,
    /// What is known of others.
    pub heard: Arc<Hearsay>,
}

/// Tells the past of a log.
pub type TellPast = Box<dyn Fn() -> Past + Send + Sync>;

/// The pasts of this node's own logs, known once everything is laid out.
#[derive(Clone, Default)]
pub struct Pasts(Arc<OnceLock<HashMap<&'static str, TellPast>>>);

impl Pasts {
    pub fn know(&self, pasts: HashMap<&'static str, TellPast>) {
        let _ = self.0.set(pasts);
    }
    fn of(&self, context: &str) -> Option<Past> {
        Some(self.0.get()?.get(context)?())
    }
}

impl Askable for RemoteContext {
    fn ask(&self, question: Question) -> AnswerReceiver {
        let (reply, answer) = oneshot::channel();
        let Question { id, saga, thread, number, command } = question;
        let Some(command) = command.to_json() else { return answer };
        // Told are events that were accepted before, and wait for the disk with the question.
        let (past, heard) = (self.pasts.of(&id.context), self.heard.last(self.context));
        let question = PeerQuestion {
            id,
            saga,
            client: thread.client,
            trace: thread.trace,
            number,
            command,
            past,
            heard,
        };
        // What leaves the process waits for the disk: the question must not outlive the request behind it.
        let durable = self.store.durable(self.store.accepted_commit());
        let (wire, context, patience) = (self.wire.clone(), self.context, self.patience);
        let heard = self.heard.clone();
        actix::spawn(async move {
            if durable.await.is_err() {
                return;
            }
            match wire.ask(context, question, patience).await {
                // What is answered by another past than the known one is no answer.
                Ok(PeerReply { past: Some(past), .. }) if heard.judge(context, &past).is_err() => {}
                Ok(PeerReply { answer, .. }) => {
                    heard.answered(context);
                    let _ = reply.send(match answer {
                        PeerAnswer::Yes => Ok(()),
                        PeerAnswer::No(refusal) => Err(NoAnswer::Refused(refusal)),
                    });
                }
                Err(Silence::Changed(why)) => heard.refused(context, &why),
                Err(Silence::Away(why)) => tracing::debug!(context, why, "a node gives no answer"),
            }
        });
        answer
    }
}
