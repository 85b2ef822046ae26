//! Subscriptions: a context applies every event of its sources in order, each once in effect.
//!
//! A push is a hint that may carry the events: a subscriber applies them if they follow its position, and reads the
//! source's log otherwise. Position and effect are written in one batch. An event that cannot be applied is parked with
//! the later ones of its aggregate, so that it does not block the others, and is retried with backoff.

use super::{
    parking::{ParkedQueues, retry_pause},
    progress::{Listener, Retried, SubscriptionProgress},
    source::{EventBatch, PushPermit, READ_LIMIT, Source},
};
use crate::{
    actors::{
        port::{health::ParkedId, safeguard::Safeguard},
        tables::{
            parked::{ParkedRow, parked_key},
            tree::Tree,
        },
    },
    store::StoreError,
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use tokio::time::Instant;

/// At most so many events of one parked queue a turn.
const MAX_RETRIES_PER_QUEUE: usize = 64;
/// At most about so many events of all parked queues a turn.
const MAX_RETRIES: usize = 256;

/// Events that a source has pushed.
pub struct EventDelivery<T> {
    pub subscription: usize,
    pub batch: Box<dyn EventBatch<T>>,
    pub _ticket: PushPermit,
}

/// The subscription to one source.
struct Subscription<T> {
    source: Box<dyn Source<T>>,
    parked: ParkedQueues,
    /// While its log cannot be read: how often that was tried, and when to retry.
    unreadable: Option<(u32, Instant)>,
}

impl<T> Subscription<T> {
    fn lag(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.source
            .latest()
            .saturating_sub(positions.get(self.source.context()).copied().unwrap_or(0))
    }
}

/// All subscriptions of one context.
pub struct Subscriptions<T> {
    subscriptions: Vec<Subscription<T>>,
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

    /// Loads what is parked.
    pub fn reload_parked(&mut self, tree: &Tree) -> Result<(), StoreError> {
        for subscription in &mut self.subscriptions {
            subscription.parked = ParkedQueues::read(tree, subscription.source.context())?;
        }
        Ok(())
    }

    /// Nothing is parked any more.
    pub fn clear_parked(&mut self) {
        self.subscriptions
            .iter_mut()
            .for_each(|subscription| subscription.parked = ParkedQueues::default());
    }

    pub fn parked_count(&self) -> u64 {
        self.subscriptions.iter().map(|subscription| subscription.parked.count_events()).sum()
    }

    /// How many events have not been applied.
    pub fn backlog(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.subscriptions.iter().map(|subscription| subscription.lag(positions)).sum()
    }

    /// When there is work that no message announces: a parked queue is due, or a push was turned
    /// away and no later one is on its way.
    pub fn next_wake(&self, positions: &BTreeMap<String, u64>) -> Option<Duration> {
        // In this order: a push moves the latest sequence before it is turned away.
        let missed = |subscription: &&Subscription<T>| {
            subscription.source.is_idle() && subscription.lag(positions) > 0
        };
        let now = Instant::now();
        let missed = self
            .subscriptions
            .iter()
            .filter(missed)
            .map(|subscription| subscription.unreadable.map_or(now, |(_, retry_at)| retry_at));
        let queues =
            self.subscriptions.iter().filter_map(|subscription| subscription.parked.next());
        Some(missed.chain(queues).min()?.saturating_duration_since(now))
    }

    /// Applies what was pushed.
    pub fn apply_delivery(
        &self,
        work: &mut impl Listener<T>,
        delivery: &EventDelivery<T>,
    ) -> Result<(), StoreError> {
        let Some(subscription) = self.subscriptions.get(delivery.subscription) else {
            return Ok(());
        };
        let position = work.progress().position(subscription.source.context());
        match delivery.batch.envelope_at(0) {
            Some(first) if first.sequence <= position + 1 => {
                self.apply_batch(work, delivery.subscription, delivery.batch.as_ref())
            }
            Some(_) if !work.does(Safeguard::ReadTheLog) => {
                self.apply_batch(work, delivery.subscription, delivery.batch.as_ref())
            }
            _ => self.catch_up(work, delivery.subscription),
        }
    }

    /// Reads the logs of all sources from its positions on.
    pub fn catch_up_all(&self, work: &mut impl Listener<T>) -> Result<(), StoreError> {
        (0..self.subscriptions.len()).try_for_each(|subscription| self.catch_up(work, subscription))
    }

    fn catch_up(&self, work: &mut impl Listener<T>, place: usize) -> Result<(), StoreError> {
        let Some(subscription) = self.subscriptions.get(place) else { return Ok(()) };
        let source = subscription.source.context();
        let latest = subscription.source.latest();
        let position = work.progress().position(source);
        if latest <= position
            || subscription.unreadable.is_some_and(|(_, retry_at)| retry_at > Instant::now())
        {
            return Ok(());
        }
        let batch = match subscription.source.read_batch(position + 1, READ_LIMIT) {
            Ok(batch) => batch,
            // The other sources go on; this one is retried.
            Err(StoreError::Damaged(what)) => {
                work.report_damage(&what);
                work.progress().read.insert(place, false);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.apply_batch(work, place, batch.as_ref())?;
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
        let Some(subscription) = self.subscriptions.get(place) else { return Ok(()) };
        let source = subscription.source.context();
        let mut position = work.progress().position(source);
        for index in 0.. {
            let Some(envelope) = batch.envelope_at(index) else { break };
            if envelope.sequence <= position && work.does(Safeguard::DropDuplicates) {
                continue;
            }
            let waits_for_another = (subscription.parked.get(envelope.aggregate).is_some()
                || work.progress().newly_parked.contains_key(&(place, envelope.aggregate)))
                && work.does(Safeguard::KeepParkedOrder);
            let taken = if waits_for_another {
                Err("it waits for an earlier event of its aggregate".to_owned())
            } else {
                apply_event(work, source, batch, index)?
            };
            if let Err(error) = taken {
                tracing::warn!(source, sequence = envelope.sequence, error, "parking event");
                let key = parked_key(source, envelope.aggregate, envelope.sequence);
                work.write_parked(
                    key,
                    Some(ParkedRow { attempts: u32::from(!waits_for_another), error }),
                )?;
                let queue = work.progress().newly_parked.entry((place, envelope.aggregate));
                queue.or_insert((0, envelope.sequence)).0 += 1;
            }
            position = position.max(envelope.sequence);
        }
        work.progress().positions.insert(source.to_owned(), position);
        Ok(())
    }

    /// Retries the parked queues that are due, or the wanted one. Returns whether there were any. A
    /// queue that this turn has retried already is left alone: its cached state is not current.
    pub fn retry_parked(
        &self,
        work: &mut impl Listener<T>,
        wanted: Option<(&str, u64)>,
    ) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut found = false;
        for (place, subscription) in self.subscriptions.iter().enumerate() {
            let due: Box<dyn Iterator<Item = u64>> = match wanted {
                Some((source, aggregate)) if source == subscription.source.context() => {
                    Box::new(subscription.parked.get(aggregate).map(|_| aggregate).into_iter())
                }
                Some(_) => continue,
                None => Box::new(subscription.parked.due(now)),
            };
            for aggregate in due {
                found = true;
                // The rest is still due, and comes at once.
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
        let Some(subscription) = self.subscriptions.get(place) else { return Ok(()) };
        let Some(queue) = subscription.parked.get(aggregate) else { return Ok(()) };
        let source = subscription.source.context();
        let mut retried = Retried { taken: 0, first: None, failed: None };
        let sequences = match work.list_parked(source, aggregate, MAX_RETRIES_PER_QUEUE + 1) {
            Err(StoreError::Damaged(what)) => {
                work.report_damage(&what);
                (retried.first, retried.failed) =
                    (Some(queue.first), Some(queue.attempts.saturating_add(1)));
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
            let key = parked_key(source, aggregate, sequence);
            let taken = match subscription.source.read_batch(sequence, 1) {
                Ok(batch)
                    if batch
                        .envelope_at(0)
                        .is_some_and(|envelope| envelope.sequence == sequence) =>
                {
                    apply_event(work, source, batch.as_ref(), 0)?
                }
                Ok(_) => Err("the source's log does not hold it".to_owned()),
                Err(StoreError::Damaged(what)) => {
                    work.report_damage(&what);
                    Err(what)
                }
                Err(error) => return Err(error),
            };
            if let Err(error) = taken {
                let attempts = queue.attempts.saturating_add(1);
                work.write_parked(key, Some(ParkedRow { attempts, error }))?;
                retried.failed = Some(attempts);
                break;
            }
            work.write_parked(key, None)?;
            (retried.taken, retried.first) = (retried.taken + 1, None);
        }
        work.progress().retried.insert((place, aggregate), retried);
        Ok(())
    }

    /// Drops a parked event. Returns whether there was one.
    pub fn drop_parked(
        &self,
        work: &mut impl Listener<T>,
        parked: &ParkedId,
    ) -> Result<bool, StoreError> {
        let ParkedId { source, aggregate, sequence } = parked;
        let Some(place) = self
            .subscriptions
            .iter()
            .position(|subscription| subscription.source.context() == source)
        else {
            return Ok(false);
        };
        let queue = self
            .subscriptions
            .get(place)
            .and_then(|subscription| subscription.parked.get(*aggregate));
        // Only the first event of a queue can be dropped: the later ones wait for it.
        if queue.is_none_or(|queue| queue.first != *sequence)
            || work.progress().has_retried(place, *aggregate)
        {
            return Ok(false);
        }
        let first =
            work.list_parked(source, *aggregate, 2)?.into_iter().find(|other| other != sequence);
        work.write_parked(parked_key(source, *aggregate, *sequence), None)?;
        work.progress()
            .retried
            .insert((place, *aggregate), Retried { taken: 1, first, failed: None });
        Ok(true)
    }

    /// Applies the changes of an accepted turn.
    pub fn apply_progress(&mut self, hearing: &SubscriptionProgress) {
        for (place, read) in &hearing.read {
            let Some(subscription) = self.subscriptions.get_mut(*place) else { continue };
            let times = subscription.unreadable.map_or(1, |(times, _)| times.saturating_add(1));
            subscription.unreadable = (!read).then(|| (times, Instant::now() + retry_pause(times)));
        }
        for ((place, aggregate), Retried { taken, first, failed }) in &hearing.retried {
            if let Some(subscription) = self.subscriptions.get_mut(*place) {
                subscription.parked.settle(*aggregate, *taken, *first, *failed);
            }
        }
        for ((place, aggregate), (count, first)) in &hearing.newly_parked {
            if let Some(subscription) = self.subscriptions.get_mut(*place) {
                subscription.parked.add(*aggregate, *first, *count, 1);
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
    let Some(envelope) = batch.envelope_at(index) else { return Ok(Ok(())) };
    let react = || {
        work.before_applying();
        batch.react_at(index)
    };
    match catch_unwind(AssertUnwindSafe(react)) {
        Ok(None) => Ok(Ok(())),
        Ok(Some((whose, what))) => work.apply_event(source, envelope, whose, what),
        Err(_) => Ok(Err("the policy panicked".to_owned())),
    }
}

#[cfg(test)]
mod tests;
