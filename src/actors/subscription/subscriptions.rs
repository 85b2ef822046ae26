//! Listening: a context takes every event of its sources, in order, each once in effect.
//!
//! A push is only a nudge that may carry the events: a listener applies its position + 1 and otherwise reads the
//! source's log. Position and effect are one batch. An event that cannot be taken is set aside with the later ones of
//! its aggregate, so that one bad thing does not stop the others, and is tried again with backoff.

use super::{
    parking::{self, ParkedQueues, backoff},
    source::{EventBatch, PushPermit, READ_LIMIT, Recipient, Source},
};
use crate::{
    actors::{
        port::health::ParkedId,
        tables::{
            records::{Envelope, ParkedRow},
            transaction::Tree,
        },
    },
    store::StoreError,
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// At most so many events of one shelf a turn.
const MAX_RETRIES_PER_QUEUE: usize = 64;
/// At most so many events of all shelves a turn, and those of the shelf in which that many are reached.
const MAX_RETRIES: usize = 256;

/// Events of one source, pushed.
pub struct Delivery<T> {
    pub subscription: usize,
    pub batch: Box<dyn EventBatch<T>>,
    pub _ticket: PushPermit,
}

/// One source that is listened to.
struct Subscription<T> {
    source: Box<dyn Source<T>>,
    parked: ParkedQueues,
    /// Since its log could not be read on: how often that was tried, and when to try again.
    unreadable: Option<(u32, Instant)>,
}

impl<T> Subscription<T> {
    fn lag(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.source
            .latest()
            .saturating_sub(positions.get(self.source.context()).copied().unwrap_or(0))
    }
}

/// All sources of one listener.
pub struct Subscriptions<T> {
    subscriptions: Vec<Subscription<T>>,
}

/// How one turn changes what is known of the sources.
#[derive(Default)]
pub struct Progress {
    /// Positions as the turn leaves them, by source.
    pub positions: BTreeMap<String, u64>,
    /// What is set aside, by ear and aggregate: how many events, and the first of them.
    shelved: BTreeMap<(usize, u64), (u64, u64)>,
    /// What is tried again or dropped, by ear and aggregate.
    retried: BTreeMap<(usize, u64), Retried>,
    /// How many events were tried again.
    tries: usize,
    /// Whether the log of a source could be read on.
    read: BTreeMap<usize, bool>,
    /// There is more to read than a turn takes.
    pub more: bool,
}

/// What became of a shelf.
struct Retried {
    taken: u64,
    /// What is now its first event, if there is one.
    first: Option<u64>,
    /// How often that was tried, if it was and could not be taken.
    failed: Option<u32>,
}

/// A turn that listens.
pub trait Listener<T> {
    /// What it knows of its sources so far.
    fn progress(&mut self) -> &mut Progress;
    /// Takes one event's consequence for one of its things, or says why it cannot.
    fn apply(
        &mut self,
        source: &'static str,
        envelope: &Envelope,
        whose: Recipient,
        what: T,
    ) -> Result<Result<(), String>, StoreError>;
    /// Something that is to be listened to is damaged.
    fn report_damage(&mut self, what: &str);
    /// Writes the row of a parked event, or takes it away.
    fn park(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError>;
    /// The first `limit` sequences that were set aside of an aggregate of a source before this turn.
    fn parked(&self, source: &str, aggregate: u64, limit: usize) -> Result<Vec<u64>, StoreError>;
}

impl Progress {
    /// A turn that begins at these positions.
    pub fn from(positions: &BTreeMap<String, u64>) -> Self {
        Self { positions: positions.clone(), ..Self::default() }
    }
    fn has_retried(&self, ear: usize, aggregate: u64) -> bool {
        self.retried.contains_key(&(ear, aggregate))
    }
    /// How far `source` has been heard.
    pub fn position(&self, source: &str) -> u64 {
        self.positions.get(source).copied().unwrap_or(0)
    }
}

impl<T> Subscriptions<T> {
    pub fn new(sources: Vec<Box<dyn Source<T>>>) -> Self {
        Self {
            subscriptions: sources
                .into_iter()
                .map(|source| Subscription {
                    source,
                    parked: ParkedQueues::default(),
                    unreadable: None,
                })
                .collect(),
        }
    }

    /// Finds what was set aside.
    pub fn reload(&mut self, tree: &Tree) -> Result<(), StoreError> {
        for ear in &mut self.subscriptions {
            ear.parked = ParkedQueues::read(tree, ear.source.context())?;
        }
        Ok(())
    }

    /// Nothing is set aside any more.
    pub fn clear_parked(&mut self) {
        self.subscriptions.iter_mut().for_each(|ear| ear.parked = ParkedQueues::default());
    }

    pub fn parked(&self) -> u64 {
        self.subscriptions.iter().map(|ear| ear.parked.count()).sum()
    }

    /// How many events of the sources have not been taken.
    pub fn backlog(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.subscriptions.iter().map(|ear| ear.lag(positions)).sum()
    }

    /// When there is something to do that no mail tells of: a shelf is due, or a push found no room and no later one
    /// is on its way.
    pub fn next_wake(&self, positions: &BTreeMap<String, u64>) -> Option<Duration> {
        // In this order: a push that is turned away has moved the latest sequence before.
        let missed = |ear: &&Subscription<T>| ear.source.is_idle() && ear.lag(positions) > 0;
        let now = Instant::now();
        let missed = self
            .subscriptions
            .iter()
            .filter(missed)
            .map(|ear| ear.unreadable.map_or(now, |(_, retry_at)| retry_at));
        let shelves = self.subscriptions.iter().filter_map(|ear| ear.parked.next());
        Some(missed.chain(shelves).min()?.saturating_duration_since(now))
    }

    /// Takes what was pushed.
    pub fn apply_delivery(
        &self,
        work: &mut impl Listener<T>,
        heard: &Delivery<T>,
    ) -> Result<(), StoreError> {
        let Some(ear) = self.subscriptions.get(heard.subscription) else { return Ok(()) };
        let position = work.progress().position(ear.source.context());
        match heard.batch.envelope(0) {
            Some(first) if first.sequence <= position + 1 => {
                self.apply_batch(work, heard.subscription, heard.batch.as_ref())
            }
            _ => self.catch_up(work, heard.subscription),
        }
    }

    /// Reads on in the logs of all sources.
    pub fn catch_up_all(&self, work: &mut impl Listener<T>) -> Result<(), StoreError> {
        (0..self.subscriptions.len()).try_for_each(|ear| self.catch_up(work, ear))
    }

    fn catch_up(&self, work: &mut impl Listener<T>, place: usize) -> Result<(), StoreError> {
        let Some(ear) = self.subscriptions.get(place) else { return Ok(()) };
        let (source, latest) = (ear.source.context(), ear.source.latest());
        let position = work.progress().position(source);
        if latest <= position
            || ear.unreadable.is_some_and(|(_, retry_at)| retry_at > Instant::now())
        {
            return Ok(());
        }
        let told = match ear.source.read(position + 1, READ_LIMIT) {
            Ok(told) => told,
            // It listens to the others; to this one again once it can be read.
            Err(StoreError::Damaged(what)) => {
                work.report_damage(&what);
                work.progress().read.insert(place, false);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.apply_batch(work, place, told.as_ref())?;
        let reached = work.progress().position(source);
        if reached == position {
            work.report_damage(&format!("the log of {source} ends before {latest}, at {position}"));
        }
        work.progress().read.insert(place, reached > position);
        work.progress().more |= latest > reached && reached > position;
        Ok(())
    }

    fn apply_batch(
        &self,
        work: &mut impl Listener<T>,
        place: usize,
        batch: &dyn EventBatch<T>,
    ) -> Result<(), StoreError> {
        let Some(ear) = self.subscriptions.get(place) else { return Ok(()) };
        let source = ear.source.context();
        let mut position = work.progress().position(source);
        for index in 0.. {
            let Some(envelope) = batch.envelope(index) else { break };
            if envelope.sequence <= position {
                continue;
            }
            let behind_another = ear.parked.get(envelope.aggregate).is_some()
                || work.progress().shelved.contains_key(&(place, envelope.aggregate));
            let taken = match behind_another {
                true => Err("it waits behind an earlier event of its aggregate".to_owned()),
                false => apply_event(work, source, batch, index)?,
            };
            if let Err(error) = taken {
                tracing::warn!(
                    source,
                    sequence = envelope.sequence,
                    error,
                    "an event is set aside"
                );
                let key = parking::parked_key(source, envelope.aggregate, envelope.sequence);
                work.park(key, Some(ParkedRow { attempts: u32::from(!behind_another), error }))?;
                let shelf = work.progress().shelved.entry((place, envelope.aggregate));
                shelf.or_insert((0, envelope.sequence)).0 += 1;
            }
            position = envelope.sequence;
        }
        work.progress().positions.insert(source.to_owned(), position);
        Ok(())
    }

    /// Tries the shelves again that are due, or that one in any case. Says whether there were any. A shelf that this
    /// turn has dealt with already is as it was in memory, so it is left alone.
    pub fn retry_parked(
        &self,
        work: &mut impl Listener<T>,
        wanted: Option<(&str, u64)>,
    ) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut found = false;
        for (place, ear) in self.subscriptions.iter().enumerate() {
            let due: Box<dyn Iterator<Item = u64>> = match wanted {
                Some((source, aggregate)) if source == ear.source.context() => {
                    Box::new(ear.parked.get(aggregate).map(|_| aggregate).into_iter())
                }
                Some(_) => continue,
                None => Box::new(ear.parked.due(now)),
            };
            for aggregate in due {
                found = true;
                // What is left is due still, and has its turn at once.
                if wanted.is_none() && work.progress().tries >= MAX_RETRIES {
                    return Ok(true);
                }
                if !work.progress().has_retried(place, aggregate) {
                    self.retry_queue(work, place, aggregate)?;
                }
            }
        }
        Ok(found)
    }

    fn retry_queue(
        &self,
        work: &mut impl Listener<T>,
        place: usize,
        aggregate: u64,
    ) -> Result<(), StoreError> {
        let Some(ear) = self.subscriptions.get(place) else { return Ok(()) };
        let Some(shelf) = ear.parked.get(aggregate) else { return Ok(()) };
        let source = ear.source.context();
        let mut retried = Retried { taken: 0, first: None, failed: None };
        let sequences = match work.parked(source, aggregate, MAX_RETRIES_PER_QUEUE + 1) {
            Err(StoreError::Damaged(what)) => {
                work.report_damage(&what);
                (retried.first, retried.failed) =
                    (Some(shelf.first), Some(shelf.attempts.saturating_add(1)));
                Vec::new()
            }
            sequences => sequences?,
        };
        for (tries, sequence) in sequences.into_iter().enumerate() {
            retried.first = Some(sequence);
            if tries == MAX_RETRIES_PER_QUEUE {
                break;
            }
            work.progress().tries += 1;
            let key = parking::parked_key(source, aggregate, sequence);
            let taken = match ear.source.read(sequence, 1) {
                Ok(told)
                    if told.envelope(0).is_some_and(|envelope| envelope.sequence == sequence) =>
                {
                    apply_event(work, source, told.as_ref(), 0)?
                }
                Ok(_) => Err("the source's log does not hold it".to_owned()),
                Err(StoreError::Damaged(what)) => {
                    work.report_damage(&what);
                    Err(what)
                }
                Err(error) => return Err(error),
            };
            if let Err(error) = taken {
                let attempts = shelf.attempts.saturating_add(1);
                work.park(key, Some(ParkedRow { attempts, error }))?;
                retried.failed = Some(attempts);
                break;
            }
            work.park(key, None)?;
            (retried.taken, retried.first) = (retried.taken + 1, None);
        }
        work.progress().retried.insert((place, aggregate), retried);
        Ok(())
    }

    /// Gives up on a parked event. Says whether there was one.
    pub fn drop_parked(
        &self,
        work: &mut impl Listener<T>,
        parked: &ParkedId,
    ) -> Result<bool, StoreError> {
        let ParkedId { source, aggregate, sequence } = parked;
        let Some(place) = self.subscriptions.iter().position(|ear| ear.source.context() == source)
        else {
            return Ok(false);
        };
        let shelf = self.subscriptions.get(place).and_then(|ear| ear.parked.get(*aggregate));
        // Only the first of a shelf: those behind it wait for it to be dealt with.
        if shelf.is_none_or(|shelf| shelf.first != *sequence)
            || work.progress().has_retried(place, *aggregate)
        {
            return Ok(false);
        }
        let first = work.parked(source, *aggregate, 2)?.into_iter().find(|other| other != sequence);
        work.park(parking::parked_key(source, *aggregate, *sequence), None)?;
        work.progress()
            .retried
            .insert((place, *aggregate), Retried { taken: 1, first, failed: None });
        Ok(true)
    }

    /// The turn stands.
    pub fn apply_progress(&mut self, hearing: &Progress) {
        for (place, read) in &hearing.read {
            let Some(ear) = self.subscriptions.get_mut(*place) else { continue };
            let times = ear.unreadable.map_or(1, |(times, _)| times.saturating_add(1));
            ear.unreadable = (!read).then(|| (times, Instant::now() + backoff(times)));
        }
        for ((place, aggregate), Retried { taken, first, failed }) in &hearing.retried {
            if let Some(ear) = self.subscriptions.get_mut(*place) {
                ear.parked.settle(*aggregate, *taken, *first, *failed);
            }
        }
        for ((place, aggregate), (count, first)) in &hearing.shelved {
            if let Some(ear) = self.subscriptions.get_mut(*place) {
                ear.parked.add(*aggregate, *first, *count, 1);
            }
        }
    }
}

fn apply_event<T>(
    work: &mut impl Listener<T>,
    source: &'static str,
    batch: &dyn EventBatch<T>,
    index: usize,
) -> Result<Result<(), String>, StoreError> {
    let Some(envelope) = batch.envelope(index) else { return Ok(Ok(())) };
    match catch_unwind(AssertUnwindSafe(|| batch.react(index))) {
        Ok(None) => Ok(Ok(())),
        Ok(Some((whose, what))) => work.apply(source, envelope, whose, what),
        Err(_) => Ok(Err("the policy panicked".to_owned())),
    }
}

#[cfg(test)]
mod tests;
