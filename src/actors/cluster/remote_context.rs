//! Contexts that other nodes host, and how they are asked from here.

use super::known_pasts::KnownPasts;
use crate::{
    actors::{
        ask::{
            directory::{AskRequest, Askable},
            guard::AnswerReceiver,
        },
        port::{
            history::Past,
            peers::{PeerAnswer, PeerClient, PeerQuestion, PeerReply, Silence},
        },
    },
    domain::{Addressee, NoAnswer},
    store::Store,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::oneshot;

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
    pub known_pasts: Arc<KnownPasts>,
}

/// Tells the past of a log.
pub type TellPast = Box<dyn Fn() -> Past + Send + Sync>;

/// The pasts of this node's own logs, known once everything is laid out.
#[derive(Clone, Default)]
pub struct Pasts(Arc<OnceLock<BTreeMap<&'static str, TellPast>>>);

impl Pasts {
    pub fn set_pasts(&self, pasts: BTreeMap<&'static str, TellPast>) {
        let _ = self.0.set(pasts);
    }
    fn past_of(&self, context: &str) -> Option<Past> {
        Some(self.0.get()?.get(context)?())
    }
}

impl Askable for RemoteContext {
    fn put_question(&self, question: AskRequest) -> AnswerReceiver {
        let (reply, answer) = oneshot::channel();
        let AskRequest { id, after, saga, thread, to, command } = question;
        let Some(command) = command.to_json() else { return answer };
        // The past has events that were accepted before, and that wait for the disk with the question.
        let past = self.pasts.past_of(&id.context);
        let heard = self.known_pasts.last_known(self.context);
        let (number, key) = match to {
            Addressee::Number(number) => (number, None),
            Addressee::Key(key) => (0, Some(key)),
        };
        let question = PeerQuestion {
            id,
            after,
            saga,
            client: thread.client,
            trace: thread.trace,
            owner: thread.owner.as_deref().map(str::to_owned),
            number,
            key,
            command,
            past,
            heard,
        };
        // What leaves the process waits for the disk: the question must not outlive the request that it is for.
        let durable = self.store.durable(self.store.accepted_commit());
        let wire = self.wire.clone();
        let context = self.context;
        let patience = self.patience;
        let known_pasts = self.known_pasts.clone();
        actix::spawn(async move {
            if durable.await.is_err() {
                return;
            }
            match wire.send_question(context, question, patience).await {
                // What is answered by another past than the known one is no answer.
                Ok(PeerReply { past: Some(past), .. })
                    if known_pasts.accept_past(context, &past).is_err() => {}
                Ok(PeerReply { answer, .. }) => {
                    known_pasts.clear_refusal(context);
                    let _ = reply.send(match answer {
                        PeerAnswer::Yes => Ok(()),
                        PeerAnswer::No(refusal) => Err(NoAnswer::Refused(refusal)),
                    });
                }
                Err(Silence::Changed(why)) => known_pasts.report_refusal(context, &why),
                Err(Silence::Away(why)) => tracing::debug!(context, why, "a node gives no answer"),
            }
        });
        answer
    }
}
