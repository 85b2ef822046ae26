//! Replicas of other nodes' logs, as they are fed and watched.

use super::dispute::Dispute;
use super::{
    event_log::RecordedEvent,
    history::{EventId, Past},
};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::Arc;

/// How a replica is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaHealth {
    /// Whose events.
    pub context: &'static str,
    /// The last one that is here.
    pub last_sequence: u64,
    /// What delivers them: `amqp`, or nothing, and the source is asked for each.
    pub feed: Option<&'static str>,
    /// Why they are not delivered, where they should be.
    pub feed_error: Option<String>,
    /// How many were brought, since the start.
    pub fed: u64,
    /// How many the source was asked for.
    pub asked: u64,
    /// How many came that were here already.
    pub again: u64,
    /// How many came without a right seal.
    pub refused: u64,
    /// How often in a row nothing could be learnt.
    pub attempts: u64,
    /// Why not, the last time.
    pub error: Option<String>,
    /// What is to be done where the source has another past than what is here; nothing is taken then.
    pub history_changed: Option<String>,
}

/// A replica, whichever context it is of.
///
/// ```
/// use holdfast::actors::{RecordedEvent, ReplicaHandle};
///
/// /// Gives a replica what a feed has brought, and returns which of it cannot be read.
/// async fn bring(
///     replica: &dyn ReplicaHandle,
///     events: Vec<RecordedEvent>,
/// ) -> Result<Vec<String>, String> {
///     replica.fed_by(Ok("amqp"));
///     let unreadable = replica.take_events(events).await?;
///     Ok(unreadable.into_iter().map(|(place, why)| format!("event {place}: {why}")).collect())
/// }
/// ```
pub trait ReplicaHandle: Send + Sync {
    /// Whose events it has.
    fn context(&self) -> &'static str;
    /// How it is doing.
    fn health(&self) -> ReplicaHealth;
    /// Its past, as far as its source has sent the names of its events.
    fn past(&self) -> Option<Past>;
    /// That its source has another past, while that is so.
    fn dispute(&self) -> Option<Dispute>;
    /// Asks its source for what is missing, for as long as it is polled.
    fn follow_source(self: Arc<Self>) -> BoxFuture<'static, ()>;
    /// Sets what delivers events from now on, so that the source need not be asked for each; or why nothing does any more.
    fn fed_by(&self, feed: Result<&'static str, String>);
    /// Whether an event can be read here.
    ///
    /// # Errors
    /// Why not.
    fn check_readable(&self, event: RecordedEvent) -> Result<(), String>;
    /// Whether this event is in it.
    fn has_event(&self, id: EventId) -> bool;
    /// Asks its source for what it lacks up to this event, and says whether that is in it then.
    ///
    /// # Errors
    /// Why the source gives no answer.
    fn fetch_until(&self, id: EventId) -> BoxFuture<'_, Result<bool, String>>;
    /// Counts a message that nothing shows to be of its source.
    fn count_refused(&self);
    /// Takes what a feed has brought, and is done once a power cut cannot take it back. Says which of the events cannot
    /// be read, by their places, and why; they and those after a gap are asked for, so none of them is needed again.
    ///
    /// # Errors
    /// The error of the store; all of it may be sent again.
    fn take_events(
        &self,
        events: Vec<RecordedEvent>,
    ) -> BoxFuture<'_, Result<Vec<(usize, String)>, String>>;
}
