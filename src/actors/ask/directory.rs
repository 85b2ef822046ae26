//! Who can be asked: here by mail, elsewhere later by other means; always through a guard.

use super::guard::{AnswerReceiver, Guard, Permit};
use crate::actors::port::{
    history::EventId,
    saga::{SagaId, TraceContext},
};
use crate::domain::{Addressee, AnyCommand, AskId, Name};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A context that can be asked.
pub trait Askable: Send + Sync {
    /// Sends an ask. A context that is unavailable drops the other end.
    fn put_question(&self, question: AskRequest) -> AnswerReceiver;
    /// The customer whose its thing with this number is, where its rows are on this node and say so.
    fn owner_of(&self, _number: u64) -> Option<Arc<str>> {
        None
    }
}

/// A question on its way.
pub struct AskRequest {
    pub id: AskId,
    /// The event that it follows from.
    pub after: Option<EventId>,
    pub saga: SagaId,
    pub thread: TraceContext,
    pub to: Addressee,
    pub command: Box<dyn AnyCommand>,
}

impl AskRequest {
    /// The same question once more.
    pub fn again(&self) -> Self {
        Self {
            id: self.id.clone(),
            after: self.after,
            saga: self.saga.clone(),
            thread: self.thread.clone(),
            to: self.to.clone(),
            command: self.command.clone_command(),
        }
    }
}

/// One context that can be asked, and the guard in front of it.
pub struct Peer {
    pub guard: Arc<Guard>,
    pub askable: Arc<dyn Askable>,
}

/// All contexts that can be asked, known once everything is laid out.
#[derive(Clone, Default)]
pub struct PeerDirectory(Arc<OnceLock<BTreeMap<&'static str, Peer>>>);

impl PeerDirectory {
    pub fn set_peers(&self, peers: BTreeMap<&'static str, Peer>) {
        let _ = self.0.set(peers);
    }
    /// The customer whose saga it is, where what began it is on this node.
    pub fn owner_of(&self, saga: &SagaId) -> Option<Arc<str>> {
        self.find_peer(&saga.context)?.askable.owner_of(saga.number)
    }
    pub fn find_peer(&self, context: &str) -> Option<&Peer> {
        self.0.get()?.get(context)
    }
    /// Permits a client's question to `first`, after which all of `chain` may be asked. A context of the chain that cannot be asked
    /// at present keeps it from being begun; who comes later is only looked at.
    ///
    /// # Errors
    /// How long to wait.
    pub fn permit_ask(&self, first: Name, chain: &[Name]) -> Result<Option<Permit>, Duration> {
        let shut = chain
            .iter()
            .filter_map(|name| self.find_peer(name.context)?.guard.check_breaker().err())
            .max();
        shut.map_or(Ok(()), Err)?;
        self.find_peer(first.context).map(|peer| peer.guard.permit_question()).transpose()
    }
}
