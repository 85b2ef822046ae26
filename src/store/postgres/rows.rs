//! Rows of a tree in memory: those that are accepted and not written, and a bounded part of the rest.
//!
//! Only the holder of the lease writes a tree, so what it has in memory is never stale. Of a small tree everything is in
//! memory. Of a larger one the rows with the highest keys of each key space are, where orders, events and timers are added;
//! that a key among those is missing is known without asking the database. Single rows before them are kept as they are
//! read, in two generations.

use crate::{
    store::{Commit, Row, Scan, keys::prefix_end},
    sync,
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::RwLock,
};

/// How many single rows one generation holds.
const SINGLE_ROWS: usize = 2048;
/// What a row takes beside its key and record.
const OVERHEAD: usize = 120;

/// A key and its row.
type KeyedRow = (Vec<u8>, Row);

#[derive(Debug, Clone)]
struct KeptRow {
    commit: Commit,
    /// `None`: it was removed.
    record: Option<Vec<u8>>,
    is_written: bool,
}

impl KeptRow {
    fn row(&self) -> Option<Row> {
        let record = self.record.clone()?;
        Some(Row { commit: self.commit, record })
    }
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// The row, or that there is none.
    Row(Option<Row>),
    /// The database has to be asked.
    Nothing,
}

/// What memory knows of a range.
pub enum KnownRange {
    /// All of its rows, up to the limit.
    All(Vec<KeyedRow>),
    /// What has to be laid over the rows of the database.
    Part(Overlay),
}

/// Rows that go over those of the database, as of one moment.
pub struct Overlay {
    rows: Vec<(Vec<u8>, Option<Row>)>,
    /// How many batches the tree had taken.
    pub batches: u64,
}

#[derive(Debug, Default)]
struct Contents {
    rows: BTreeMap<Vec<u8>, KeptRow>,
    /// From which key on all rows of a key space are in memory, by its first byte.
    complete_from: BTreeMap<u8, Vec<u8>>,
    single: HashMap<Vec<u8>, Option<Row>>,
    older_single: HashMap<Vec<u8>, Option<Row>>,
    /// Batches taken.
    batches: u64,
    /// Batches taken and groups written.
    changes: u64,
    bytes: usize,
}

/// Rows of a tree in memory.
#[derive(Debug, Default)]
pub struct Rows(RwLock<Contents>);

fn size_of_row(key: &[u8], row: &KeptRow) -> usize {
    key.len() + row.record.as_ref().map_or(0, Vec::len) + OVERHEAD
}

impl Contents {
    fn insert(&mut self, key: Vec<u8>, row: KeptRow) {
        self.bytes += size_of_row(&key, &row);
        let len = key.len();
        if let Some(old) = self.rows.insert(key, row) {
            self.bytes -= len + old.record.as_ref().map_or(0, Vec::len) + OVERHEAD;
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<KeptRow> {
        let row = self.rows.remove(key)?;
        self.bytes -= size_of_row(key, &row);
        Some(row)
    }

    fn is_complete_at(&self, key: &[u8]) -> bool {
        let space = key.first().and_then(|space| self.complete_from.get(space));
        space.is_some_and(|from| from.as_slice() <= key)
    }

    fn is_complete_in(&self, scan: &Scan) -> bool {
        let (Some(first), Some(end)) = (scan.from.first(), scan.to.first()) else { return false };
        let last = if scan.to.len() == 1 { end.checked_sub(1) } else { Some(*end) };
        let Some(last) = last else { return false };
        let later = (*first..=last).skip(1);
        self.is_complete_at(&scan.from)
            && later.into_iter().all(|space| self.is_complete_at(&[space]))
    }

    fn known(&self, key: &[u8]) -> Known {
        if let Some(kept) = self.rows.get(key) {
            return Known::Row(kept.row());
        }
        if self.is_complete_at(key) {
            return Known::Row(None);
        }
        let single = self.single.get(key).or_else(|| self.older_single.get(key));
        single.map_or(Known::Nothing, |row| Known::Row(row.clone()))
    }

    fn keep_single(&mut self, key: Vec<u8>, row: Option<Row>) {
        if self.single.len() >= SINGLE_ROWS {
            self.older_single = std::mem::take(&mut self.single);
        }
        self.single.insert(key, row);
    }

    /// The rows in memory in a range, from its beginning on, until `limit` of them are there; removed ones too.
    fn part_of(&self, scan: &Scan) -> Vec<(Vec<u8>, Option<Row>)> {
        let bounds = (Bound::Included(scan.from.as_slice()), Bound::Excluded(scan.to.as_slice()));
        let range = self.rows.range::<[u8], _>(bounds);
        let mut found = 0;
        let mut take = |(key, kept): (&Vec<u8>, &KeptRow)| {
            if found == scan.limit {
                return None;
            }
            let row = kept.row();
            found += usize::from(row.is_some());
            Some((key.clone(), row))
        };
        if scan.backwards {
            range.rev().map_while(&mut take).collect()
        } else {
            range.map_while(&mut take).collect()
        }
    }
}

impl Rows {
    /// What is known of each of these keys, and the count of changes as of which that is so.
    pub fn known(&self, keys: &[&[u8]]) -> (Vec<Known>, u64) {
        let contents = sync::read(&self.0);
        (keys.iter().map(|key| contents.known(key)).collect(), contents.changes)
    }

    /// What is known of a range.
    pub fn known_range(&self, scan: &Scan) -> KnownRange {
        let contents = sync::read(&self.0);
        let rows = contents.part_of(scan);
        if contents.is_complete_in(scan) {
            return KnownRange::All(
                rows.into_iter().filter_map(|(key, row)| Some((key, row?))).collect(),
            );
        }
        KnownRange::Part(Overlay { rows, batches: contents.batches })
    }

    /// Whether no batch was taken since `overlay` was.
    pub fn is_as_of(&self, overlay: &Overlay) -> bool {
        sync::read(&self.0).batches == overlay.batches
    }

    /// Calls `read` while no batch is taken.
    pub fn hold<T>(&self, scan: &Scan, read: impl FnOnce(Overlay) -> T) -> T {
        let contents = sync::read(&self.0);
        read(Overlay { rows: contents.part_of(scan), batches: contents.batches })
    }

    /// Takes what a batch writes.
    pub fn apply_writes(&self, commit: Commit, writes: &[(Vec<u8>, Option<Vec<u8>>)]) {
        let mut contents = sync::write(&self.0);
        contents.batches += 1;
        contents.changes += 1;
        for (key, record) in writes {
            contents.single.remove(key);
            contents.older_single.remove(key);
            let row = KeptRow { commit, record: record.clone(), is_written: false };
            contents.insert(key.clone(), row);
        }
    }

    /// Rows are in the database now, as these commits wrote them.
    pub fn mark_written(&self, keys: &[(Vec<u8>, Commit)]) {
        let mut contents = sync::write(&self.0);
        contents.changes += 1;
        for (key, commit) in keys {
            let Some(row) = contents.rows.get_mut(key).filter(|row| row.commit == *commit) else {
                continue;
            };
            row.is_written = true;
            let is_removed = row.record.is_none();
            if contents.is_complete_at(key) {
                if is_removed {
                    contents.remove(key);
                }
            } else if let Some(row) = contents.remove(key) {
                contents.keep_single(key.clone(), row.row());
            }
        }
    }

    /// Keeps rows that were read one by one, unless something has changed since `changes`.
    pub fn keep_single(&self, rows: &[(&[u8], Option<Row>)], changes: u64) -> bool {
        let mut contents = sync::write(&self.0);
        if contents.changes != changes {
            return false;
        }
        for (key, row) in rows {
            contents.keep_single(key.to_vec(), row.clone());
        }
        true
    }

    /// The count of changes, for [`Rows::keep_from`].
    pub fn changes(&self) -> u64 {
        sync::read(&self.0).changes
    }

    /// Whether some key space has been loaded.
    pub fn is_loaded(&self) -> bool {
        !sync::read(&self.0).complete_from.is_empty()
    }

    /// Keeps `rows`, which are all of key spaces from some key on, unless something has changed since `changes`.
    pub fn keep_from(
        &self,
        rows: Vec<KeyedRow>,
        complete_from: BTreeMap<u8, Vec<u8>>,
        changes: u64,
    ) -> bool {
        let mut contents = sync::write(&self.0);
        if contents.changes != changes {
            return false;
        }
        for (key, Row { commit, record }) in rows {
            let is_kept = contents.rows.contains_key(&key);
            let is_complete = key
                .first()
                .and_then(|space| complete_from.get(space))
                .is_some_and(|from| *from <= key);
            if is_complete && !is_kept {
                contents.insert(key, KeptRow { commit, record: Some(record), is_written: true });
            }
        }
        contents.complete_from = complete_from;
        contents.single.clear();
        contents.older_single.clear();
        true
    }

    /// How many bytes the rows take.
    pub fn bytes(&self) -> usize {
        sync::read(&self.0).bytes
    }

    /// Lets go of the first half of the rows of the largest key space, as far as they are written.
    pub fn trim(&self) {
        let mut contents = sync::write(&self.0);
        let mut largest = None;
        for (space, from) in &contents.complete_from {
            let count = contents.rows.range(from.clone()..prefix_end(&[*space])).count();
            if largest.is_none_or(|(_, most)| count > most) {
                largest = Some((*space, count));
            }
        }
        let Some((space, count)) = largest.filter(|(_, count)| *count > 1) else { return };
        let Some(from) = contents.complete_from.get(&space).cloned() else { return };
        let range = contents.rows.range(from..prefix_end(&[space]));
        let keys: Vec<Vec<u8>> = range.take(count / 2 + 1).map(|(key, _)| key.clone()).collect();
        let Some((from, before)) = keys.split_last() else { return };
        for key in before {
            if contents.rows.get(key).is_some_and(|row| row.is_written) {
                contents.remove(key);
            }
        }
        contents.complete_from.insert(space, from.clone());
    }
}

impl Overlay {
    /// How many rows of the database it may hide.
    pub fn removed(&self) -> usize {
        self.rows.iter().filter(|(_, row)| row.is_none()).count()
    }

    /// Lays it over rows of the database, which are in the order of the scan.
    pub fn lay_over(self, database: Vec<KeyedRow>, scan: &Scan) -> Vec<KeyedRow> {
        let mut rows: BTreeMap<Vec<u8>, Option<Row>> =
            database.into_iter().map(|(key, row)| (key, Some(row))).collect();
        rows.extend(self.rows);
        let all = rows.into_iter().filter_map(|(key, row)| Some((key, row?)));
        if scan.backwards {
            let mut all: Vec<_> = all.collect();
            all.reverse();
            all.truncate(scan.limit);
            all
        } else {
            all.take(scan.limit).collect()
        }
    }
}
