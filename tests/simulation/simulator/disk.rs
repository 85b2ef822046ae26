//! The disk of a node: what is accepted is in memory, and the schedule decides what of it is durable.

use super::{conditions::Conditions, mitigation::Mitigation};
use holdfast::store::{
    Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, MemoryStore, Row, Scan, Store,
    StoreError, StoreHealth, TreeId, keys::Space,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
struct Progress {
    durable: Commit,
    waiting: BTreeMap<Commit, Vec<DurabilityCallback>>,
    trees: Vec<String>,
    has_ended: bool,
}

/// The disk under one life of a process.
pub struct Disk {
    memory: MemoryStore,
    conditions: Conditions,
    progress: Mutex<Progress>,
    off: Option<Mitigation>,
}

/// Rows of these are never there, where what they are for is left out.
fn forgotten(off: Option<Mitigation>) -> Option<Space> {
    match off? {
        Mitigation::CheckClaims => Some(Space::Claim),
        Mitigation::KeepKeys => Some(Space::Idempotency),
        _ => None,
    }
}

/// Rows of these do not outlive a process, where what they are for is left out.
fn volatile(off: Option<Mitigation>) -> Option<Space> {
    match off? {
        Mitigation::KeepTimers => Some(Space::Timer),
        Mitigation::KeepQuestions => Some(Space::Question),
        Mitigation::KeepNumbers => Some(Space::Meta),
        _ => None,
    }
}

fn is_in(space: Option<Space>, key: &[u8]) -> bool {
    space.is_some_and(|space| key.first() == Some(&(space as u8)))
}

impl Disk {
    /// An empty one.
    pub fn new(conditions: Conditions, off: Option<Mitigation>) -> Self {
        Self::of(MemoryStore::new(), 0, conditions, off)
    }

    fn of(
        memory: MemoryStore,
        durable: Commit,
        conditions: Conditions,
        off: Option<Mitigation>,
    ) -> Self {
        memory.hold_durability();
        let progress = Mutex::new(Progress { durable, ..Progress::default() });
        Self { memory, conditions, progress, off }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn accepted(&self) -> Commit {
        self.memory.accepted_commit()
    }
    pub fn durable(&self) -> Commit {
        self.progress().durable
    }

    /// Everything up to `commit` becomes durable, and what waited for it is released.
    pub fn sync(&self, commit: Commit) {
        let released = {
            let mut progress = self.progress();
            let durable = progress.durable.max(commit);
            progress.durable = durable;
            let later = progress.waiting.split_off(&(durable + 1));
            std::mem::replace(&mut progress.waiting, later)
        };
        released.into_values().flatten().for_each(|callback| callback(Ok(())));
    }

    /// The process ends. What the next one finds: all up to `commit`, and nothing after it.
    pub fn end(&self, commit: Commit) -> Self {
        let (waiting, trees) = {
            let mut progress = self.progress();
            progress.has_ended = true;
            (std::mem::take(&mut progress.waiting), std::mem::take(&mut progress.trees))
        };
        let memory = self.memory.crash_keeping(commit);
        let ended = || Err(StoreError::Failed("the process has ended".into()));
        waiting.into_values().flatten().for_each(|callback| callback(ended()));
        if volatile(self.off).is_some() {
            for tree in &trees {
                let rows = memory.rows_of(tree).into_iter();
                rows.filter(|(key, _)| is_in(volatile(self.off), key))
                    .for_each(|(key, _)| memory.damage_row(tree, &key, None));
            }
        }
        Self::of(memory, commit, self.conditions.clone(), self.off)
    }

    fn does(&self, mitigation: Mitigation) -> bool {
        self.off != Some(mitigation)
    }
}

impl Store for Disk {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        self.progress().trees.push(name.to_owned());
        self.memory.open_tree(name)
    }
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.memory.activate(tree)
    }
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        let mut rows = self.memory.read(tree, keys)?;
        for (key, row) in keys.iter().zip(&mut rows) {
            row.take_if(|_| is_in(forgotten(self.off), key));
        }
        Ok(rows)
    }
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let mut rows = self.memory.scan(tree, scan)?;
        rows.retain(|(key, _)| !is_in(forgotten(self.off), key));
        Ok(rows)
    }
    fn submit(&self, mut batch: Batch) -> Result<CommitVerdict, StoreError> {
        // What depends on nothing cannot conflict.
        if !batch.expects.is_empty() && self.conditions.conflicts() {
            return Ok(CommitVerdict::Conflict);
        }
        batch.expects.retain(|(key, _)| !is_in(forgotten(self.off), key));
        if !self.does(Mitigation::MoveWithEffect) {
            let (meta, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut batch.writes)
                .into_iter()
                .partition(|(key, _)| is_in(Some(Space::Meta), key));
            let first = Batch { writes: rest, expects: batch.expects.clone(), ..batch };
            batch.writes = meta;
            if !first.writes.is_empty() {
                match self.memory.submit(first)? {
                    verdict if batch.writes.is_empty() => return Ok(verdict),
                    CommitVerdict::Accepted(_) => batch.expects.clear(),
                    verdict => return Ok(verdict),
                }
            }
        }
        self.memory.submit(batch)
    }
    fn durable_commit(&self) -> Commit {
        if self.does(Mitigation::WaitForDisk) { self.durable() } else { self.accepted() }
    }
    fn accepted_commit(&self) -> Commit {
        self.accepted()
    }
    fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        let mut progress = self.progress();
        if progress.has_ended {
            drop(progress);
            return callback(Err(StoreError::Failed("the process has ended".into())));
        }
        if commit > progress.durable && self.does(Mitigation::WaitForDisk) {
            progress.waiting.entry(commit).or_default().push(callback);
        } else {
            drop(progress);
            callback(Ok(()));
        }
    }
    fn is_full(&self) -> bool {
        false
    }
    fn failure(&self) -> Option<String> {
        self.progress().has_ended.then(|| "the process has ended".to_owned())
    }
    fn health(&self) -> StoreHealth {
        StoreHealth {
            failed: self.failure(),
            accepted_commit: self.accepted(),
            durable_commit: self.durable(),
            ..StoreHealth::default()
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("durable", &self.durable()).finish_non_exhaustive()
    }
}
