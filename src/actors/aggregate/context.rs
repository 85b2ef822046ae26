//! An aggregate context: what it works with, and what it caches of the store.

use super::{
    expiry::ExpiryCursor,
    message::{AggregateMail, AskMessage},
    timers::{Timers, TimersUpdate},
};
use crate::{
    actors::{
        actor::mailbox::Mailbox,
        ask::{directory::PeerDirectory, guard::Permit},
        erased::{AggregateType, Command, ErasedAsk, Settings},
        port::{
            admission::AdmissionPermit,
            clock::Clock,
            context::Outcome,
            fault::{CommandFault, Fault},
            health::{Contested, OrderCounts},
            saga::{SagaId, TraceContext},
            status::ContextStatus,
        },
        subscription::{
            progress::SubscriptionProgress, source::Subscribers, subscriptions::Subscriptions,
        },
        tables::{counters::Counters, log::LogEntry, tree::Tree},
    },
    domain::NoAnswer,
    spans::Span,
    store::{Commit, Epoch},
    sync,
};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::oneshot;

/// At most so many contested keys are shown.
const CONTESTED: usize = 100;

/// Identifies an aggregate's open question: the callee and the attempt.
pub(super) type Open = (&'static str, u32);

/// An aggregate that waits for an answer.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) open: Open,
    /// Keys of the idempotency rows that store the outcome, and how many rows hold those keys.
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) rows: u64,
    /// How often an answer changed nothing.
    pub(super) rounds: u32,
    pub(super) thread: TraceContext,
    /// The sequence of the event that asked, where it is known.
    pub(super) asked_by: Option<u64>,
}

/// Where a question comes from.
pub struct AskOrigin {
    pub(super) saga: SagaId,
    pub(super) thread: TraceContext,
    /// The sequence of the event that asked, where it is known.
    pub(super) asked_by: Option<u64>,
}

/// A client that waits until an aggregate is settled.
pub(super) struct WaitingClient {
    pub(super) reply: oneshot::Sender<Result<Outcome, CommandFault>>,
    pub(super) replayed: bool,
    pub(super) _permit: Option<AdmissionPermit>,
}

/// The behavior of an aggregate context, and its cache of what is stored.
pub struct AggregateBehavior {
    pub tree: Tree,
    pub shared: Arc<ContextStatus>,
    pub clock: Arc<Clock>,
    pub aggregate: &'static dyn AggregateType,
    pub settings: Settings,
    pub peers: PeerDirectory,
    pub subscriptions: Subscriptions<Command>,
    pub subscribers: Arc<Subscribers>,
    pub(super) mailbox: Option<Arc<Mailbox<AggregateMail>>>,
    pub(super) epoch: Epoch,
    pub(super) counters: Counters,
    /// The commit that wrote the counters.
    pub(super) counters_commit: Commit,
    pub(super) asking: BTreeMap<u64, Asking>,
    /// Aggregates that may have an open question, and whose state cannot be read.
    pub(super) unreadable: BTreeSet<u64>,
    pub(super) waiting: BTreeMap<u64, Vec<WaitingClient>>,
    /// Asks to aggregates that cannot answer before their own question is settled.
    pub(super) postponed: BTreeMap<u64, Vec<AskMessage>>,
    pub(super) timers: Timers,
    /// Keys that more than one aggregate claims.
    pub(super) contested: BTreeMap<String, Vec<u64>>,
    pub(super) has_more: bool,
    pub(super) expiry: ExpiryCursor,
}

/// What is done once a turn is accepted.
pub enum AggregateEffect {
    /// End these spans once the turn is durable.
    Commit(Vec<Span>),
    /// Publish events to the subscribers.
    Publish(Vec<LogEntry>),
    /// Ask a question, after a pause.
    Ask {
        number: u64,
        ask: ErasedAsk,
        pass: Option<Permit>,
        pause: Duration,
        origin: Box<AskOrigin>,
    },
    /// Answer a client.
    Reply { mail: usize, answer: Result<Outcome, CommandFault> },
    /// Keep a client waiting until the aggregate is settled.
    Wait { mail: usize, number: u64, replayed: bool },
    /// Answer all callers that wait for this aggregate.
    Settled { number: u64, outcome: Result<Outcome, CommandFault> },
    /// Answer an asker.
    Answer { mail: usize, answer: Result<(), NoAnswer> },
    /// Keep an asker waiting until the aggregate's own question is settled.
    Postpone { mail: usize, number: u64 },
    /// Answer an operator.
    Done { mail: usize, answer: Result<(), Fault> },
}

/// How an accepted turn changes the cache.
pub struct AggregateCacheUpdate {
    pub(super) counters: Counters,
    pub(super) progress: SubscriptionProgress,
    pub(super) asking: Vec<(u64, Option<Asking>)>,
    pub(super) timers: TimersUpdate,
    pub(super) contested: Vec<(String, Vec<u64>)>,
    pub(super) has_more: bool,
    pub(super) expiry: Option<ExpiryCursor>,
    /// Orders that have ended.
    pub(super) orders: OrderCounts,
}

impl AggregateBehavior {
    pub fn new(
        tree: Tree,
        shared: Arc<ContextStatus>,
        clock: Arc<Clock>,
        settings: Settings,
        peers: PeerDirectory,
        subscriptions: Subscriptions<Command>,
        subscribers: Arc<Subscribers>,
    ) -> Self {
        Self {
            aggregate: subscribers.aggregate,
            tree,
            shared,
            clock,
            settings,
            peers,
            subscriptions,
            subscribers,
            mailbox: None,
            epoch: Epoch(0),
            counters: Counters::default(),
            counters_commit: 0,
            asking: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            waiting: BTreeMap::new(),
            postponed: BTreeMap::new(),
            timers: Timers::default(),
            contested: BTreeMap::new(),
            has_more: true,
            expiry: ExpiryCursor::default(),
        }
    }

    pub(super) fn publish_health(&self) {
        self.shared.last_sequence.store(self.counters.last_sequence, Relaxed);
        self.shared.parked.store(self.subscriptions.parked_count(), Relaxed);
        let contested = self.contested.iter().take(CONTESTED);
        let contested = contested
            .map(|(key, numbers)| Contested { key: key.clone(), numbers: numbers.clone() });
        *sync::lock(&self.shared.contested) = contested.collect();
    }
}
