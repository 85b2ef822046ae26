//! What the outside sees of the runtime: contexts without their types, and what may be done with them.

use super::{
    changes::Changes,
    clock::{AdvanceError, ClockHealth},
    declaration::Declaration,
    dispute::Dispute,
    event_log::{EventLog, OutboundMessage, OutboxHealth, RecordedEvent},
    fault::{CommandFault, Fault},
    health::{ContextHealth, GuardHealth, Injected, ParkedEvent, ParkedId, Phase, SagaPart},
    message::ParkedMessage,
    owed::{EndedPage, OwedPage, OwedPlace},
    peers::PeerQuestion,
    prospect::{Candidate, Prospect},
    reads::{ListPage, ListQuery, Seen},
    replica::ReplicaHealth,
    sink::SinkHealth,
};
use crate::{
    domain::{MessageOutcome, OrderOutcome, Refusal, Timestamp},
    identity::Principal,
    store::{Commit, StoreHealth},
};
use futures_util::future::BoxFuture;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A context of this node, without its types.
///
/// ```
/// use holdfast::{
///     actors::{CommandRequest, ListQuery, LocalNode, Node, NodeSettings},
///     store::MemoryStore,
///     systems,
/// };
/// use std::sync::Arc;
///
/// # actix_rt::System::new().block_on(async {
/// let node = LocalNode::start(Arc::new(MemoryStore::new()), NodeSettings::default(), |board| {
///     systems::lay_out("bookrent", board);
/// })?;
/// # while !node.is_ready() { tokio::task::yield_now().await }
/// let books = node.contexts().iter().find(|it| it.name().context == "bookrent.book").unwrap();
/// // The first of its routes registers a book.
/// let body = serde_json::json!({ "title": "title01" });
/// let registered = books.execute_command(CommandRequest { body, ..CommandRequest::default() }).await.unwrap();
/// assert_eq!((registered.number, registered.settled), (1, true));
/// assert_eq!(books.read_item(1).unwrap().version, 1);
/// assert_eq!(books.list_items(&ListQuery::default()).unwrap().total, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Context: Declaration {
    /// Executes a command; answers when it is settled and durable, or when patience ends.
    fn execute_command(
        &self,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>>;
    /// What is under `number` now, accepted but perhaps not yet durable: see [`Seen::commit`].
    ///
    /// # Errors
    /// [`Fault::Refused`] with 404, or that the context cannot answer.
    fn read_item(&self, number: u64) -> Result<Seen, Fault>;
    /// One page of a list.
    ///
    /// # Errors
    /// [`Fault::Refused`] for a sort or filter that no index serves, or that the context cannot answer.
    fn list_items(&self, query: &ListQuery) -> Result<ListPage, Fault>;

    /// Which of its things change.
    fn changes(&self) -> Arc<Changes> {
        Arc::default()
    }

    /// What would come of these commands for the thing under `number`, were they given now. Nothing is recorded. A view takes
    /// none.
    ///
    /// # Errors
    /// That the thing is not there, or that the context cannot answer.
    fn foresee(&self, _number: u64, candidates: Vec<Candidate>) -> Result<Vec<Prospect>, Fault> {
        Ok(candidates.into_iter().map(|_| Prospect::WithoutEffect).collect())
    }

    /// How it is doing.
    fn health(&self) -> ContextHealth;
    /// How far it has listened to each of its sources, as stored: right even if it does not run. Of a view, how far what it
    /// shows has; nothing while it is rebuilt.
    fn positions(&self) -> Option<BTreeMap<String, u64>> {
        None
    }
    /// Its phase; looked up without asking the store.
    fn phase(&self) -> Phase {
        self.health().state
    }
    /// Stops it: handed-over batches finish, queued and parked callers get 503. Done when this resolves.
    fn stop(&self) -> BoxFuture<'static, ()>;
    /// Starts it again: timers, events and open asks are taken up.
    fn start(&self) -> BoxFuture<'static, ()>;
    /// Injects a fault into its answers, or clears it.
    fn set_fault(&self, fault: Option<Injected>);
    /// Rebuilds a view from the events; [`Fault::Refused`] for a context that is none.
    fn rebuild_view(&self) -> BoxFuture<'static, Result<(), Fault>>;
    /// Events set aside: at most `limit` of those after `after`, in the order of their names.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn list_parked(
        &self,
        after: Option<&ParkedId>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault>;
    /// Those of these that are set aside here.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn parked_among(&self, ids: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault>;
    /// Tries a parked event and those after it again (`true`), or drops it (`false`).
    fn settle_parked(
        &self,
        parked: ParkedId,
        redrive: bool,
    ) -> BoxFuture<'static, Result<(), Fault>>;
    /// At most `limit` of what it owes, after `after`: open questions, timers, events that are set aside or not taken yet.
    /// The rows that it reads for that do not depend on what has ended.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn list_owed(&self, _after: Option<&OwedPlace>, _limit: usize) -> Result<OwedPage, Fault> {
        Ok(OwedPage::default())
    }
    /// Those that have ended, of the `limit` orders with the highest numbers below `below`; none where it has no orders.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn list_ended(&self, _below: Option<u64>, _limit: usize) -> Result<EndedPage, Fault> {
        Ok(EndedPage::default())
    }
    /// How many events it has set aside; looked up without asking the store.
    fn parked_count(&self) -> u64 {
        0
    }
    /// Whether it has tried something at least so often without success.
    fn has_retried(&self, _times: u32) -> bool {
        false
    }
    /// What it knows of the saga that `context` began under `number`, from sequence `from` on: some `limit` entries.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn saga_part(
        &self,
        context: &str,
        number: u64,
        from: u64,
        limit: usize,
    ) -> Result<SagaPart, Fault>;
    /// Answers the ask of another node. `Err`: this context does not answer at present.
    ///
    /// # Errors
    /// [`Fault::Away`], [`Fault::Busy`], or [`Fault::BadBody`] for a command that is none of its.
    fn answer_peer(
        &self,
        _question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        Box::pin(std::future::ready(Err(Fault::Away(self.name().context))))
    }
    /// Its events, for readers outside; a view has none.
    fn event_log(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        None
    }
    /// The text messages that wait to be sent, by the events that queued them, if it has any.
    fn message_log(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        None
    }
    /// Records what became of the message under `number`; done when that is durable.
    ///
    /// # Errors
    /// Why it is not recorded: it is worth a repeat.
    fn report_message(
        &self,
        _number: u64,
        _outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(std::future::ready(Err(Fault::Away(self.name().context))))
    }
}

/// A command on its way in.
#[derive(Debug, Clone, Default)]
pub struct CommandRequest {
    /// The index of its route among the context's routes.
    pub route: usize,
    /// The number in the path, where there is one.
    pub number: Option<u64>,
    /// The body, `Null` for a route without one. Its depth and size have been checked.
    pub body: serde_json::Value,
    /// The versions of which `If-Match` wants one to be current, if any. `*` is none with [`CommandRequest::must_exist`].
    pub if_match: Vec<u64>,
    /// `If-Match: *`.
    pub must_exist: bool,
    /// The idempotency key, in its scope.
    pub idempotency: Option<IdempotencyKey>,
    /// The client's own `X-Correlation-Id`.
    pub client_correlation: Option<String>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// Who sends it, where that is known.
    pub principal: Option<Arc<Principal>>,
    /// Whose the thing is to be that it begins: a customer, as text in its shortest form.
    pub owner: Option<Arc<str>>,
}

/// An `Idempotency-Key` in its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Principal, method, route with its number, and key, in one string.
    pub scope: String,
    /// How version 0.1 kept the same request. What it has stored is kept for a day.
    pub before: Option<StoredKey>,
}

impl IdempotencyKey {
    /// The key in that scope.
    pub fn new(scope: impl Into<String>) -> Self {
        Self { scope: scope.into(), before: None }
    }
}

/// An idempotency key as a response is stored under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// What no other request has.
    pub scope: String,
    /// A sum of the payload: the same key with another one is a mistake.
    pub fingerprint: u64,
}

/// What became of an [`CommandRequest`].
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The thing's number.
    pub number: u64,
    /// Its version.
    pub version: u64,
    /// How it looks: a JSON object, without number and links.
    pub body: Vec<u8>,
    /// False when patience ended before the matter was settled (202).
    pub settled: bool,
    /// True when the answer was kept under an idempotency key.
    pub replayed: bool,
    /// How the thing has ended, if it is an order.
    pub order: OrderOutcome,
    /// The customer whose it is.
    pub owner: Option<Arc<str>>,
}

/// A process that hosts contexts.
///
/// ```
/// use holdfast::{
///     actors::{LocalNode, Node, NodeSettings},
///     store::MemoryStore,
///     systems,
/// };
/// use std::{sync::Arc, time::Duration};
///
/// # actix_rt::System::new().block_on(async {
/// let node = LocalNode::start(Arc::new(MemoryStore::new()), NodeSettings::default(), |board| {
///     systems::lay_out("bookrent", board);
/// })?;
/// # while !node.is_ready() { tokio::task::yield_now().await }
/// let names: Vec<_> = node.contexts().iter().map(|context| context.name().context).collect();
/// assert!(names.contains(&"bookrent.rent"));
/// assert!(node.is_ready() && node.store_works());
/// // Business time goes forward only.
/// let before = node.now();
/// node.advance_clock(Duration::from_secs(60)).unwrap();
/// assert!(node.now() > before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Node: Send + Sync {
    /// All its contexts, in the order of the board.
    fn contexts(&self) -> &[Arc<dyn Context>];
    /// The systems it runs.
    fn systems(&self) -> &[&'static str];
    /// Business time.
    fn now(&self) -> Timestamp;
    /// Moves business time forward (development only); timers that have become due run.
    ///
    /// # Errors
    /// [`AdvanceError`].
    fn advance_clock(&self, by: Duration) -> Result<(), AdvanceError>;
    /// How far business time is from the machine's.
    fn clock_health(&self) -> ClockHealth {
        ClockHealth { now: self.now(), ..ClockHealth::default() }
    }
    /// Resolves once `commit` is durable.
    fn wait_durable(&self, commit: Commit) -> BoxFuture<'static, Result<(), Fault>>;
    /// Whether `commit` is durable already.
    fn is_durable(&self, commit: Commit) -> bool;
    /// The last accepted commit.
    fn accepted_commit(&self) -> Commit;
    /// Whether the store works.
    fn store_works(&self) -> bool {
        self.store_health().failed.is_none()
    }
    /// Whether the disk has no room for new commands.
    fn store_is_full(&self) -> bool {
        self.store_health().full
    }
    /// How the store is doing, which costs a look at the disk.
    fn store_health(&self) -> StoreHealth;
    /// The guards in front of contexts of other nodes.
    fn guard_health(&self) -> Vec<(&'static str, GuardHealth)> {
        Vec::new()
    }
    /// How what comes from other nodes is doing.
    fn replica_health(&self) -> Vec<ReplicaHealth> {
        Vec::new()
    }
    /// What other nodes and this one have found of logs that do not go on with what was known of them.
    fn disputes(&self) -> Vec<Dispute> {
        Vec::new()
    }
    /// Whether the one who puts `question` to `callee` has the past that is known of it, and `callee` that which is known
    /// there.
    ///
    /// # Errors
    /// [`Fault::HistoryChanged`]; then the question must not be decided.
    fn compare_pasts(&self, _callee: &dyn Context, _question: &PeerQuestion) -> Result<(), Fault> {
        Ok(())
    }
    /// How what leaves the node is doing.
    fn outbox_health(&self) -> Vec<OutboxHealth> {
        Vec::new()
    }
    /// At most `limit` of the text messages that their gateway refuses, after the one of this context and number.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn refused_messages(
        &self,
        _after: Option<(&str, u64)>,
        _limit: usize,
    ) -> Result<Vec<ParkedMessage>, Fault> {
        Ok(Vec::new())
    }
    /// How many there are.
    fn refused_message_count(&self) -> u64 {
        0
    }
    /// Queues such a message again (`true`), or drops it (`false`). `Ok(false)`: there is none.
    ///
    /// # Errors
    /// [`Fault::Store`], or that its context cannot record it.
    fn settle_refused(
        &self,
        _context: &str,
        _number: u64,
        _redrive: bool,
    ) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(std::future::ready(Ok(false)))
    }
    /// How those outside who take it are doing.
    fn sink_health(&self) -> Vec<SinkHealth> {
        Vec::new()
    }
    /// Whether everything has started and the store is sound.
    fn is_ready(&self) -> bool;
}
