//! What a subscription has in memory of its parked events: the count and the first event of each source aggregate.

use crate::{
    actors::{
        port::{backoff::backoff_delay, health::ParkedId},
        tables::{
            parked::{decode_parked, parse_parked_key},
            tree::Tree,
        },
    },
    store::{
        Scan, StoreError,
        keys::{KeyBuf, Space},
        paging::Pages,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// At most so many rows are read at once.
const ROWS: usize = 1024;
const MIN_BACKOFF: Duration = Duration::from_millis(400);
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// The pause after so many attempts.
pub fn retry_pause(attempts: u32) -> Duration {
    backoff_delay(attempts.into(), MIN_BACKOFF, MAX_BACKOFF)
}

/// The parked events of one source aggregate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParkedQueue {
    pub count: u64,
    /// The sequence of the first event; the others wait for it.
    pub first: u64,
    pub attempts: u32,
    retry_at: Instant,
}

/// The parked queues of one source, by aggregate and by the time of their retry.
#[derive(Debug, Default)]
pub struct ParkedQueues {
    queues: BTreeMap<u64, ParkedQueue>,
    due: BTreeSet<(Instant, u64)>,
    count: u64,
}

impl ParkedQueues {
    /// How many events are parked.
    pub fn count_events(&self) -> u64 {
        self.count
    }
    /// How many aggregates have parked events.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.queues.len()
    }
    pub fn get(&self, aggregate: u64) -> Option<&ParkedQueue> {
        self.queues.get(&aggregate)
    }
    /// When the first queue is due.
    pub fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
    /// The aggregates whose queues are due at `now`, in order.
    pub fn due(&self, now: Instant) -> impl Iterator<Item = u64> {
        self.due.iter().take_while(move |(at, _)| *at <= now).map(|(_, aggregate)| *aggregate)
    }

    /// More events are parked; `first` is the first of them.
    pub fn add(&mut self, aggregate: u64, first: u64, count: u64, attempts: u32) {
        self.update(aggregate, |queue| {
            let fresh = || ParkedQueue {
                count: 0,
                first,
                attempts,
                retry_at: Instant::now() + retry_pause(attempts),
            };
            let mut queue = queue.unwrap_or_else(fresh);
            queue.count += count;
            Some(queue)
        });
    }

    /// The first `taken` events are done, and `first` is the next one. If it failed, `failed` is
    /// its number of attempts.
    pub fn settle(&mut self, aggregate: u64, taken: u64, first: Option<u64>, failed: Option<u32>) {
        self.update(aggregate, |queue| {
            let mut queue = queue?;
            queue.first = first?;
            // At least the first one is left.
            queue.count = queue.count.saturating_sub(taken).max(1);
            if let Some(attempts) = failed {
                (queue.attempts, queue.retry_at) =
                    (attempts, Instant::now() + retry_pause(attempts));
            }
            Some(queue)
        });
    }

    fn update(
        &mut self,
        aggregate: u64,
        update: impl FnOnce(Option<ParkedQueue>) -> Option<ParkedQueue>,
    ) {
        let before = self.queues.remove(&aggregate);
        if let Some(queue) = &before {
            self.count = self.count.saturating_sub(queue.count);
            self.due.remove(&(queue.retry_at, aggregate));
        }
        if let Some(queue) = update(before) {
            self.count += queue.count;
            self.due.insert((queue.retry_at, aggregate));
            self.queues.insert(aggregate, queue);
        }
    }

    /// Loads what is parked of `source`.
    pub fn read(tree: &Tree, source: &str) -> Result<Self, StoreError> {
        let mut shelves = Self::default();
        let prefix = KeyBuf::new(Space::Parked).text(source).build();
        let mut pages = Pages::over_scan(Scan::prefix(&prefix, ROWS));
        while let Some(rows) = tree.next_readable_page(&mut pages, prefix.len())? {
            // The rows are sorted by aggregate.
            for (key, row) in rows {
                let Some(ParkedId { aggregate, sequence, .. }) = parse_parked_key(tree, &key)
                else {
                    continue;
                };
                let attempts = match shelves.get(aggregate) {
                    Some(queue) => queue.attempts,
                    None => decode_parked(tree, sequence, &row)?.attempts,
                };
                shelves.add(aggregate, sequence, 1, attempts);
            }
        }
        Ok(shelves)
    }
}
