//! One context's tree: rows in memory over runs in sled.

use super::{
    integrity::{damage::DamageLog, roots::Root},
    manifest::Manifest,
    memtable::Memtable,
    merge::{EntryIter, MergeIter},
    run_range::RunRange,
    run_writer::RunWriter,
    sorted_run::SortedRun,
    table_state::TableState,
    table_view::{Runs, TableView},
};
use crate::{
    store::{Commit, Row, Scan, StoreError},
    sync,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// How many runs of a level are merged into one of the next. More cost reading, fewer cost writing:
/// each row is written once for each level.
const MERGE_WIDTH: usize = 6;

/// With so many runs of one level a tree takes no more rows until some are merged: every read looks
/// into all of them.
const MAX_RUNS_PER_LEVEL: usize = 4 * MERGE_WIDTH;

/// The level of a run that has a whole tree: it is merged seldom, for it is large.
const LOADED_LEVEL: u8 = 3;

/// The tables of a store, by their [`TreeId`](crate::store::TreeId).
pub type Tables = Arc<RwLock<Vec<Arc<Table>>>>;

/// Runs, and the level of what they become.
type MergeCandidate = (Vec<Arc<SortedRun>>, u8);

/// One context's tree.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    tree: sled::Tree,
    state: RwLock<TableState>,
    /// Held while the manifest changes.
    manifest: Mutex<Manifest>,
    next_run: AtomicU64,
    /// Too many runs wait to be merged.
    too_many_runs: AtomicBool,
    /// Runs that are merged into others, and may still be read.
    retired: Mutex<Vec<Arc<SortedRun>>>,
    damage: Arc<DamageLog>,
    /// Runs that are not merged, because one of them is damaged.
    unmergeable: Mutex<BTreeSet<u64>>,
}

impl Table {
    pub fn open(name: &str, tree: sled::Tree, damage: Arc<DamageLog>) -> Result<Self, StoreError> {
        let manifest = Manifest::read(&tree)?;
        let runs = manifest.runs.iter().map(|member| SortedRun::open(&tree, *member).map(Arc::new));
        let runs = Arc::new(runs.collect::<Result<Vec<_>, _>>()?);
        let next_run = AtomicU64::new(SortedRun::highest_number(&tree)? + 1);
        let table = Self {
            name: name.into(),
            tree,
            state: RwLock::new(TableState::with_runs(runs)),
            manifest: Mutex::new(manifest),
            next_run,
            too_many_runs: AtomicBool::new(false),
            retired: Mutex::default(),
            damage,
            unmergeable: Mutex::default(),
        };
        table.remove_leftovers()?;
        table.update_run_pressure();
        Ok(table)
    }

    /// Whether it has so many runs that it takes no more rows for now.
    pub fn has_too_many_runs(&self) -> bool {
        self.too_many_runs.load(Ordering::Relaxed)
    }

    /// How many runs it has.
    pub fn run_count(&self) -> usize {
        self.read_state().runs.len()
    }

    fn update_run_pressure(&self) {
        let runs = self.read_state().runs.clone();
        let left = sync::lock(&self.unmergeable).clone();
        // Those that cannot be merged are not waited for.
        let waits = |level: &[Arc<SortedRun>]| {
            level.iter().filter(|run| !left.contains(&run.number)).count()
        };
        let most =
            runs.chunk_by(|one, other| one.level == other.level).map(waits).max().unwrap_or(0);
        self.too_many_runs.store(most >= MAX_RUNS_PER_LEVEL, Ordering::Relaxed);
    }

    /// A crash leaves runs that were being written, and such as had been merged.
    fn remove_leftovers(&self) -> Result<(), StoreError> {
        let runs = sync::lock(&self.manifest).runs.clone();
        for number in SortedRun::run_numbers(&self.tree)? {
            if !runs.iter().any(|run| run.number == number) {
                self.remove(number, || true)?;
            }
        }
        Ok(())
    }

    /// All that was written up to this commit is in runs.
    pub fn flushed_through(&self) -> Commit {
        sync::lock(&self.manifest).flushed_through
    }

    /// Which manifest is in sled now.
    pub fn root(&self) -> Root {
        Root::from_manifest(&sync::lock(&self.manifest), self.name.as_bytes())
    }

    /// The runs that count.
    pub fn live_runs(&self) -> Runs {
        self.read_state().runs.clone()
    }

    /// Takes note of damage among the outcomes of reading.
    pub fn report_if_damaged<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.damage.report_if_damaged(&self.name, outcome)
    }

    pub fn sled_tree(&self) -> &sled::Tree {
        &self.tree
    }

    fn read_state(&self) -> RwLockReadGuard<'_, TableState> {
        sync::read(&self.state)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, TableState> {
        sync::write(&self.state)
    }

    /// Takes in what `commit` writes; gives by how many bytes memory has grown.
    pub fn apply_writes(&self, commit: Commit, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> isize {
        self.state_mut().newest.apply_writes(commit, writes)
    }

    /// How much of it is in memory only.
    pub fn unflushed_bytes(&self) -> usize {
        self.read_state().unflushed_bytes()
    }

    /// The first commit that no run has something of.
    pub fn first_unflushed(&self) -> Option<Commit> {
        self.read_state().first_unflushed()
    }

    /// Whether those of these rows that memory knows have these commits.
    pub fn memory_allows(&self, expects: &[(Vec<u8>, Commit)]) -> bool {
        let state = self.read_state();
        expects.iter().all(|(key, commit)| state.allows(key, *commit))
    }

    pub fn read_rows(&self, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        let (recent, runs) = {
            let state = self.read_state();
            let recent: Vec<_> = keys.iter().map(|key| state.in_memory(key).cloned()).collect();
            (recent, state.runs.clone())
        };
        let read = |(key, recent): (&&[u8], Option<_>)| {
            recent.map_or_else(|| self.read_runs(&runs, key), Ok)
        };
        self.report_if_damaged(keys.iter().zip(recent).map(read).collect())
    }

    fn read_runs(&self, runs: &Runs, key: &[u8]) -> Result<Option<Row>, StoreError> {
        for run in runs.iter() {
            if let Some(row) = run.get(&self.tree, key)? {
                return Ok(row);
            }
        }
        Ok(None)
    }

    pub fn scan_rows(&self, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let (newest, view) = {
            let state = self.read_state();
            (state.newest.scan_range(scan), state.view())
        };
        self.report_if_damaged(view.scan_rows(&self.tree, newest, scan))
    }

    /// The tree as it is now. What is in memory is set apart for it.
    pub fn freeze_view(&self) -> TableView {
        let mut state = self.state_mut();
        state.freeze_newest();
        state.view()
    }

    /// Whether rows have been set apart that no run has yet.
    pub fn has_frozen(&self) -> bool {
        !self.read_state().frozen.is_empty()
    }

    /// Writes all rows of a tree that has none, in the order of their keys, as one run, and gives how many those are. They are
    /// what the tree has at the commit `through`.
    pub fn load_rows<E: From<StoreError>>(
        &self,
        rows: impl Iterator<Item = Result<(Vec<u8>, Row), E>>,
        through: Commit,
    ) -> Result<u64, E> {
        let mut writer = RunWriter::new(&self.tree, self.next_run.fetch_add(1, Ordering::Relaxed));
        let mut count = 0;
        for row in rows {
            let (key, row) = row?;
            writer.push_row(&key, Some(&row))?;
            count += 1;
        }
        let run = writer.finish_run(LOADED_LEVEL)?.map(Arc::new);
        self.change_runs(Some(through), |runs| runs.extend(run))?;
        Ok(count)
    }

    /// Sets the rows in memory apart, unless some are already, and gives the oldest of what is set apart, to be written as
    /// a run; new ones gather beside them.
    pub fn freeze_memtable(&self) -> Option<Arc<Memtable>> {
        let mut state = self.state_mut();
        if state.frozen.is_empty() {
            state.freeze_newest();
        }
        state.frozen.last().cloned()
    }

    /// Writes what [`Table::freeze_memtable`] gave as the newest run, and gives whether it did; nothing changes if `go_on` ends it.
    pub fn write_frozen(
        &self,
        frozen: &Memtable,
        go_on: impl Fn() -> bool,
    ) -> Result<bool, StoreError> {
        let oldest = self.live_runs().is_empty();
        let mut writer = RunWriter::new(&self.tree, self.next_run.fetch_add(1, Ordering::Relaxed));
        for (key, row) in frozen.iter() {
            // Under the oldest run there is nothing that a removal could hide.
            if (row.is_some() || !oldest) && writer.push_row(key, row.as_ref())? && !go_on() {
                return Ok(false);
            }
        }
        let run = writer.finish_run(0)?.map(Arc::new);
        self.change_runs(Some(frozen.last_commit()), |runs| runs.splice(..0, run).for_each(drop))?;
        Ok(true)
    }

    /// Changes which runs count; durable is that once sled has been synced. With `through`, what was frozen is in them.
    fn change_runs(
        &self,
        flushed_through: Option<Commit>,
        change_runs: impl FnOnce(&mut Vec<Arc<SortedRun>>),
    ) -> Result<(), StoreError> {
        // Changes of runs are serialised by this lock, so that readers never wait for sled.
        let mut manifest = sync::lock(&self.manifest);
        let mut runs = self.read_state().runs.to_vec();
        change_runs(&mut runs);
        let changed = Manifest {
            generation: manifest.generation + 1,
            flushed_through: flushed_through.unwrap_or(manifest.flushed_through),
            runs: runs.iter().map(|run| run.member()).collect(),
        };
        changed.write(&self.tree)?;
        *manifest = changed;
        let mut state = self.state_mut();
        state.runs = Arc::new(runs);
        let written = if flushed_through.is_some() { state.frozen.pop() } else { None };
        // Taking many rows apart takes a while.
        drop(state);
        drop(written);
        self.update_run_pressure();
        Ok(())
    }

    /// The runs that should become one: enough of a level below this one, side by side, of which the blocks take up no more
    /// than `room`; or one that has no seals yet, to get them. And the level of what they become.
    fn pick_merge(
        &self,
        below: u8,
        room: Option<u64>,
    ) -> Result<Option<MergeCandidate>, StoreError> {
        let runs = self.live_runs();
        let left = sync::lock(&self.unmergeable).clone();
        let is_left = |run: &SortedRun| left.contains(&run.number);
        let levels =
            runs.chunk_by(|one, other| (one.level, is_left(one)) == (other.level, is_left(other)));
        let levels =
            levels.filter(|level| level.iter().all(|run| run.level < below && !is_left(run)));
        let full = levels.filter(|level| level.len() >= MERGE_WIDTH).map(|level| (level, 1));
        let unsealed =
            runs.chunks(1).filter(|run| run.iter().all(|run| run.seal.is_none() && !is_left(run)));
        let unsealed = unsealed.filter(|_| below == u8::MAX).map(|run| (run, 0));
        for (level, up) in full.chain(unsealed) {
            let mut left = room;
            for run in level {
                left = match left.map(|most| (most, run.block_bytes(&self.tree, most))) {
                    // The merge will report it.
                    Some((most, Err(StoreError::Damaged(_)))) => Some(most),
                    Some((most, length)) => Some(most.saturating_sub(length?)),
                    None => None,
                };
            }
            if let (Some(first), true) = (level.first(), left != Some(0)) {
                return Ok(Some((level.to_vec(), first.level.saturating_add(up))));
            }
        }
        Ok(None)
    }

    /// Merges runs of a level below this one, if there are enough, and room for what comes of it. Gives whether it did;
    /// nothing changes if what `pace` makes for the level ends it, which is asked at each block. Where one of them cannot
    /// be read they are left as they are: damage costs what is damaged, and nothing is lost by merging.
    pub fn merge_next<P: Fn() -> Result<bool, StoreError>>(
        &self,
        below: u8,
        room: Option<u64>,
        pace: impl FnOnce(u8) -> P,
    ) -> Result<bool, StoreError> {
        let Some((merged, level)) = self.pick_merge(below, room)? else { return Ok(false) };
        let numbers: Vec<u64> = merged.iter().map(|run| run.number).collect();
        match self.merge_runs(merged, level, pace) {
            Err(StoreError::Damaged(what)) => {
                self.damage.report_damage(
                    &self.name,
                    &format!("{what}; runs {numbers:?} are not merged any more"),
                );
                sync::lock(&self.unmergeable).extend(numbers);
                self.update_run_pressure();
                Ok(false)
            }
            other => other,
        }
    }

    fn merge_runs<P: Fn() -> Result<bool, StoreError>>(
        &self,
        merged: Vec<Arc<SortedRun>>,
        level: u8,
        pace: impl FnOnce(u8) -> P,
    ) -> Result<bool, StoreError> {
        let (Some(first), Some(last)) = (merged.first(), merged.last()) else { return Ok(false) };
        let go_on = pace(first.level);
        let oldest = self.live_runs().last().is_some_and(|run| run.number == last.number);
        let sources = merged
            .iter()
            .map(|run| Ok(Box::new(RunRange::whole(run, &self.tree)?) as EntryIter<'_>));
        let sources = sources.collect::<Result<Vec<_>, StoreError>>()?;
        let mut writer = RunWriter::new(&self.tree, self.next_run.fetch_add(1, Ordering::Relaxed));
        for entry in MergeIter::new(sources, false) {
            let (key, row) = entry?;
            if (row.is_some() || !oldest) && writer.push_row(&key, row.as_ref())? && !go_on()? {
                return Ok(false);
            }
        }
        let run = writer.finish_run(level)?.map(Arc::new);
        self.change_runs(None, |runs| {
            let begin = runs.iter().position(|run| run.number == first.number).unwrap_or_default();
            runs.splice(begin..begin + merged.len(), run).for_each(drop);
        })?;
        sync::lock(&self.retired).extend(merged);
        Ok(true)
    }

    /// Takes the merged runs that are read no more, to be [removed](Table::remove) once sled has
    /// been synced: until then a power cut may bring them back.
    pub fn take_retired(&self) -> Vec<u64> {
        sync::lock(&self.retired)
            .extract_if(.., |run| Arc::strong_count(run) == 1)
            .map(|run| run.number)
            .collect()
    }

    pub fn remove(&self, run: u64, go_on: impl Fn() -> bool) -> Result<(), StoreError> {
        match SortedRun::remove(&self.tree, run, go_on) {
            // It takes up room, and nothing else.
            Err(StoreError::Damaged(what)) => {
                self.damage.report_damage(&self.name, &what);
                Ok(())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
