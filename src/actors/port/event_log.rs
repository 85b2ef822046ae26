//! The log of a context, for readers outside.

use super::history::{EventId, Past, Word};
use crate::{
    domain::Timestamp,
    store::{Commit, StoreError},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// At most so many events are read at once.
pub(crate) const READ_LIMIT: usize = 256;

/// A stretch of a context's log, as some reader wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage<T> {
    /// What concerns the reader, with the sequence of each.
    pub items: Vec<(u64, T)>,
    /// The last sequence that was looked at; nothing of the stretch comes after it.
    pub last: u64,
    /// Once this commit is durable, so is all of it.
    pub commit: Commit,
}

/// The log of one context, for readers outside.
///
/// ```
/// use holdfast::{
///     actors::{CommandRequest, LocalNode, Node, NodeSettings},
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
/// let log = books.event_log().expect("a context that decides has a log");
/// let mut latest = log.latest();
/// let body = serde_json::json!({ "title": "title01" });
/// books.execute_command(CommandRequest { body, ..CommandRequest::default() }).await.unwrap();
/// latest.wait_for(|latest| *latest >= 1).await?;
///
/// let page = log.read_page(1)?;
/// let (sequence, event) = &page.items[0];
/// assert_eq!((*sequence, event.name.as_str()), (1, "Registered"));
/// // What leaves the process waits until it is durable. An event's id names it for ever.
/// node.wait_durable(page.commit).await.unwrap();
/// assert!(log.has_event(event.id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait EventLog<T>: Send + Sync {
    /// Whose log it is.
    fn context(&self) -> &'static str;
    /// How far the log goes, now and from now on.
    fn latest(&self) -> watch::Receiver<u64>;
    /// As [`EventLog::read_some`], as much as is usually read at once.
    fn read_page(&self, from: u64) -> Result<LogPage<T>, StoreError> {
        self.read_some(from, READ_LIMIT)
    }
    /// About `limit` of what happened from sequence `from` on.
    ///
    /// # Errors
    /// The error of the store.
    fn read_some(&self, from: u64, limit: usize) -> Result<LogPage<T>, StoreError>;
    /// What the event with this sequence is called.
    fn id_of(&self, sequence: u64) -> EventId;
    /// Whether this event is in the log.
    fn has_event(&self, id: EventId) -> bool;
    /// What others need to judge whether it goes on with what they know of it.
    fn past(&self) -> Past;
}

/// An event as readers outside get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// Its place in the context's log.
    pub sequence: u64,
    /// What the start of the log's writer is called that wrote it; nothing in the first epoch.
    #[serde(default, skip_serializing_if = "Word::is_none_at")]
    pub epoch: Word,
    /// The aggregate that it happened to.
    pub number: u64,
    /// The aggregate's version after it.
    pub version: u64,
    /// Business time.
    pub at: Timestamp,
    /// The saga that it belongs to: `bookrent.rent-7`.
    pub saga: String,
    /// What made it happen, in words.
    pub cause: String,
    /// The event that it follows from, if it follows from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<CausingEvent>,
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<String>,
    /// The customer whose saga it is, for nodes alone: no CloudEvent has it. Earlier versions do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its name: `BookRented`.
    pub name: String,
    /// The version of its type.
    pub schema: u16,
    /// Its fields.
    pub data: serde_json::Value,
}

/// The event that another follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CausingEvent {
    /// The context to whose log it belongs: `bookrent.rent`.
    pub context: String,
    /// Its id there.
    pub id: EventId,
}

impl RecordedEvent {
    /// Its name for ever.
    pub fn id(&self) -> EventId {
        EventId { word: self.epoch, sequence: self.sequence }
    }
}

/// A text message to a person outside.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboundMessage {
    /// The context whose event it is about; with that event's name, its id.
    pub context: &'static str,
    /// That event.
    pub event: EventId,
    /// The thing that it happened to.
    pub number: u64,
    /// Business time.
    pub at: Timestamp,
    /// The saga that it belongs to.
    pub saga: String,
    /// To which telephone.
    pub to: String,
    /// Its text.
    pub text: String,
}

/// How one outflow is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxHealth {
    /// Who takes it: `messages`.
    pub sink: &'static str,
    /// Whose events.
    pub context: &'static str,
    /// How many events of the log it has not dealt with.
    pub pending: u64,
    /// How often in a row the outside has not taken the next one.
    pub attempts: u64,
    /// Why not, the last time.
    pub error: Option<String>,
    /// Its place in the log was damaged, until everything up to where it may have been is read once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}
