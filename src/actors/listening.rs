//! Listening: a context takes every event of its sources, in order, each once in effect.
//!
//! A push is only a nudge that may carry the events: a listener applies its position + 1 and otherwise reads the
//! source's log. Position and effect are one batch. An event that cannot be taken is set aside with the later ones of
//! its aggregate, so that one bad thing does not stop the others, and is tried again with backoff.

use super::{
    desk::Tree,
    health::ParkedId,
    records::{Envelope, ParkedRow},
    sources::{Source, Ticket, Told, Whose},
};
use crate::{
    domain::Entity,
    store::{
        Scan, StoreError, codec,
        keys::{KeyBuf, Space, behind},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// At most so many events of one shelf a turn.
const RETRIES: usize = 64;
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(300);

/// Events of one source, pushed.
pub struct Heard<T> {
    pub ear: usize,
    pub told: Box<dyn Told<T>>,
    pub _ticket: Ticket,
}

/// Events of one source aggregate that are set aside.
struct Shelf {
    sequences: VecDeque<u64>,
    attempts: u32,
    retry_at: Instant,
}

/// One source that is listened to.
struct Ear<T> {
    source: Box<dyn Source<T>>,
    shelves: BTreeMap<u64, Shelf>,
    /// Since its log could not be read on: how often that was tried, and when to try again.
    deaf: Option<(u32, Instant)>,
}

impl<T> Ear<T> {
    fn left(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.source.latest().saturating_sub(positions.get(self.source.context()).copied().unwrap_or(0))
    }
}

/// All sources of one listener.
pub struct Ears<T> {
    ears: Vec<Ear<T>>,
}

/// How one turn changes what is known of the sources.
#[derive(Default)]
pub struct Hearing {
    /// Positions as the turn leaves them, by source.
    pub positions: BTreeMap<String, u64>,
    shelved: Vec<(usize, u64, u64)>,
    retried: Vec<(usize, u64, Option<u32>)>,
    /// Whether the log of a source could be read on.
    read: BTreeMap<usize, bool>,
    /// There is more to read than a turn takes.
    pub more: bool,
}

/// A turn that listens.
pub trait Listener<T> {
    /// What it knows of its sources so far.
    fn hearing(&mut self) -> &mut Hearing;
    /// Takes one event's consequence for one of its things, or says why it cannot.
    fn take(
        &mut self,
        source: &'static str,
        envelope: &Envelope,
        whose: Whose,
        what: T,
    ) -> Result<Result<(), String>, StoreError>;
    /// Something that is to be listened to is damaged.
    fn damaged(&mut self, what: &str);
    /// Writes the row of a parked event, or takes it away.
    fn park(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError>;
}

impl Hearing {
    /// A turn that begins at these positions.
    pub fn from(positions: &BTreeMap<String, u64>) -> Self {
        Self { positions: positions.clone(), ..Self::default() }
    }
    fn has_dealt_with(&self, ear: usize, aggregate: u64) -> bool {
        self.retried.iter().any(|(place, of, _)| (*place, *of) == (ear, aggregate))
    }
    /// How far `source` has been heard.
    pub fn position(&self, source: &str) -> u64 {
        self.positions.get(source).copied().unwrap_or(0)
    }
}

impl<T> Ears<T> {
    pub fn new(sources: Vec<Box<dyn Source<T>>>) -> Self {
        Self { ears: sources.into_iter().map(|source| Ear { source, shelves: BTreeMap::new(), deaf: None }).collect() }
    }

    /// Finds what was set aside.
    pub fn reload<E: Entity>(&mut self, tree: &Tree<E>) -> Result<(), StoreError> {
        for ear in &mut self.ears {
            ear.shelves.clear();
            for (_, aggregate, sequence, row) in parked_rows(tree, Some(ear.source.context()))? {
                let shelf = ear.shelves.entry(aggregate).or_insert_with(|| Shelf::new(row.attempts));
                shelf.sequences.push_back(sequence);
            }
        }
        Ok(())
    }

    /// Nothing is set aside any more.
    pub fn forget(&mut self) {
        self.ears.iter_mut().for_each(|ear| ear.shelves.clear());
    }

    pub fn parked(&self) -> u64 {
        self.ears.iter().flat_map(|ear| ear.shelves.values()).map(|shelf| shelf.sequences.len() as u64).sum()
    }

    /// How many events of the sources have not been taken.
    pub fn backlog(&self, positions: &BTreeMap<String, u64>) -> u64 {
        self.ears.iter().map(|ear| ear.left(positions)).sum()
    }

    /// When there is something to do that no mail tells of: a shelf is due, or a push found no room and no later one
    /// is on its way.
    pub fn wakes_in(&self, positions: &BTreeMap<String, u64>) -> Option<Duration> {
        // In this order: a push that is turned away has moved the latest sequence before.
        let missed = |ear: &&Ear<T>| ear.source.is_quiet() && ear.left(positions) > 0;
        let now = Instant::now();
        let missed = self.ears.iter().filter(missed).map(|ear| ear.deaf.map_or(now, |(_, retry_at)| retry_at));
        let shelves = self.ears.iter().flat_map(|ear| ear.shelves.values()).map(|shelf| shelf.retry_at);
        Some(missed.chain(shelves).min()?.saturating_duration_since(now))
    }

    /// Takes what was pushed.
    pub fn hear(&self, work: &mut impl Listener<T>, heard: &Heard<T>) -> Result<(), StoreError> {
        let Some(ear) = self.ears.get(heard.ear) else { return Ok(()) };
        let position = work.hearing().position(ear.source.context());
        match heard.told.envelope(0) {
            Some(first) if first.sequence <= position + 1 => self.listen(work, heard.ear, heard.told.as_ref()),
            _ => self.catch_up(work, heard.ear),
        }
    }

    /// Reads on in the logs of all sources.
    pub fn catch_up_all(&self, work: &mut impl Listener<T>) -> Result<(), StoreError> {
        (0..self.ears.len()).try_for_each(|ear| self.catch_up(work, ear))
    }

    fn catch_up(&self, work: &mut impl Listener<T>, place: usize) -> Result<(), StoreError> {
        let Some(ear) = self.ears.get(place) else { return Ok(()) };
        let (source, latest) = (ear.source.context(), ear.source.latest());
        let position = work.hearing().position(source);
        if latest <= position || ear.deaf.is_some_and(|(_, retry_at)| retry_at > Instant::now()) {
            return Ok(());
        }
        let told = match ear.source.read(position + 1) {
            Ok(told) => told,
            // It listens to the others; to this one again once it can be read.
            Err(StoreError::Damaged(what)) => {
                work.damaged(&what);
                work.hearing().read.insert(place, false);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.listen(work, place, told.as_ref())?;
        let reached = work.hearing().position(source);
        if reached == position {
            work.damaged(&format!("the log of {source} ends before {latest}, at {position}"));
        }
        work.hearing().read.insert(place, reached > position);
        work.hearing().more |= latest > reached && reached > position;
        Ok(())
    }

    fn listen(&self, work: &mut impl Listener<T>, place: usize, told: &dyn Told<T>) -> Result<(), StoreError> {
        let Some(ear) = self.ears.get(place) else { return Ok(()) };
        let source = ear.source.context();
        let mut position = work.hearing().position(source);
        for index in 0.. {
            let Some(envelope) = told.envelope(index) else { break };
            if envelope.sequence <= position {
                continue;
            }
            let behind_another = ear.shelves.contains_key(&envelope.aggregate)
                || work
                    .hearing()
                    .shelved
                    .iter()
                    .any(|(ear, aggregate, _)| (*ear, *aggregate) == (place, envelope.aggregate));
            let taken = match behind_another {
                true => Err("it waits behind an earlier event of its aggregate".to_owned()),
                false => take_one(work, source, told, index)?,
            };
            if let Err(error) = taken {
                tracing::warn!(source, sequence = envelope.sequence, error, "an event is set aside");
                let key = parked_key(source, envelope.aggregate, envelope.sequence);
                work.park(key, Some(ParkedRow { attempts: u32::from(!behind_another), error }))?;
                work.hearing().shelved.push((place, envelope.aggregate, envelope.sequence));
            }
            position = envelope.sequence;
        }
        work.hearing().positions.insert(source.to_owned(), position);
        Ok(())
    }

    /// Tries the shelves again that are due, or that one in any case. Says whether there were any. A shelf that this
    /// turn has dealt with already is as it was in memory, so it is left alone.
    pub fn retry(&self, work: &mut impl Listener<T>, wanted: Option<(&str, u64)>) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut found = false;
        for (place, ear) in self.ears.iter().enumerate() {
            let source = ear.source.context();
            for (aggregate, shelf) in &ear.shelves {
                let due = match wanted {
                    Some(wanted) => wanted == (source, *aggregate),
                    None => shelf.retry_at <= now,
                };
                found |= due;
                if !due || work.hearing().has_dealt_with(place, *aggregate) {
                    continue;
                }
                let mut failed = None;
                for sequence in shelf.sequences.iter().take(RETRIES) {
                    let key = parked_key(source, *aggregate, *sequence);
                    let taken = match ear.source.read(*sequence) {
                        Ok(told) if told.envelope(0).is_some_and(|envelope| envelope.sequence == *sequence) => {
                            take_one(work, source, told.as_ref(), 0)?
                        }
                        Ok(_) => Err("the source's log does not hold it".to_owned()),
                        Err(StoreError::Damaged(what)) => {
                            work.damaged(&what);
                            Err(what)
                        }
                        Err(error) => return Err(error),
                    };
                    if let Err(error) = taken {
                        let attempts = shelf.attempts.saturating_add(1);
                        work.park(key, Some(ParkedRow { attempts, error }))?;
                        failed = Some(attempts);
                        break;
                    }
                    work.park(key, None)?;
                    work.hearing().retried.push((place, *aggregate, None));
                }
                if failed.is_some() {
                    work.hearing().retried.push((place, *aggregate, failed));
                }
            }
        }
        Ok(found)
    }

    /// Gives up on a parked event. Says whether there was one.
    pub fn drop_parked(&self, work: &mut impl Listener<T>, parked: &ParkedId) -> Result<bool, StoreError> {
        let ParkedId { source, aggregate, sequence } = parked;
        let Some(place) = self.ears.iter().position(|ear| ear.source.context() == source) else { return Ok(false) };
        let shelf = self.ears.get(place).and_then(|ear| ear.shelves.get(aggregate));
        // Only the first of a shelf: those behind it wait for it to be dealt with.
        if shelf.and_then(|shelf| shelf.sequences.front()) != Some(sequence) {
            return Ok(false);
        }
        if work.hearing().has_dealt_with(place, *aggregate) {
            return Ok(false);
        }
        work.park(parked_key(source, *aggregate, *sequence), None)?;
        work.hearing().retried.push((place, *aggregate, None));
        Ok(true)
    }

    /// The turn stands.
    pub fn remember(&mut self, hearing: &Hearing) {
        for (place, read) in &hearing.read {
            let Some(ear) = self.ears.get_mut(*place) else { continue };
            let times = ear.deaf.map_or(1, |(times, _)| times.saturating_add(1));
            ear.deaf = (!read).then(|| (times, Instant::now() + backoff(times)));
        }
        for (place, aggregate, failed) in &hearing.retried {
            let Some(ear) = self.ears.get_mut(*place) else { continue };
            let Some(shelf) = ear.shelves.get_mut(aggregate) else { continue };
            match failed {
                Some(attempts) => {
                    *shelf = Shelf { sequences: std::mem::take(&mut shelf.sequences), ..Shelf::new(*attempts) }
                }
                None => drop(shelf.sequences.pop_front()),
            }
            if shelf.sequences.is_empty() {
                ear.shelves.remove(aggregate);
            }
        }
        for (place, aggregate, sequence) in &hearing.shelved {
            if let Some(ear) = self.ears.get_mut(*place) {
                ear.shelves.entry(*aggregate).or_insert_with(|| Shelf::new(1)).sequences.push_back(*sequence);
            }
        }
    }
}

impl Shelf {
    fn new(attempts: u32) -> Self {
        Self { sequences: VecDeque::new(), attempts, retry_at: Instant::now() + backoff(attempts) }
    }
}

fn backoff(attempts: u32) -> Duration {
    SHORTEST.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(LONGEST)
}

fn take_one<T>(
    work: &mut impl Listener<T>,
    source: &'static str,
    told: &dyn Told<T>,
    index: usize,
) -> Result<Result<(), String>, StoreError> {
    let Some(envelope) = told.envelope(index) else { return Ok(Ok(())) };
    match catch_unwind(AssertUnwindSafe(|| told.react(index))) {
        Ok(None) => Ok(Ok(())),
        Ok(Some((whose, what))) => work.take(source, envelope, whose, what),
        Err(_) => Ok(Err("the policy panicked".to_owned())),
    }
}

pub(super) fn parked_key(source: &str, aggregate: u64, sequence: u64) -> Vec<u8> {
    KeyBuf::new(Space::Parked).text(source).number(aggregate).number(sequence).build()
}

/// What is set aside in `tree`: source, aggregate, sequence, row.
pub fn parked_rows<E: Entity>(
    tree: &Tree<E>,
    of: Option<&str>,
) -> Result<Vec<(String, u64, u64, ParkedRow)>, StoreError> {
    let prefix = of.map_or(KeyBuf::new(Space::Parked), |source| KeyBuf::new(Space::Parked).text(source)).build();
    let mut scan = Scan { to: behind(&prefix), from: prefix, backwards: false, limit: 1024 };
    let mut found = Vec::new();
    loop {
        let rows = tree.scan(&scan)?;
        for (key, row) in &rows {
            let damaged = || StoreError::Damaged("a parked event under a key that is none".into());
            let (rest, sequence) = key.split_last_chunk::<8>().ok_or_else(damaged)?;
            let (source, aggregate) = rest.split_last_chunk::<8>().ok_or_else(damaged)?;
            // The key space in front of the name, the end mark behind it.
            let source = source.get(1..source.len().saturating_sub(2)).ok_or_else(damaged)?;
            let source = String::from_utf8(source.to_vec()).map_err(|_| damaged())?;
            let row = codec::decode(Space::Parked, &row.record).or_else(|error| match error {
                // Which event it is, its key says; it is tried again as the others are.
                StoreError::Damaged(what) => {
                    tree.report_damage(&format!(
                        "the row of an event set aside, {source} {}: {what}",
                        u64::from_be_bytes(*sequence)
                    ));
                    Ok(ParkedRow { attempts: 1, error: what })
                }
                error => Err(error),
            })?;
            found.push((source, u64::from_be_bytes(*aggregate), u64::from_be_bytes(*sequence), row));
        }
        match rows.last() {
            Some((last, _)) if rows.len() == scan.limit => scan.from = [last.as_slice(), &[0]].concat(),
            _ => return Ok(found),
        }
    }
}
