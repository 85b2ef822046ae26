//! What leaves the node: the events of its contexts on their way to receivers outside, in order, at least once.
//!
//! An outflow reads a context's log, not its mail, so that a receiver may be slow or unavailable without any context here
//! noticing. It hands over only what a power cut cannot take back, and its place in the log moves only over what the
//! outside has taken; after a crash some of it may go out again, under the same ids.

use crate::{
    actors::{
        erased::{AggregateType, AnyState, Command},
        port::{
            context::Context,
            event_log::{CausingEvent, EventLog, LogPage, OutboundMessage, RecordedEvent},
            history::{EventId, Past, Word},
            status::ContextStatus,
        },
        subscription::source::Subscribers,
        tables::{
            log::{Cause, Envelope, LogEntry, data_of, fields_of},
            sagas::last_event,
            tree::Tree,
        },
    },
    domain::{Message, MessageOutcome},
    store::StoreError,
};
use std::sync::{Arc, atomic::Ordering::Relaxed};
use tokio::sync::watch;

/// What an event comes to for one kind of reader.
type Extract<T> = Arc<dyn Fn(&LogEntry, Word) -> Option<T> + Send + Sync>;

/// The log of a context of this process.
struct LocalEventLog<T> {
    tree: Tree,
    listeners: Arc<Subscribers>,
    extract: Extract<T>,
}

impl<T: Send> EventLog<T> for LocalEventLog<T> {
    fn context(&self) -> &'static str {
        self.listeners.aggregate.name().context
    }
    fn latest(&self) -> watch::Receiver<u64> {
        self.listeners.changes.subscribe()
    }
    fn read_some(&self, from: u64, limit: usize) -> Result<LogPage<T>, StoreError> {
        let latest = self.listeners.latest.load(Relaxed);
        let aggregate = self.listeners.aggregate;
        let read = self.listeners.read_published(&self.tree, from, limit);
        let events = self.tree.report_damage_of(match read {
            Ok(events) if events.is_empty() && latest >= from => Err(StoreError::Damaged(format!(
                "the log of {} ends before {from}",
                aggregate.name()
            ))),
            read => read,
        })?;
        let last = events.last().map_or(from.saturating_sub(1), |logged| logged.envelope.sequence);
        let id = |logged: &LogEntry| self.id_of(logged.envelope.sequence);
        let ids: Vec<EventId> = events.iter().map(id).collect();
        let items = events.iter().zip(ids);
        let items =
            items.filter_map(|(logged, id)| Some((id.sequence, (self.extract)(logged, id.word)?)));
        let items = items.collect();
        // No row that was read is younger than the youngest commit.
        Ok(LogPage { items, last, commit: self.tree.store.accepted_commit() })
    }
    fn id_of(&self, sequence: u64) -> EventId {
        self.listeners.with_history(|history| history.id_of(sequence))
    }
    fn has_event(&self, id: EventId) -> bool {
        self.listeners.has_event(id)
    }
    fn past(&self) -> Past {
        self.listeners.past()
    }
}

/// The text message that a state waits for to be sent.
type FindWaiting = Arc<dyn Fn(&dyn AnyState) -> Option<Message> + Send + Sync>;

/// Which states are text messages that wait to be sent, and the command that the outcome becomes.
#[derive(Clone)]
pub struct Messaging {
    pub waiting: FindWaiting,
    pub then: Arc<dyn Fn(MessageOutcome) -> Command + Send + Sync>,
}

/// The outflows of one context.
pub struct EventLogs {
    pub tree: Tree,
    pub listeners: Arc<Subscribers>,
    /// Knows the logs that the context listens to.
    pub status: Arc<ContextStatus>,
    /// The version in which events are written for other nodes and consumers.
    pub written_version: u16,
    /// What of it is text messages.
    pub messaging: Option<Messaging>,
}

impl EventLogs {
    fn extract_log<T: Send + 'static>(&self, extract: Extract<T>) -> Arc<dyn EventLog<T>> {
        Arc::new(LocalEventLog {
            tree: self.tree.clone(),
            listeners: self.listeners.clone(),
            extract,
        })
    }
    /// Everything that happened.
    pub fn event_log(&self) -> Arc<dyn EventLog<RecordedEvent>> {
        let aggregate = self.listeners.aggregate;
        let version = self.written_version;
        let causes = Causes {
            status: self.status.clone(),
            tree: self.tree.clone(),
            listeners: self.listeners.clone(),
        };
        self.extract_log(Arc::new(move |entry, epoch| {
            let caused_by = causes.cause_of(&entry.envelope);
            Some(RecordedEvent { caused_by, ..recorded_event(aggregate, version, entry, epoch) })
        }))
    }
    /// The text messages that wait to be sent.
    pub fn message_log(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        let messaging = self.messaging.clone()?;
        let context = self.listeners.aggregate.name().context;
        let events =
            self.extract_log(Arc::new(move |LogEntry { envelope, .. }: &LogEntry, word| {
                let event = EventId { word, sequence: envelope.sequence };
                let saga = envelope.saga.to_string();
                let at = envelope.at;
                let number = envelope.aggregate;
                let to = String::new();
                let text = String::new();
                let message = OutboundMessage { context, event, number, at, saga, to, text };
                Some((envelope.version, message))
            }));
        Some(Arc::new(WaitingMessages { events, tree: self.tree.clone(), messaging }))
    }
}

/// The events of a context that left a text message waiting. An event did if its version is that of the state: what was
/// settled since, or queued again, has a later one.
struct WaitingMessages {
    events: Arc<dyn EventLog<(u64, OutboundMessage)>>,
    tree: Tree,
    messaging: Messaging,
}

impl WaitingMessages {
    fn waiting_message(&self, number: u64, version: u64) -> Result<Option<Message>, StoreError> {
        match self.tree.report_damage_of(self.tree.read_state(0, number)) {
            Ok(Some((_, now))) if now.version == version => {
                Ok((self.messaging.waiting)(now.state.as_ref()))
            }
            // It costs its own message, and health shows it.
            Ok(_) | Err(StoreError::Damaged(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl EventLog<OutboundMessage> for WaitingMessages {
    fn context(&self) -> &'static str {
        self.events.context()
    }
    fn latest(&self) -> watch::Receiver<u64> {
        self.events.latest()
    }
    fn read_some(&self, from: u64, limit: usize) -> Result<LogPage<OutboundMessage>, StoreError> {
        let page = self.events.read_some(from, limit)?;
        let mut items = Vec::new();
        for (sequence, (version, message)) in page.items {
            if let Some(Message { to, text }) = self.waiting_message(message.number, version)? {
                items.push((sequence, OutboundMessage { to, text, ..message }));
            }
        }
        Ok(LogPage { items, last: page.last, commit: self.tree.store.accepted_commit() })
    }
    fn id_of(&self, sequence: u64) -> EventId {
        self.events.id_of(sequence)
    }
    fn has_event(&self, id: EventId) -> bool {
        self.events.has_event(id)
    }
    fn past(&self) -> Past {
        self.events.past()
    }
}

/// Finds the events that events follow from.
struct Causes {
    status: Arc<ContextStatus>,
    tree: Tree,
    listeners: Arc<Subscribers>,
}

impl Causes {
    /// The event that another follows from: that of the source; for an ask, an answer or a timer, the one that asked or
    /// set it. A command is no event.
    fn cause_of(&self, envelope: &Envelope) -> Option<CausingEvent> {
        let aggregate = self.listeners.aggregate;
        let own = aggregate.name().context;
        match &envelope.cause {
            Cause::Event(context, sequence) => {
                let id = self.status.id_in_source(context, *sequence)?;
                Some(CausingEvent { context: context.clone().into_owned(), id })
            }
            Cause::AskAfter(ask, id) => {
                Some(CausingEvent { context: ask.context.clone().into_owned(), id: *id })
            }
            Cause::Answer(_) | Cause::Timer => {
                let Envelope { sequence, aggregate: number, saga, .. } = envelope;
                let before = last_event(aggregate, &self.tree, saga, *number, *sequence);
                let before = before.ok().flatten()?;
                let id = self.listeners.with_history(|history| history.id_of(before));
                Some(CausingEvent { context: own.to_owned(), id })
            }
            Cause::Command(_) | Cause::Ask(_) | Cause::Elsewhere(_) => None,
        }
    }
}

/// An event as readers outside get it.
fn recorded_event(
    aggregate: &dyn AggregateType,
    version: u16,
    LogEntry { envelope, event }: &LogEntry,
    epoch: Word,
) -> RecordedEvent {
    let current = aggregate.event_version();
    let older = (version < current).then(|| aggregate.older_event(event.as_ref(), version));
    let (schema, data) = match older.flatten() {
        Some(older) => (version, fields_of(older)),
        None => (current, data_of(event.as_ref())),
    };
    RecordedEvent {
        sequence: envelope.sequence,
        epoch,
        number: envelope.aggregate,
        version: envelope.version,
        at: envelope.at,
        saga: envelope.saga.to_string(),
        cause: envelope.cause.to_string(),
        caused_by: None,
        client: envelope.client.clone(),
        trace: envelope.trace.clone(),
        owner: envelope.owner.as_deref().map(str::to_owned),
        name: event.name().to_owned(),
        schema,
        data,
    }
}

/// Finds the outflow of one kind that a context has, if it has one.
pub type Find<T> = fn(&dyn Context) -> Option<Arc<dyn EventLog<T>>>;
