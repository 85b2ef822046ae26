//! The disk of a node: what is accepted is in memory, and the schedule decides what of it is durable.

use super::conditions::Conditions;
use holdfast::{
    actors::{Safeguard, with_positions_of},
    store::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, MemoryStore, Row, Scan, Store,
        StoreError, StoreHealth, TreeId, keys::Space,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};
use support::chance::Chance;

#[derive(Default)]
struct Progress {
    durable: Commit,
    waiting: BTreeMap<Commit, Vec<DurabilityCallback>>,
    trees: Vec<String>,
    has_ended: bool,
    /// Rows that cannot be read. Those of logs are as if they were not there.
    damaged: BTreeSet<(u32, Vec<u8>)>,
    /// A row that is not there for a moment.
    missing: Option<(u32, Vec<u8>)>,
    /// Whether any row could not be read in this life.
    was_damaged: bool,
}

/// Whatever has this in it is not stored.
pub const UNSTORABLE: &str = "unstorable";
/// What is damaged: a page of open questions, which is often not there, or else a state or a row of a log.
const DAMAGED: [[Space; 2]; 4] = [
    [Space::Question, Space::State],
    [Space::Question, Space::Log],
    [Space::State, Space::State],
    [Space::Log, Space::Log],
];

/// The disk under one life of a process.
pub struct Disk {
    memory: MemoryStore,
    conditions: Conditions,
    progress: Mutex<Progress>,
    off: Option<Safeguard>,
}

/// Rows of these are never there, where what they are for is left out.
fn forgotten(off: Option<Safeguard>) -> Option<Space> {
    match off? {
        Safeguard::CheckClaims => Some(Space::Claim),
        Safeguard::KeepKeys => Some(Space::Idempotency),
        _ => None,
    }
}

/// Rows of these do not outlive a process, where what they are for is left out.
fn volatile(off: Option<Safeguard>) -> Option<Space> {
    match off? {
        Safeguard::KeepTimers => Some(Space::Timer),
        Safeguard::KeepQuestions => Some(Space::Question),
        _ => None,
    }
}

fn is_in(space: Option<Space>, key: &[u8]) -> bool {
    space.is_some_and(|space| key.first() == Some(&(space as u8)))
}

/// Whether that is a row of a log with such an event.
fn is_unstorable((key, record): &(Vec<u8>, Option<Vec<u8>>)) -> bool {
    let mark = UNSTORABLE.as_bytes();
    let has_mark = |record: &Vec<u8>| record.windows(mark.len()).any(|part| part == mark);
    is_in(Some(Space::Log), key) && record.as_ref().is_some_and(has_mark)
}

impl Disk {
    /// An empty one.
    pub fn new(conditions: Conditions, off: Option<Safeguard>) -> Self {
        Self::of(MemoryStore::new(), 0, conditions, off)
    }

    fn of(
        memory: MemoryStore,
        durable: Commit,
        conditions: Conditions,
        off: Option<Safeguard>,
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
        let next = Self::of(memory, commit, self.conditions.clone(), self.off);
        let mut damaged = std::mem::take(&mut self.progress().damaged);
        damaged.retain(|(_, key)| !is_in(Some(Space::Log), key));
        next.progress().was_damaged = !damaged.is_empty();
        next.progress().damaged = damaged;
        next
    }

    /// Damages a row of a context, if it has one of the kind that chance picks.
    pub fn damage(&self, context: &str, chance: &mut Chance) -> Option<Space> {
        let tree = self.memory.open_tree(context).ok()?;
        let rows = self.memory.rows_of(context);
        let of = |space: &Space| -> Vec<&Vec<u8>> {
            rows.iter().map(|(key, _)| key).filter(|key| is_in(Some(*space), key)).collect()
        };
        let spaces = DAMAGED[chance.number() as usize % DAMAGED.len()];
        let space = *spaces.iter().find(|space| !of(space).is_empty())?;
        let keys = of(&space);
        let key = keys[chance.number() as usize % keys.len()].clone();
        self.conditions.say(format_args!("damaged: {context} {}", key.escape_ascii()));
        let mut progress = self.progress();
        progress.damaged.insert((tree.0, key));
        progress.was_damaged = true;
        Some(space)
    }

    /// Whether a row of the log of a context is missing.
    pub fn has_gap(&self, context: &str) -> bool {
        let Ok(tree) = self.memory.open_tree(context) else { return false };
        let progress = self.progress();
        progress.damaged.iter().any(|(of, key)| *of == tree.0 && is_in(Some(Space::Log), key))
    }

    /// The logs are whole again.
    pub fn mend_logs(&self) {
        self.progress().damaged.retain(|(_, key)| !is_in(Some(Space::Log), key));
    }

    /// Everything can be read again but pages of open questions, which the runtime finds again itself. Whether anything
    /// could not, since the process began.
    pub fn mend(&self) -> bool {
        let mut progress = self.progress();
        progress.damaged.retain(|(_, key)| is_in(Some(Space::Question), key));
        std::mem::take(&mut progress.was_damaged)
    }

    /// Whether anything could not be read, since the process began.
    pub fn was_damaged(&self) -> bool {
        self.progress().was_damaged
    }

    /// Looks at how things are when a row of a context is missing that a list has: nothing where there is none.
    pub fn without_a_row<T>(
        &self,
        context: &str,
        chance: &mut Chance,
        look: impl FnOnce() -> T,
    ) -> Option<T> {
        let rows = self.memory.rows_of(context);
        let states: Vec<_> =
            rows.into_iter().filter(|(key, _)| is_in(Some(Space::State), key)).collect();
        let (key, _) = states.get(chance.number() as usize % states.len().max(1))?;
        let tree = self.memory.open_tree(context).ok()?;
        self.progress().missing = Some((tree.0, key.clone()));
        let seen = look();
        let mut progress = self.progress();
        progress.missing = None;
        progress.was_damaged = true;
        Some(seen)
    }

    /// What there is to read of a row, if anything is.
    fn readable(&self, tree: TreeId, key: &[u8], mut row: Row) -> Option<Row> {
        let progress = self.progress();
        if progress.missing.is_none() && progress.damaged.is_empty() {
            return Some(row);
        }
        let place = (tree.0, key.to_vec());
        if progress.missing.as_ref() == Some(&place) {
            return None;
        }
        if progress.damaged.contains(&place) {
            if is_in(Some(Space::Log), key) {
                return None;
            }
            row.record.pop();
        }
        Some(row)
    }

    /// Two batches of one: with the positions as they were, and then those that they are now.
    fn submit_positions_apart(&self, mut batch: Batch) -> Result<CommitVerdict, StoreError> {
        let moved = batch.writes.iter_mut().find(|(key, _)| is_in(Some(Space::Meta), key));
        let Some((key, Some(record))) = moved else { return self.memory.submit(batch) };
        let before = self.memory.read(batch.tree, &[key.as_slice()])?.pop().flatten();
        let before = before.as_ref().map(|row| row.record.as_slice());
        let Some(unmoved) = with_positions_of(record, before) else {
            return self.memory.submit(batch);
        };
        let now = (key.clone(), Some(std::mem::replace(record, unmoved)));
        let move_on = Batch { writes: vec![now], expects: Vec::new(), ..batch };
        match self.memory.submit(batch)? {
            CommitVerdict::Accepted(_) => self.memory.submit(move_on),
            verdict => Ok(verdict),
        }
    }

    fn does(&self, safeguard: Safeguard) -> bool {
        self.off != Some(safeguard)
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
            *row = row.take().and_then(|row| self.readable(tree, key, row));
        }
        Ok(rows)
    }
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let hidden = self.progress().damaged.len() + 1;
        let mut rows = self
            .memory
            .scan(tree, &Scan { limit: scan.limit.saturating_add(hidden), ..scan.clone() })?;
        rows.retain(|(key, _)| !is_in(forgotten(self.off), key));
        let readable = |(key, row): (Vec<u8>, Row)| {
            let row = self.readable(tree, &key, row)?;
            Some((key, row))
        };
        Ok(rows.into_iter().filter_map(readable).take(scan.limit).collect())
    }
    fn submit(&self, mut batch: Batch) -> Result<CommitVerdict, StoreError> {
        // What depends on nothing cannot conflict.
        if !batch.expects.is_empty() && self.conditions.conflicts() {
            return Ok(CommitVerdict::Conflict);
        }
        if batch.writes.iter().any(is_unstorable) {
            return Err(StoreError::Invalid("the schedule does not want it stored".into()));
        }
        {
            let mut progress = self.progress();
            if !progress.damaged.is_empty() {
                for (key, _) in &batch.writes {
                    progress.damaged.remove(&(batch.tree.0, key.clone()));
                }
            }
        }
        batch.expects.retain(|(key, _)| !is_in(forgotten(self.off), key));
        if !self.does(Safeguard::MoveWithEffect) {
            return self.submit_positions_apart(batch);
        }
        self.memory.submit(batch)
    }
    fn durable_commit(&self) -> Commit {
        if self.does(Safeguard::WaitForDisk) { self.durable() } else { self.accepted() }
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
        if commit > progress.durable && self.does(Safeguard::WaitForDisk) {
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
