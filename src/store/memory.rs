//! The in-memory adapter, for tests and demonstrations: it conflicts, hesitates, fails and crashes on demand.

use super::{
    Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, Row, Scan, Store, StoreError,
    StoreHealth, TreeId, codec::MAX_RECORD, durability::Durability,
};
use crate::sync;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex},
};
use tokio::{runtime::Handle, sync::oneshot};

/// A store in memory. Clones are handles of the same one.
///
/// Commits are durable at once, unless durability is [held](MemoryStore::hold_durability).
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<MemoryState>);

#[derive(Debug)]
struct MemoryState {
    state: Mutex<Contents>,
    durability: Durability,
}

#[derive(Debug, Default)]
struct Contents {
    trees: Vec<MemoryTree>,
    accepted: Commit,
    durable: Commit,
    held: bool,
    pending: bool,
    full: bool,
    lossy: bool,
    syncs: u64,
    refusal: Option<StoreError>,
    /// After which commits nothing more becomes durable, and nothing more is accepted.
    crash_after: Option<(Commit, Commit)>,
    /// The row before each write that is not durable, for a crash to restore.
    before: Vec<(Commit, usize, Vec<u8>, Option<Row>)>,
}

#[derive(Debug, Default)]
struct MemoryTree {
    name: String,
    rows: BTreeMap<Vec<u8>, Row>,
    /// Keys of rows that cannot be read.
    lost: BTreeSet<Vec<u8>>,
    epoch: u64,
    conflicts: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_contents(Contents::default())
    }

    fn with_contents(state: Contents) -> Self {
        let durability = Durability::new(state.accepted);
        Self(Arc::new(MemoryState { state: Mutex::new(state), durability }))
    }

    /// From now on nothing becomes durable.
    pub fn hold_durability(&self) {
        sync::lock(&self.0.state).held = true;
    }

    /// What has been accepted becomes durable, and so does at once what follows.
    pub fn release_durability(&self) {
        let accepted = {
            let mut state = sync::lock(&self.0.state);
            state.held = false;
            state.make_durable()
        };
        self.0.durability.advance_to(accepted);
    }

    /// The next `times` batches for the tree called `name`, which has been opened, conflict.
    pub fn conflict_next(&self, name: &str, times: usize) {
        if let Some(tree) =
            sync::lock(&self.0.state).trees.iter_mut().find(|tree| tree.name == name)
        {
            tree.conflicts = times;
        }
    }

    /// Whether batches are decided elsewhere and later, as a shared database does: [`CommitVerdict::Pending`].
    pub fn pending_mode(&self, on: bool) {
        sync::lock(&self.0.state).pending = on;
    }

    /// Whether the disk is full: see [`Store::is_full`].
    pub fn set_full(&self, full: bool) {
        sync::lock(&self.0.state).full = full;
    }

    /// Whether it goes away, in [pending mode](Self::pending_mode), after it has decided and before its
    /// verdict is known.
    pub fn lose_verdicts(&self, on: bool) {
        sync::lock(&self.0.state).lossy = on;
    }

    /// The process is about to end: commits after `durable` are accepted only, and nothing is taken after `accepted`.
    pub fn crash_after(&self, durable: Commit, accepted: Commit) {
        sync::lock(&self.0.state).crash_after = Some((durable, accepted));
    }

    /// The rows of the tree called `name`, as they are by now: their keys and records.
    pub fn rows_of(&self, name: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let state = sync::lock(&self.0.state);
        let rows = state.trees.iter().filter(|tree| tree.name == name).flat_map(|tree| &tree.rows);
        rows.map(|(key, row)| (key.clone(), row.record.clone())).collect()
    }

    /// A row of the tree called `name` is replaced by `record`, or removed, without the store's knowledge.
    pub fn damage_row(&self, name: &str, key: &[u8], record: Option<Vec<u8>>) {
        if let Some(tree) =
            sync::lock(&self.0.state).trees.iter_mut().find(|tree| tree.name == name)
        {
            match record {
                Some(record) => {
                    tree.rows
                        .entry(key.to_vec())
                        .or_insert(Row { commit: 1, record: Vec::new() })
                        .record = record
                }
                None => drop(tree.rows.remove(key)),
            }
        }
    }

    /// A row of the tree called `name` cannot be read until it is written again.
    pub fn lose_row(&self, name: &str, key: &[u8]) {
        if let Some(tree) =
            sync::lock(&self.0.state).trees.iter_mut().find(|tree| tree.name == name)
        {
            tree.lost.insert(key.to_vec());
        }
    }

    /// The disk fails: all who wait get the error, and nothing more is taken.
    pub fn fail_now(&self) {
        self.end_with("the disk failed, as asked");
    }

    /// The process ends here. Gives the store as the next one finds it, with nothing that was not durable; this one and
    /// its clones have failed.
    #[must_use]
    pub fn crash(&self) -> Self {
        let durable = sync::lock(&self.0.state).durable;
        self.crash_keeping(durable)
    }

    /// The same, but everything up to `kept` is left: of what was not known to be durable, some may have been.
    #[must_use]
    pub fn crash_keeping(&self, kept: Commit) -> Self {
        self.end_with("the process has ended");
        let Contents { trees: mut left, before, accepted, .. } = {
            let mut state = sync::lock(&self.0.state);
            let refusal = state.refusal.clone();
            std::mem::replace(&mut *state, Contents { refusal, ..Contents::default() })
        };
        let kept = kept.min(accepted);
        let lost = before.into_iter().rev().take_while(|(commit, ..)| *commit > kept);
        for (_, tree, key, row) in lost {
            let Some(tree) = left.get_mut(tree) else { continue };
            match row {
                Some(row) => tree.rows.insert(key, row),
                None => tree.rows.remove(&key),
            };
        }
        left.iter_mut().for_each(|tree| tree.conflicts = 0);
        Self::with_contents(Contents {
            trees: left,
            accepted: kept,
            durable: kept,
            ..Contents::default()
        })
    }

    fn end_with(&self, why: &str) {
        let error = StoreError::Failed(why.into());
        sync::lock(&self.0.state).refusal.get_or_insert(error.clone());
        self.0.durability.fail_with(error);
    }
}

impl MemoryState {
    fn decide(&self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        let (verdict, durable, ended) = {
            let mut state = sync::lock(&self.state);
            let verdict = state.decide(batch)?;
            let accepted = state.accepted;
            state.held |= state.crash_after.is_some_and(|(durable, _)| accepted > durable);
            let durable = (!state.held).then(|| state.make_durable());
            let ended = state.crash_after.is_some_and(|(_, last)| accepted >= last);
            let ended = ended.then(|| StoreError::Failed("the process is ending".into()));
            state.refusal = state.refusal.take().or_else(|| ended.clone());
            (verdict, durable, ended)
        };
        if let Some(durable) = durable {
            self.durability.advance_to(durable);
        }
        if let Some(error) = ended {
            self.durability.fail_with(error);
        }
        Ok(verdict)
    }
}

impl MemoryTree {
    fn check_readable(&self, key: &[u8]) -> Result<(), StoreError> {
        if self.lost.contains(key) {
            Err(StoreError::Damaged(format!(
                "`{}` lies where nothing can be read",
                key.escape_ascii()
            )))
        } else {
            Ok(())
        }
    }
}

impl Contents {
    fn find_tree(&self, tree: TreeId) -> Result<&MemoryTree, StoreError> {
        if let (Some(refusal), true) = (&self.refusal, self.trees.is_empty()) {
            return Err(refusal.clone());
        }
        self.trees
            .get(tree.0 as usize)
            .ok_or_else(|| StoreError::Invalid("this tree was never opened".into()))
    }

    fn tree_mut(&mut self, tree: TreeId) -> Result<&mut MemoryTree, StoreError> {
        self.find_tree(tree)?;
        self.trees.get_mut(tree.0 as usize).ok_or(StoreError::Superseded)
    }

    /// What is wrong with a batch, independent of the rows.
    fn validate_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let tree = self.find_tree(batch.tree)?;
        if let Some(len) =
            batch.writes.iter().filter_map(|(_, record)| Some(record.as_ref()?.len())).max()
            && len > MAX_RECORD
        {
            return Err(StoreError::Invalid(format!(
                "a record of {len} bytes is over the limit of {MAX_RECORD}"
            )));
        }
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if tree.epoch == batch.epoch.0 { Ok(()) } else { Err(StoreError::Superseded) }
    }

    fn decide(&mut self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        self.validate_batch(&batch)?;
        let commit = self.accepted + 1;
        let tree = self.tree_mut(batch.tree)?;
        if tree.conflicts > 0 {
            tree.conflicts -= 1;
            return Ok(CommitVerdict::Conflict);
        }
        let now = |key: &Vec<u8>| tree.rows.get(key).map_or(0, |row| row.commit);
        if batch.expects.iter().any(|(key, expected)| now(key) != *expected) {
            return Ok(CommitVerdict::Conflict);
        }
        let mut before = Vec::with_capacity(batch.writes.len());
        for (key, record) in batch.writes {
            tree.lost.remove(&key);
            let old = match record {
                Some(record) => tree.rows.insert(key.clone(), Row { commit, record }),
                None => tree.rows.remove(&key),
            };
            before.push((commit, batch.tree.0 as usize, key, old));
        }
        self.before.extend(before);
        self.accepted = commit;
        Ok(CommitVerdict::Accepted(commit))
    }

    fn make_durable(&mut self) -> Commit {
        if !self.before.is_empty() {
            self.syncs += 1;
        }
        self.before.clear();
        self.durable = self.accepted;
        self.accepted
    }
}

impl Store for MemoryStore {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        let mut state = sync::lock(&self.0.state);
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        let place = state.trees.iter().position(|tree| tree.name == name).unwrap_or_else(|| {
            state.trees.push(MemoryTree { name: name.into(), ..MemoryTree::default() });
            state.trees.len() - 1
        });
        Ok(TreeId(place as u32))
    }

    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        let mut state = sync::lock(&self.0.state);
        let tree = state.tree_mut(tree)?;
        tree.epoch += 1;
        Ok(Epoch(tree.epoch))
    }

    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        let state = sync::lock(&self.0.state);
        let tree = state.find_tree(tree)?;
        keys.iter()
            .map(|key| tree.check_readable(key).map(|()| tree.rows.get(*key).cloned()))
            .collect()
    }

    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let state = sync::lock(&self.0.state);
        let tree = state.find_tree(tree)?;
        if scan.from >= scan.to {
            return Ok(Vec::new());
        }
        let range = tree.rows.range::<[u8], _>((
            Bound::Included(scan.from.as_slice()),
            Bound::Excluded(scan.to.as_slice()),
        ));
        let owned = |(key, row): (&Vec<u8>, &Row)| {
            tree.check_readable(key).map(|()| (key.clone(), row.clone()))
        };
        if scan.backwards {
            range.rev().take(scan.limit).map(owned).collect()
        } else {
            range.take(scan.limit).map(owned).collect()
        }
    }

    fn submit(&self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        let pending = {
            let state = sync::lock(&self.0.state);
            state.validate_batch(&batch)?;
            state.pending
        };
        if !pending {
            return self.0.decide(batch);
        }
        let (word, verdict) = oneshot::channel();
        let shared = self.0.clone();
        let decide = move || {
            let verdict = shared.decide(batch);
            if !sync::lock(&shared.state).lossy {
                let _ = word.send(verdict);
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { decide() })),
            Err(_) => decide(),
        }
        Ok(CommitVerdict::Pending(verdict))
    }

    fn durable_commit(&self) -> Commit {
        self.0.durability.durable_commit()
    }

    fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        self.0.durability.on_durable(commit, callback);
    }

    fn is_full(&self) -> bool {
        sync::lock(&self.0.state).full
    }

    fn health(&self) -> StoreHealth {
        let state = sync::lock(&self.0.state);
        StoreHealth {
            failed: self.0.durability.failure().map(|error| error.to_string()),
            accepted_commit: state.accepted,
            durable_commit: self.durable_commit(),
            syncs: state.syncs,
            full: state.full,
            ..StoreHealth::default()
        }
    }
}
