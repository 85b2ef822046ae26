//! Contexts that other nodes host, and how they are asked from here.

use super::{
    guard::AnswerReceiver,
    outflow::Published,
    peers::{Askable, Question},
    records::SagaId,
};
use crate::{
    domain::{AskId, NoAnswer, Refusal},
    store::Store,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
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

/// The way to other nodes.
pub trait Wire: Send + Sync {
    /// Whether there is a node that is known to host `context`.
    fn reaches(&self, context: &str) -> bool;
    /// Puts a question, once; after `within` nobody waits for the answer any more.
    fn ask(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<(), NoAnswer>>;
    /// What happened in `context` from sequence `from` on. Where nothing has, waits up to `linger` for it to happen.
    ///
    /// # Errors
    /// Why nothing can be learnt; it is asked again after a pause.
    fn events(
        &self,
        context: &'static str,
        from: u64,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<Published>, String>>;
}

/// A context of another node, for those here who ask it.
pub struct RemoteContext {
    pub context: &'static str,
    pub wire: Arc<dyn Wire>,
    pub store: Arc<dyn Store>,
    /// How long its askers wait.
    pub patience: Duration,
}

impl Askable for RemoteContext {
    fn ask(&self, question: Question) -> AnswerReceiver {
        let (reply, answer) = oneshot::channel();
        let Question { id, saga, thread, number, command } = question;
        let Some(command) = command.to_json() else { return answer };
        let question = PeerQuestion { id, saga, client: thread.client, trace: thread.trace, number, command };
        // What leaves the process waits for the disk: the question must not outlive the request behind it.
        let (durable, is_durable) = oneshot::channel();
        self.store.when_durable(self.store.accepted(), Box::new(move |word| drop(durable.send(word))));
        let (wire, context, patience) = (self.wire.clone(), self.context, self.patience);
        actix::spawn(async move {
            if let Ok(Ok(())) = is_durable.await
                && let answered @ (Ok(()) | Err(NoAnswer::Refused(_))) = wire.ask(context, question, patience).await
            {
                let _ = reply.send(answered);
            }
        });
        answer
    }
}
