//! Contexts that other nodes host: how they are asked from here, and how their events come here.
//!
//! A context of another node that somebody here listens to has a replica of its log in this node's store. Its listeners
//! read that as they read the log of a neighbour: the same positions, the same catching up, the same shelves for what
//! they cannot take; and they go on while the other node is away. The replica takes each event once, in the order of
//! its source, whatever brings it: it appends the sequence behind its last one and nothing else.

use super::{
    desk::Tree,
    guard::AnswerReceiver,
    outflow::Published,
    peers::{Askable, Question},
    records::{Cause, Envelope, Logged, SagaId, encode_log},
    sources::Listeners,
};
use crate::{
    domain::{Aggregate, AskId, NoAnswer, Refusal},
    store::{
        Batch, Epoch, Store, StoreError, Verdict,
        keys::{KeyBuf, Space},
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::oneshot;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

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
    /// What happened in `context` from sequence `from` on; waits a while for something to happen.
    ///
    /// # Errors
    /// Why nothing can be learnt; it is asked again after a pause.
    fn events(&self, context: &'static str, from: u64) -> BoxFuture<'static, Result<Vec<Published>, String>>;
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

/// The log of a context of another node, as far as it is known here.
pub struct Replica<S: Aggregate> {
    tree: Tree<S>,
    epoch: Epoch,
    listeners: Arc<Listeners<S>>,
    wire: Arc<dyn Wire>,
    last: AtomicU64,
    trouble: Mutex<(u64, Option<String>)>,
}

/// How a replica is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaHealth {
    /// Whose events.
    pub context: &'static str,
    /// The last one that is here.
    pub last_sequence: u64,
    /// How often in a row nothing could be learnt.
    pub attempts: u64,
    /// Why not, the last time.
    pub error: Option<String>,
}

/// A replica, whichever context it is of.
pub trait Replicating: Send + Sync {
    /// How it is doing.
    fn health(&self) -> ReplicaHealth;
    /// Follows its source for as long as it is polled.
    fn follow(self: Arc<Self>) -> BoxFuture<'static, ()>;
}

impl<S: Aggregate> Replica<S> {
    pub fn open(tree: Tree<S>, listeners: Arc<Listeners<S>>, wire: Arc<dyn Wire>) -> Result<Self, StoreError> {
        let epoch = tree.store.activate(tree.id)?;
        let last = AtomicU64::new(listeners.latest.load(Relaxed));
        Ok(Self { tree, epoch, listeners, wire, last, trouble: Mutex::default() })
    }

    /// Appends what comes next, and says how many events that were. A gap ends it: the rest is asked for again.
    async fn append(&self, events: Vec<Published>) -> Result<usize, String> {
        let mut next = self.last.load(Relaxed) + 1;
        let mut logged = Vec::with_capacity(events.len());
        for event in events {
            if event.sequence == next {
                logged.push(as_logged::<S>(event)?);
                next += 1;
            }
        }
        if logged.is_empty() {
            return Ok(0);
        }
        let rows = encode_log::<S>(&logged).map_err(|why| why.to_string())?;
        let key = |first: u64| KeyBuf::new(Space::Log).number(first).build();
        let writes = rows.into_iter().map(|(first, record)| (key(first), Some(record))).collect();
        let batch = Batch { tree: self.tree.id, epoch: self.epoch, expects: Vec::new(), writes };
        if let Verdict::Pending(verdict) = self.tree.store.submit(batch).map_err(|why| why.to_string())? {
            verdict.await.map_err(|_| "the store is closed".to_owned())?.map_err(|why| why.to_string())?;
        }
        self.last.store(next - 1, Relaxed);
        let count = logged.len();
        self.listeners.say(&logged.into());
        Ok(count)
    }

    async fn follow(&self) {
        loop {
            let known = self.wire.events(S::NAME.context, self.last.load(Relaxed) + 1).await;
            let taken = match known {
                Ok(events) => self.append(events).await,
                Err(why) => Err(why),
            };
            match taken {
                Ok(_) => *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = (0, None),
                Err(why) => self.stumble(why).await,
            }
        }
    }

    async fn stumble(&self, why: String) {
        let attempts = {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            *trouble = (trouble.0.saturating_add(1), Some(why.clone()));
            trouble.0
        };
        if attempts.is_power_of_two() {
            tracing::warn!(context = S::NAME.context, attempts, why, "its events are not heard at present");
        }
        tokio::time::sleep(SHORTEST.saturating_mul(1_u32 << attempts.min(10)).min(LONGEST)).await;
    }
}

impl<S: Aggregate> Replicating for Replica<S> {
    fn health(&self) -> ReplicaHealth {
        let (attempts, error) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ReplicaHealth { context: S::NAME.context, last_sequence: self.last.load(Relaxed), attempts, error }
    }
    fn follow(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move { Replica::follow(&self).await }.boxed()
    }
}

/// An event that another node has told of, with its type again.
fn as_logged<S: Aggregate>(told: Published) -> Result<Logged<S::Event>, String> {
    let Published { sequence, number, version, at, saga, cause, client, trace, name, schema, data } = told;
    let of = S::NAME.context;
    if schema != S::EVENT_VERSION {
        return Err(format!("event {sequence} of {of} has version {schema}; this node knows {}", S::EVENT_VERSION));
    }
    // One that has nothing more to say is written as its bare name.
    let bare = data.as_object().is_some_and(serde_json::Map::is_empty);
    let whole = serde_json::json!({ name.as_str(): data });
    let event = serde_json::from_value(whole)
        .or_else(|why| if bare { serde_json::from_value(name.as_str().into()) } else { Err(why) })
        .map_err(|why| format!("event {sequence} of {of}, `{name}`, cannot be read: {why}"))?;
    let saga = saga
        .rsplit_once('-')
        .and_then(|(context, number)| Some(SagaId { context: context.to_owned().into(), number: number.parse().ok()? }))
        .ok_or_else(|| format!("event {sequence} of {of} belongs to `{saga}`, which names no saga"))?;
    let envelope =
        Envelope { sequence, aggregate: number, version, at, saga, cause: Cause::Elsewhere(cause), client, trace };
    Ok(Logged { envelope, event })
}
