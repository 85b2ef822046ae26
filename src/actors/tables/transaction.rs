//! The transaction of a turn: what it has read, and what it will write.
//!
//! Every row that is read is kept with its commit, so the batch has what it expects; every row is written once, at the
//! end, however often the turn has changed it. A transaction that is dropped changes nothing.

use super::{
    clipping::clip_words,
    counters::{Counters, counters_key, encode_counters},
    indexes::{self, Posting},
    parked::ParkedRow,
    states::state_key,
    tree::{Tree, index_entries},
    version::VERSION,
};
use crate::{
    actors::{erased::Versioned, port::changes::Change},
    domain::{Key, Undecodable},
    store::{Batch, Commit, Epoch, StoreError, codec, keys::Space},
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, btree_map::Entry};

/// The highest of some commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadCommit(pub Commit);

impl ReadCommit {
    /// Takes another commit into account.
    pub fn observe_commit(&mut self, commit: Commit) {
        self.0 = self.0.max(commit);
    }
}

/// A state that was loaded.
pub struct Loaded {
    /// The commit that wrote it; 0 if there was none.
    pub commit: Commit,
    /// What it is now.
    pub now: Versioned,
    /// What it was, and its new record, once this turn has changed it.
    changed: Option<(Versioned, Vec<u8>)>,
}

/// A chunk of an index, and the commit of its row.
struct IndexWrite {
    key: Vec<u8>,
    commit: Commit,
    posting: Posting,
}

/// Rows to put or to remove.
type Writes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

struct RowWrite {
    commit: Commit,
    write: Option<Option<Vec<u8>>>,
}

/// How many bytes of the error of a parked event are stored.
const PARKED_WORDS: usize = 1024;

/// The unit of work of one turn.
pub struct Transaction<'a> {
    tree: &'a Tree,
    generation: u32,
    /// No number above this one is in use.
    highest: u64,
    loaded: BTreeMap<u64, Loaded>,
    index_writes: BTreeMap<(&'static str, Key, u64), IndexWrite>,
    rows: BTreeMap<Vec<u8>, RowWrite>,
    /// The highest commit that it has read.
    pub read_commit: ReadCommit,
}

impl<'a> Transaction<'a> {
    /// A transaction over `tree`, where no number above `highest` is in use.
    pub fn new(tree: &'a Tree, generation: u32, highest: u64) -> Self {
        let loaded = BTreeMap::new();
        let index_writes = BTreeMap::new();
        let rows = BTreeMap::new();
        Self {
            tree,
            generation,
            highest,
            loaded,
            index_writes,
            rows,
            read_commit: ReadCommit::default(),
        }
    }

    /// The state of `number`, read once a turn.
    pub fn load_state(&mut self, number: u64) -> Result<&mut Loaded, StoreError> {
        match self.loaded.entry(number) {
            Entry::Occupied(sheet) => Ok(sheet.into_mut()),
            Entry::Vacant(place) => {
                // Most new aggregates have the next number, which needs no read.
                let read = if number > self.highest {
                    None
                } else {
                    self.tree.read_state(self.generation, number)?
                };
                let (commit, now) = match read {
                    Some(read) => read,
                    None => (
                        0,
                        Versioned {
                            version: 0,
                            saga: None,
                            owner: None,
                            state: self.tree.entity.absent_state(),
                        },
                    ),
                };
                self.read_commit.observe_commit(commit);
                Ok(place.insert(Loaded { commit, now, changed: None }))
            }
        }
    }

    /// The new state of `number`, and its record.
    pub fn set_state(
        &mut self,
        number: u64,
        now: Versioned,
        record: Vec<u8>,
    ) -> Result<(), StoreError> {
        let sheet = self.load_state(number)?;
        let was = std::mem::replace(&mut sheet.now, now);
        let before = sheet.changed.take().map_or(was, |(before, _)| before);
        sheet.changed = Some((before, record));
        Ok(())
    }

    /// The highest number in use after this turn.
    pub fn highest_number(&self) -> u64 {
        let touched = self.loaded.iter().rev().find(|(_, sheet)| sheet.changed.is_some());
        touched.map_or(self.highest, |(number, _)| self.highest.max(*number))
    }

    /// The things that this turn changes.
    pub fn changes(&self) -> Vec<Change> {
        let changed = self.loaded.iter().filter(|(_, sheet)| sheet.changed.is_some());
        let changed = changed
            .map(|(number, sheet)| Change { number: *number, owner: sheet.now.owner_of(*number) });
        changed.collect()
    }

    /// The batch is only accepted if `commit` is still the one that wrote this row: the cache holds
    /// it.
    pub fn expect(&mut self, key: Vec<u8>, commit: Commit) {
        self.rows.insert(key, RowWrite { commit, write: None });
    }

    /// A row of another key space, as of this point of the turn.
    pub fn get<T: DeserializeOwned>(
        &mut self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        self.get_versioned(space, VERSION, key)
    }

    /// The same, for a row whose current version is not 1.
    pub fn get_versioned<T: DeserializeOwned>(
        &mut self,
        space: Space,
        version: u16,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        let decode = |record: &[u8]| {
            codec::decode_versioned(space, record, version, |version, _| {
                Err(Undecodable::Version(version))
            })
        };
        if let Some(RowWrite { write: Some(write), .. }) = self.rows.get(key) {
            return write.as_ref().map(|record| decode(record)).transpose();
        }
        let row = self.tree.read_row(key)?;
        let commit = row.as_ref().map_or(0, |row| row.commit);
        self.read_commit.observe_commit(commit);
        self.rows.insert(key.to_vec(), RowWrite { commit, write: None });
        row.map(|row| decode(&row.record)).transpose()
    }

    /// Writes a row of another key space.
    pub fn put_row<T: Serialize>(
        &mut self,
        space: Space,
        key: Vec<u8>,
        value: &T,
    ) -> Result<(), StoreError> {
        self.put_versioned(space, VERSION, key, value)
    }

    /// The same, for a row whose current version is not 1.
    pub fn put_versioned<T: Serialize>(
        &mut self,
        space: Space,
        version: u16,
        key: Vec<u8>,
        value: &T,
    ) -> Result<(), StoreError> {
        let record = codec::encode(space, version, value)?;
        self.write_row(key, Some(record));
        Ok(())
    }

    /// Writes the counters.
    pub fn put_counters(&mut self, meta: &Counters) -> Result<(), StoreError> {
        self.write_row(counters_key(), Some(encode_counters(meta)?));
        Ok(())
    }

    /// Writes a record as it is.
    pub fn write_row(&mut self, key: Vec<u8>, record: Option<Vec<u8>>) {
        match self.rows.get_mut(&key) {
            Some(slot) => slot.write = Some(record),
            None => {
                drop(self.rows.insert(key, RowWrite { commit: Commit::MAX, write: Some(record) }))
            }
        }
    }

    /// Writes the row of a parked event, or removes it.
    pub fn write_parked(
        &mut self,
        key: Vec<u8>,
        row: Option<&ParkedRow>,
    ) -> Result<(), StoreError> {
        match row {
            Some(ParkedRow { attempts, error }) => {
                let error = clip_words(error, PARKED_WORDS).to_owned();
                self.put_row(Space::Parked, key, &ParkedRow { attempts: *attempts, error })
            }
            None => {
                self.remove(key);
                Ok(())
            }
        }
    }

    /// Removes a row.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.write_row(key, None);
    }

    /// Everything that this turn writes, as one batch.
    pub fn into_batch(mut self, epoch: Epoch) -> Result<Batch, StoreError> {
        let mut batch =
            Batch { tree: self.tree.id, epoch, expects: Vec::new(), writes: Vec::new() };
        for (number, sheet) in std::mem::take(&mut self.loaded) {
            let key = state_key(self.generation, number);
            if let Some((before, record)) = sheet.changed {
                let before = index_entries(&before, number);
                let now = index_entries(&sheet.now, number);
                for old in before.iter().filter(|old| !now.contains(old)) {
                    self.write_index(number, old.clone(), false, &mut batch.writes)?;
                }
                for new in now.into_iter().filter(|new| !before.contains(new)) {
                    self.write_index(number, new, true, &mut batch.writes)?;
                }
                batch.writes.push((key.clone(), Some(record)));
            }
            batch.expects.push((key, sheet.commit));
        }
        for IndexWrite { key, commit, posting } in self.index_writes.into_values() {
            batch.writes.push((key.clone(), Some(posting.encode()?)));
            // A row that was written without being read expects nothing.
            if commit != Commit::MAX {
                batch.expects.push((key, commit));
            }
        }
        for (key, slot) in self.rows {
            if slot.commit != Commit::MAX {
                batch.expects.push((key.clone(), slot.commit));
            }
            if let Some(record) = slot.write {
                batch.writes.push((key, record));
            }
        }
        Ok(batch)
    }

    /// Adds `number` to the index of a field, or removes it.
    fn write_index(
        &mut self,
        number: u64,
        (field, value): (&'static str, Key),
        insert: bool,
        writes: &mut Writes,
    ) -> Result<(), StoreError> {
        let prefix = |value: &Key| indexes::value_prefix(self.generation, field, value);
        if indexes::has_row_each(field, &value) {
            writes.push((
                prefix(&value).number(number).build(),
                Some(indexes::encode_entry(insert)?),
            ));
            return Ok(());
        }
        let (chunk, offset) = indexes::chunk_of(number);
        let listed = match self.index_writes.entry((field, value, chunk)) {
            Entry::Occupied(listed) => listed.into_mut(),
            Entry::Vacant(place) => {
                let key = prefix(&place.key().1).number(chunk).build();
                let row = self.tree.read_row(&key);
                // A row that cannot be read is overwritten, at any commit.
                let commit = row
                    .as_ref()
                    .map_or(Commit::MAX, |row| row.as_ref().map_or(0, |row| row.commit));
                let (field, value, _) = place.key();
                let posting = match row
                    .and_then(|row| row.map(|row| Posting::decode(&row.record)).transpose())
                {
                    Ok(posting) => posting.unwrap_or_default(),
                    Err(StoreError::Damaged(what)) => {
                        self.tree.report_damage(&format!(
                            "a row of the index {field} is replaced: {what}"
                        ));
                        self.tree.rebuild_index_chunk(self.generation, field, value, chunk)?
                    }
                    Err(error) => return Err(error),
                };
                place.insert(IndexWrite { key, commit, posting })
            }
        };
        if insert {
            listed.posting.insert(offset)
        } else {
            listed.posting.remove(offset)
        }
        Ok(())
    }
}
