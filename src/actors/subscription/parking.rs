//! Parked events: one row each; in memory there is only the count and the first event of each
//! source aggregate.

use crate::{
    actors::{
        port::backoff::backoff,
        port::health::ParkedId,
        tables::{records::ParkedRow, tree::Tree},
    },
    store::{
        Row, Scan, StoreError, codec,
        keys::{KeyBuf, Space, key_after, last_number},
        paging::Pages,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// At most so many rows are read at once.
const ROWS: usize = 1024;
const MIN_BACKOFF: Duration = Duration::from_millis(400);
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// The pause after so many attempts.
pub fn retry_pause(attempts: u32) -> Duration {
    backoff(attempts.into(), MIN_BACKOFF, MAX_BACKOFF)
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
    pub fn count(&self) -> u64 {
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
        self.update(aggregate, |shelf| {
            let fresh = || ParkedQueue {
                count: 0,
                first,
                attempts,
                retry_at: Instant::now() + retry_pause(attempts),
            };
            let mut shelf = shelf.unwrap_or_else(fresh);
            shelf.count += count;
            Some(shelf)
        });
    }

    /// The first `taken` events are done, and `first` is the next one. If it failed, `failed` is
    /// its number of attempts.
    pub fn settle(&mut self, aggregate: u64, taken: u64, first: Option<u64>, failed: Option<u32>) {
        self.update(aggregate, |shelf| {
            let mut shelf = shelf?;
            shelf.first = first?;
            // At least the first one is left.
            shelf.count = shelf.count.saturating_sub(taken).max(1);
            if let Some(attempts) = failed {
                (shelf.attempts, shelf.retry_at) =
                    (attempts, Instant::now() + retry_pause(attempts));
            }
            Some(shelf)
        });
    }

    fn update(
        &mut self,
        aggregate: u64,
        update: impl FnOnce(Option<ParkedQueue>) -> Option<ParkedQueue>,
    ) {
        let before = self.queues.remove(&aggregate);
        if let Some(shelf) = &before {
            self.count = self.count.saturating_sub(shelf.count);
            self.due.remove(&(shelf.retry_at, aggregate));
        }
        if let Some(shelf) = update(before) {
            self.count += shelf.count;
            self.due.insert((shelf.retry_at, aggregate));
            self.queues.insert(aggregate, shelf);
        }
    }

    /// Loads what is parked of `source`.
    pub fn read(tree: &Tree, source: &str) -> Result<Self, StoreError> {
        let mut shelves = Self::default();
        let prefix = KeyBuf::new(Space::Parked).text(source).build();
        let mut pages = Pages::of(Scan::prefix(&prefix, ROWS));
        while let Some(rows) = tree.next_readable_page(&mut pages, prefix.len())? {
            // The rows are sorted by aggregate.
            for (key, row) in rows {
                let Some(ParkedId { aggregate, sequence, .. }) = parse_key(tree, &key) else {
                    continue;
                };
                let attempts = match shelves.get(aggregate) {
                    Some(shelf) => shelf.attempts,
                    None => decode_parked(tree, sequence, &row)?.attempts,
                };
                shelves.add(aggregate, sequence, 1, attempts);
            }
        }
        Ok(shelves)
    }
}

/// The key of a parked event.
pub fn parked_key(source: &str, aggregate: u64, sequence: u64) -> Vec<u8> {
    KeyBuf::new(Space::Parked).text(source).number(aggregate).number(sequence).build()
}

/// The first `limit` parked sequences of one aggregate of a source.
pub fn first_parked(
    tree: &Tree,
    source: &str,
    aggregate: u64,
    limit: usize,
) -> Result<Vec<u64>, StoreError> {
    let prefix = KeyBuf::new(Space::Parked).text(source).number(aggregate).build();
    let rows = tree.scan(&Scan::prefix(&prefix, limit))?;
    Ok(rows.iter().filter_map(|(key, _)| last_number(key)).collect())
}

/// At most `limit` parked events after `after`.
pub fn parked_page(
    tree: &Tree,
    after: Option<&ParkedId>,
    limit: usize,
) -> Result<Vec<(ParkedId, ParkedRow)>, StoreError> {
    let mut scan = Scan::space(Space::Parked, limit);
    if let Some(ParkedId { source, aggregate, sequence }) = after {
        scan.from = key_after(&parked_key(source, *aggregate, *sequence));
    }
    let rows = tree.scan(&scan)?;
    let ids = rows.iter().filter_map(|(key, row)| Some((parse_key(tree, key)?, row)));
    ids.map(|(id, row)| Ok((id.clone(), decode_parked(tree, id.sequence, row)?))).collect()
}

/// Those of these events that are parked.
pub fn parked_among(
    tree: &Tree,
    ids: Vec<ParkedId>,
) -> Result<Vec<(ParkedId, ParkedRow)>, StoreError> {
    let keys: Vec<_> =
        ids.iter().map(|id| parked_key(&id.source, id.aggregate, id.sequence)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let rows = ids.into_iter().zip(tree.store.read(tree.id, &keys)?);
    rows.filter_map(|(id, row)| Some((id, row?)))
        .map(|(id, row)| Ok((id.clone(), decode_parked(tree, id.sequence, &row)?)))
        .collect()
}

/// The event that a row is about. A key that cannot be parsed is reported and skipped.
fn parse_key(tree: &Tree, key: &[u8]) -> Option<ParkedId> {
    let read = || {
        let (rest, sequence) = key.split_last_chunk::<8>()?;
        let (source, aggregate) = rest.split_last_chunk::<8>()?;
        // The key space precedes the name, an end mark follows it.
        let source =
            String::from_utf8(source.get(1..source.len().checked_sub(2)?)?.to_vec()).ok()?;
        Some(ParkedId {
            source,
            aggregate: u64::from_be_bytes(*aggregate),
            sequence: u64::from_be_bytes(*sequence),
        })
    };
    let id = read();
    if id.is_none() {
        tree.report_damage("an event set aside under a key that is none");
    }
    id
}

fn decode_parked(tree: &Tree, sequence: u64, row: &Row) -> Result<ParkedRow, StoreError> {
    codec::decode(Space::Parked, &row.record).or_else(|error| match error {
        // The key says which event it is; it is retried like the others.
        StoreError::Damaged(what) => {
            tree.report_damage(&format!("the row of the event set aside at {sequence}: {what}"));
            Ok(ParkedRow { attempts: 1, error: what })
        }
        error => Err(error),
    })
}
