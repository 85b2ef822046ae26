//! The logs of contexts that other nodes host, as far as contexts of this node listen to them.
//!
//! Such a context has a replica of its log in this node's store. Its listeners read that as they read the log of a
//! neighbour: the same positions, the same catching up, the same parked queues for what they cannot take; and they go on while
//! the other node is away. The replica takes each event once, in the order of its source, over any transport: it appends
//! the sequence after its last one and nothing else. What a feed has skipped, it asks the source for.
//!
//! It continues after the very event that it has last, not after that event's number: a source whose log has another event
//! there was put back from a copy, or is another one. Then nothing more is taken, and the node reports it. A feed cannot know
//! what a new epoch follows, so the first event of one is asked for.

use super::read_event::as_logged;
use crate::{
    actors::{
        erased::AggregateType,
        port::{
            dispute::{Dispute, describe_remedy},
            event_log::RecordedEvent,
            history::{EventId, Past, Word},
            machine::Machine,
            peers::{PeerClient, Silence},
            replica::{ReplicaHandle, ReplicaHealth},
        },
        subscription::source::Subscribers,
        tables::{
            history::{epoch_key, epoch_row},
            log::{LogEntry, encode_event, encode_log},
            tree::Tree,
        },
    },
    store::{
        Batch, Epoch, StoreError,
        keys::{KeyBuf, Space},
    },
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// How long the source may wait for something to happen before it answers that nothing has.
const LINGER: Duration = Duration::from_secs(20);
/// How often a replica that is fed asks the source all the same: what feeds it may be fed nothing itself.
const ROUND: Duration = Duration::from_secs(5);

/// The log of a context of another node, as far as it is known here.
pub struct Replica {
    aggregate: &'static dyn AggregateType,
    tree: Tree,
    epoch: Epoch,
    listeners: Arc<Subscribers>,
    wire: Arc<dyn PeerClient>,
    machine: Machine,
    /// The last sequence; its lock is the right to append.
    last: AsyncMutex<u64>,
    /// What delivers events, besides the source itself, or why nothing does.
    feed: watch::Sender<Option<Result<&'static str, String>>>,
    missing: Notify,
    counts: Counts,
    trouble: Mutex<(u64, Option<String>)>,
    /// Set while the source has another past than what is here.
    dispute: Mutex<Option<Dispute>>,
    /// Whether it goes on after the event that it has last, and not after that event's number.
    continues: bool,
}

/// Who brings events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// A feed, which knows nothing of what was before them.
    Feed,
    /// The source, which knows what they are to follow.
    Source,
}

#[derive(Default)]
struct Counts {
    fed: AtomicU64,
    asked: AtomicU64,
    again: AtomicU64,
    refused: AtomicU64,
}

impl Replica {
    pub fn open(
        tree: Tree,
        listeners: Arc<Subscribers>,
        wire: Arc<dyn PeerClient>,
        machine: Machine,
    ) -> Result<Self, StoreError> {
        let aggregate = listeners.aggregate;
        let epoch = tree.store.activate(tree.id)?;
        let last = AsyncMutex::new(listeners.latest.load(Relaxed));
        let feed = watch::Sender::new(None);
        let missing = Notify::new();
        let counts = Counts::default();
        let trouble = Mutex::default();
        let dispute = Mutex::default();
        Ok(Self {
            aggregate,
            tree,
            epoch,
            listeners,
            wire,
            machine,
            last,
            feed,
            missing,
            counts,
            trouble,
            dispute,
            continues: true,
        })
    }

    /// The same replica, which goes on after the event that it has last if it `continues`.
    pub fn continuing(self, continues: bool) -> Self {
        Self { continues, ..self }
    }

    /// What the last event here is called; nothing where the source has never sent the names of its events, or where it
    /// cannot be read.
    fn last_event_id(&self, last: u64) -> Option<EventId> {
        self.listeners.with_history(|history| {
            (last == 0 || history.names_event(last)).then(|| history.id_of(last))
        })
    }

    /// Appends what comes next, and counts it. The rest is here already, after a gap, or of another past.
    async fn append_events(&self, events: Vec<(LogEntry, Word)>, by: By) -> Result<(), String> {
        let mut last = self.last.lock().await;
        let mut end = *last;
        let mut next = Vec::with_capacity(events.len());
        let mut epoch = self.listeners.with_history(|history| history.current_epoch());
        let mut began = Vec::new();
        for (logged, word) in events {
            let sequence = logged.envelope.sequence;
            let goes_on = epoch.map_or(Word::default(), |(_, word)| word) == word;
            if sequence == end + 1 && (goes_on || by == By::Source) {
                if !goes_on {
                    if word.is_none() {
                        return Err(format!(
                            "event {sequence} of {} is without its epoch: upgrade its node",
                            self.aggregate.name()
                        ));
                    }
                    epoch = Some((sequence, word));
                    began.push((sequence, word));
                }
                next.push(logged);
                end = sequence;
            } else if sequence <= *last && self.listeners.has_event(EventId { word, sequence }) {
                self.counts.again.fetch_add(1, Relaxed);
            } else if sequence > end || by == By::Feed {
                self.missing.notify_one();
            }
        }
        if next.is_empty() || self.dispute().is_some() {
            return Ok(());
        }
        let written = next.iter().map(|logged| Ok((&logged.envelope, encode_event(logged)?)));
        let rows = written
            .collect::<Result<Vec<_>, StoreError>>()
            .and_then(|written| encode_log(self.aggregate.event_version(), written.into_iter()))
            .map_err(|why| why.to_string())?;
        let key = |first: u64| KeyBuf::new(Space::Log).number(first).build();
        let mut writes: Vec<_> =
            rows.into_iter().map(|(first, record)| (key(first), Some(record))).collect();
        for (first, word) in &began {
            writes
                .push((epoch_key(*first), Some(epoch_row(*word).map_err(|why| why.to_string())?)));
        }
        let batch = Batch { tree: self.tree.id, epoch: self.epoch, expects: Vec::new(), writes };
        self.tree.store.commit(batch).await.map_err(|why| why.to_string())?;
        let count = if by == By::Feed { &self.counts.fed } else { &self.counts.asked };
        count.fetch_add(end - *last, Relaxed);
        *last = end;
        began.into_iter().for_each(|(first, word)| self.listeners.begin_epoch(first, word));
        drop(last);
        self.listeners.publish(&next.into());
        Ok(())
    }

    async fn take_events(
        &self,
        events: Vec<RecordedEvent>,
    ) -> Result<Vec<(usize, String)>, String> {
        let mut readable = Vec::with_capacity(events.len());
        let mut unreadable = Vec::new();
        for (place, event) in events.into_iter().enumerate() {
            let word = event.epoch;
            match as_logged(self.aggregate, event) {
                Ok(logged) => readable.push((logged, word)),
                Err(why) => unreadable.push((place, why)),
            }
        }
        if !unreadable.is_empty() {
            self.missing.notify_one();
        }
        self.append_events(readable, By::Feed).await?;
        let durable = self.tree.store.durable(self.tree.store.accepted_commit()).await;
        durable.map(|()| unreadable).map_err(|why| why.to_string())
    }

    async fn follow_source(&self) {
        let mut feed = self.feed.subscribe();
        loop {
            let is_fed = matches!(*feed.borrow_and_update(), Some(Ok(_)));
            match self.ask_source(if is_fed { Duration::ZERO } else { LINGER }).await {
                Ok(0) if is_fed => tokio::select! {
                    biased;
                    () = self.missing.notified() => {}
                    _ = feed.changed() => {}
                    () = tokio::time::sleep(ROUND) => {}
                },
                Ok(_) => {}
                Err(Silence::Away(why)) => self.back_off(why).await,
                Err(Silence::Changed(why)) => {
                    self.stop_taking(&why);
                    tokio::time::sleep(ROUND).await;
                }
            }
        }
    }

    /// Asks the source for what comes next, and returns how many events it knew.
    async fn ask_source(&self, linger: Duration) -> Result<usize, Silence> {
        let last = *self.last.lock().await;
        let after = self.last_event_id(last).filter(|_| self.continues);
        let events = self.wire.fetch_events(self.context(), last + 1, after, linger).await?;
        if sync::lock(&self.dispute).take().is_some() {
            tracing::info!(
                context = self.context(),
                "the source has its past again; its events are taken again"
            );
        }
        let known = events.len();
        let mut readable = Vec::with_capacity(known);
        let mut stop = None;
        for event in events {
            let word = event.epoch;
            match as_logged(self.aggregate, event) {
                Ok(logged) => readable.push((logged, word)),
                Err(why) => {
                    stop = Some(why);
                    break;
                }
            }
        }
        self.append_events(readable, By::Source).await.map_err(Silence::Away)?;
        if let Some(why) = stop {
            return Err(Silence::Away(why));
        }
        // A source whose log has a gap would be asked again and again without a pause.
        if known > 0 && *self.last.lock().await == last {
            let why = format!("of {known} events that it sends, none follows event {last}");
            return Err(Silence::Away(why));
        }
        *sync::lock(&self.trouble) = (0, None);
        Ok(known)
    }

    /// Nothing more is taken: what comes next follows something else than what is here.
    fn stop_taking(&self, why: &str) {
        let mut dispute = sync::lock(&self.dispute);
        dispute.get_or_insert_with(|| {
            let context = self.context();
            let detail = format!(
                "events of {context} are not taken any more: {why}. {}",
                describe_remedy(context)
            );
            tracing::error!(context, detail, "the source of its events has another past");
            Dispute::new(context, self.machine.now(), detail)
        });
    }

    async fn back_off(&self, why: String) {
        let attempts = {
            let mut trouble = sync::lock(&self.trouble);
            *trouble = (trouble.0.saturating_add(1), Some(why.clone()));
            trouble.0
        };
        if attempts.is_power_of_two() {
            tracing::warn!(
                context = self.context(),
                attempts,
                why,
                "failed to fetch events from their source; retrying"
            );
        }
        tokio::time::sleep(self.machine.random_backoff(attempts, SHORTEST, LONGEST)).await;
    }
}

impl ReplicaHandle for Replica {
    fn context(&self) -> &'static str {
        self.aggregate.name().context
    }
    fn health(&self) -> ReplicaHealth {
        let (attempts, error) = sync::lock(&self.trouble).clone();
        let feed = self.feed.borrow().clone();
        ReplicaHealth {
            context: self.context(),
            last_sequence: self.listeners.latest.load(Relaxed),
            feed: feed.as_ref().and_then(|feed| feed.as_ref().ok()).copied(),
            feed_error: feed.and_then(Result::err),
            fed: self.counts.fed.load(Relaxed),
            asked: self.counts.asked.load(Relaxed),
            again: self.counts.again.load(Relaxed),
            refused: self.counts.refused.load(Relaxed),
            attempts,
            error,
            history_changed: self.dispute().map(|dispute| dispute.detail),
        }
    }
    fn past(&self) -> Option<Past> {
        let last = self.listeners.latest.load(Relaxed);
        self.last_event_id(last).filter(|_| last > 0).map(|_| self.listeners.past())
    }
    fn dispute(&self) -> Option<Dispute> {
        sync::lock(&self.dispute).clone()
    }
    fn follow_source(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move { Replica::follow_source(&self).await }.boxed()
    }
    fn fed_by(&self, feed: Result<&'static str, String>) {
        self.feed.send_replace(Some(feed));
    }
    fn has_event(&self, id: EventId) -> bool {
        id.sequence <= self.listeners.latest.load(Relaxed) && self.listeners.has_event(id)
    }
    fn fetch_until(&self, id: EventId) -> BoxFuture<'_, Result<bool, String>> {
        async move {
            while !self.has_event(id) && self.listeners.latest.load(Relaxed) < id.sequence {
                match self.ask_source(Duration::ZERO).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(Silence::Away(why) | Silence::Changed(why)) => return Err(why),
                }
            }
            Ok(self.has_event(id))
        }
        .boxed()
    }
    fn count_refused(&self) {
        self.counts.refused.fetch_add(1, Relaxed);
    }
    fn check_readable(&self, event: RecordedEvent) -> Result<(), String> {
        as_logged(self.aggregate, event).map(drop)
    }
    fn take_events(
        &self,
        events: Vec<RecordedEvent>,
    ) -> BoxFuture<'_, Result<Vec<(usize, String)>, String>> {
        Replica::take_events(self, events).boxed()
    }
}
