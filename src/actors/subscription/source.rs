//! What is listened to: the contexts of this process, their logs, and what each of their events comes to.

use crate::{
    actors::{
        erased::AggregateType,
        port::{
            history::{EventId, Past, Word},
            safeguard::Safeguard,
        },
        tables::{
            history::History,
            log::{Envelope, LogEntry, read_log},
            tree::Tree,
        },
    },
    store::StoreError,
    sync,
};
use std::sync::{
    Arc, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};
use tokio::sync::watch;

/// At most so many events of one source are read at once.
pub const READ_LIMIT: usize = 512;
/// At most so many pushes wait at a listener; a slower one reads the log.
const MAX_PUSHES: usize = 64;

/// Events that follow each other in a log.
pub type LogEntries = Arc<[LogEntry]>;

type Push = Box<dyn Fn(&LogEntries) + Send + Sync>;

/// Those who listen to an aggregate's events, and how far its log goes.
pub struct Subscribers {
    /// Whose events.
    pub aggregate: &'static dyn AggregateType,
    subscribers: RwLock<Vec<Push>>,
    pub latest: AtomicU64,
    /// The same, for those who wait for it to change.
    pub changes: watch::Sender<u64>,
    /// Who wrote it.
    history: RwLock<History>,
    /// What this start of its writer is called, if it is written here.
    word: Word,
}

impl Subscribers {
    /// With no subscriber yet. If the log is written here, this start of its writer is called `word`.
    pub fn new(aggregate: &'static dyn AggregateType, word: Word) -> Self {
        let subscribers = RwLock::new(Vec::new());
        let history = RwLock::default();
        Self {
            aggregate,
            subscribers,
            latest: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            history,
            word,
        }
    }

    pub fn subscribe(&self, push: Push) {
        sync::write(&self.subscribers).push(push);
    }
    /// Finds out who wrote the log. Where it is written here, `next` is the sequence that this start goes on with.
    pub fn load_history(&self, tree: &Tree, next: Option<u64>) -> Result<(), StoreError> {
        let mut history = History::load_epochs(tree)?;
        if let Some(next) =
            next.filter(|_| history.current_epoch().is_none_or(|(_, word)| word != self.word))
        {
            history.begin_epoch(next, self.word);
        }
        *sync::write(&self.history) = history;
        Ok(())
    }
    /// The word of the epoch that begins with this very event, if one does.
    pub fn epoch_starting_at(&self, sequence: u64) -> Option<Word> {
        self.with_history(|history| {
            history.current_epoch().filter(|(first, _)| *first == sequence).map(|(_, word)| word)
        })
    }
    /// An epoch begins, in a log that is written elsewhere.
    pub fn begin_epoch(&self, first: u64, word: Word) {
        sync::write(&self.history).begin_epoch(first, word);
    }
    /// Looks at who wrote the log.
    pub fn with_history<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&sync::read(&self.history))
    }
    /// What others need to judge it.
    pub fn past(&self) -> Past {
        let latest = self.latest.load(SeqCst);
        self.with_history(|history| history.past(latest))
    }
    /// Whether this event is in the log.
    pub fn has_event(&self, id: EventId) -> bool {
        let latest = self.latest.load(SeqCst);
        self.with_history(|history| history.has_event(id, latest))
    }
    /// Its events from sequence `from` on, about `limit` of them, as far as they are published. What was committed by an actor
    /// that ended before it could publish it is in the log for no reader until the next one has published it: otherwise one
    /// subscriber would act on an event that the other readers cannot find.
    pub fn read_published(
        &self,
        tree: &Tree,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let latest = self.latest.load(SeqCst);
        let mut events = read_log(self.aggregate, tree, from, limit)?;
        if tree.does(Safeguard::HideUnpublished) {
            events.retain(|logged| logged.envelope.sequence <= latest);
        }
        Ok(events)
    }
    /// These events are committed. An empty slice means only that there may be something in the log.
    pub fn publish(&self, events: &LogEntries) {
        if let Some(last) = events.last() {
            self.latest.fetch_max(last.envelope.sequence, SeqCst);
        }
        self.changes.send_if_modified(|known| {
            let latest = self.latest.load(SeqCst);
            std::mem::replace(known, latest) != latest
        });
        sync::read(&self.subscribers).iter().for_each(|push| push(events));
    }
}

/// Events of one source, and what each comes to for a listener of type `T`: which of its things, and what of it.
pub trait EventBatch<T>: Send {
    fn envelope_at(&self, place: usize) -> Option<&Envelope>;
    fn react_at(&self, place: usize) -> Option<(Recipient, T)>;
}

/// What an event comes to for one listener.
pub type Reaction<T> = Arc<dyn Fn(&LogEntries, usize) -> Option<(Recipient, T)> + Send + Sync>;

/// Which of the listener's things is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipient {
    /// The one with this number.
    Number(u64),
    /// The one that holds this key; none, where nothing holds it.
    Key(String),
    /// One that is yet to be, under the next number.
    New,
}

struct TypedBatch<T> {
    events: LogEntries,
    react: Reaction<T>,
}

impl<T> EventBatch<T> for TypedBatch<T> {
    fn envelope_at(&self, place: usize) -> Option<&Envelope> {
        self.events.get(place).map(|logged| &logged.envelope)
    }
    fn react_at(&self, place: usize) -> Option<(Recipient, T)> {
        (self.react)(&self.events, place)
    }
}

/// A context that is listened to, and its log.
pub trait Source<T>: Send {
    fn context(&self) -> &'static str;
    fn latest(&self) -> u64;
    /// Whether no push of it is on its way.
    fn is_idle(&self) -> bool;
    /// Events from sequence `from` on, about `limit` of them.
    fn read_batch(&self, from: u64, limit: usize) -> Result<Box<dyn EventBatch<T>>, StoreError>;
}

/// The log of a context of this process, or its replica here.
pub struct LocalSource<T> {
    tree: Tree,
    listeners: Arc<Subscribers>,
    react: Reaction<T>,
    pushes: PushWindow,
}

impl<T: Send + 'static> LocalSource<T> {
    pub fn new(
        tree: &Tree,
        listeners: &Arc<Subscribers>,
        react: &Reaction<T>,
        pushes: &PushWindow,
    ) -> Self {
        Self {
            tree: tree.clone(),
            listeners: listeners.clone(),
            react: react.clone(),
            pushes: pushes.clone(),
        }
    }
    /// What is published, as mail for the listener.
    pub fn typed_batch(events: &LogEntries, react: &Reaction<T>) -> Box<dyn EventBatch<T>> {
        Box::new(TypedBatch { events: events.clone(), react: react.clone() })
    }
}

impl<T: Send + 'static> Source<T> for LocalSource<T> {
    fn context(&self) -> &'static str {
        self.listeners.aggregate.name().context
    }
    fn latest(&self) -> u64 {
        self.listeners.latest.load(SeqCst)
    }
    fn is_idle(&self) -> bool {
        self.pushes.is_empty()
    }
    fn read_batch(&self, from: u64, limit: usize) -> Result<Box<dyn EventBatch<T>>, StoreError> {
        let events = self.listeners.read_published(&self.tree, from, limit)?;
        Ok(Self::typed_batch(&events.into(), &self.react))
    }
}

/// Counts the pushes on their way to one subscription, so that they do not pile up before a slow listener.
#[derive(Clone, Default)]
pub struct PushWindow(Arc<AtomicUsize>);

impl PushWindow {
    /// Whether there is room for one more; then it counts until its [`PushPermit`] is dropped.
    pub fn try_acquire(&self) -> Option<PushPermit> {
        let one_more = |on_the_way| (on_the_way < MAX_PUSHES).then_some(on_the_way + 1);
        self.0.fetch_update(SeqCst, SeqCst, one_more).is_ok().then(|| PushPermit(self.clone()))
    }
    /// Whether nothing is on its way.
    fn is_empty(&self) -> bool {
        self.0.load(SeqCst) == 0
    }
}

/// One push on its way.
pub struct PushPermit(PushWindow);

impl Drop for PushPermit {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}
