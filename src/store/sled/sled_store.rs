//! A store on disk: its parts put together, and the port that they serve.

use super::{
    commit_queue::CommitQueue,
    disk_space::DiskSpace,
    integrity::{
        damage::DamageLog, inspection::DEFAULT_TREE, scrub::Scrubber, store_mark::StoreMark,
    },
    journal::Journal,
    journal_format::SEGMENT,
    journal_ring::{self, SharedRing},
    maintenance::{MaintenanceThreads, StoreMaintenance},
    open,
    options::{FailPoints, Options},
    panic::catch_panic,
    recovery::{RecoveredBatch, Recovery},
    snapshot::SledSnapshot,
    table::{Table, Tables},
};
use crate::{
    store::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, Row, Scan, Snapshot, Store,
        StoreError, StoreHealth, TreeId, codec::MAX_RECORD,
    },
    sync,
};
use std::{
    fmt,
    fs::OpenOptions,
    path::Path,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::JoinHandle,
    time::Instant,
};

/// How much longer than its record a row may be: its key is stored with it.
const MAX_ROW: usize = MAX_RECORD + 512;

/// A store on disk.
///
/// *Expectations.* A tree has one owner at a time: an activation ends all earlier ones, and only
/// batches of the current epoch are taken. What the owner has read or written since it was activated
/// cannot have been changed by anything else, so the epoch is the check, and it costs nothing. Rows
/// in memory are compared too, and in debug builds those in runs as well, so that tests find an
/// owner that contradicts itself.
///
/// *Scans* see one moment: the rows in memory and the live runs are taken together.
pub struct SledStore {
    commit_queue: Arc<CommitQueue>,
    trees: Tables,
    damage: Arc<DamageLog>,
    ring: SharedRing,
    space: Arc<DiskSpace>,
    committer: Mutex<Option<JoinHandle<()>>>,
    threads: Mutex<Option<MaintenanceThreads>>,
    scrubber: Mutex<Option<Scrubber>>,
    /// Until it is closed.
    db: Mutex<Option<sled::Db>>,
    identity: u128,
    recovery: Recovery,
}

impl SledStore {
    /// Opens the store in `dir`.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: the text says what to do.
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<Self, StoreError> {
        Self::open_with(dir, options, FailPoints::default())
    }

    /// Opens a store that leaves something out.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    #[doc(hidden)]
    pub fn open_with(
        dir: impl AsRef<Path>,
        options: &Options,
        hazards: FailPoints,
    ) -> Result<Self, StoreError> {
        let began = Instant::now();
        let dir = dir.as_ref();
        let open::OpenedDirectory {
            db,
            mark,
            journal: found,
            roots,
            watermark,
            incomplete,
            before,
            lock,
        } = open::open_directory(dir, options)?;
        let lock = Arc::new(lock);
        let watermark = Arc::new(watermark);
        let damage = Arc::<DamageLog>::default();
        let cannot =
            |error: std::io::Error| StoreError::CannotOpen(format!("`{}`: {error}", dir.display()));
        let pipe = Arc::new(CommitQueue::new(mark.commit, options.unwritten_limit_bytes));
        let slots = SharedRing::new(Mutex::new(found.ring));
        let space = Arc::new(DiskSpace::new(dir, options.reserve));
        let keeper = StoreMaintenance {
            db: db.clone(),
            file: OpenOptions::new().write(true).open(dir.join("db")).map_err(cannot)?,
            trees: Tables::default(),
            commit_queue: pipe.clone(),
            dir: dir.to_owned(),
            ring: slots.clone(),
            space: space.clone(),
            store: mark.store,
            merge_refused_at: Mutex::default(),
            skip_merges: hazards.skip_merges,
            roots,
            watermark: watermark.clone(),
            _lock: lock.clone(),
        };
        let trees = keeper.trees.clone();
        let batches = match replay_journal(&db, &trees, &damage, &pipe, found.batches) {
            Ok(batches) => batches,
            Err(error) => {
                before.restore_files().map_err(cannot)?;
                return Err(open::unreadable_directory(dir, &error));
            }
        };
        drop(before);
        let is_short = incomplete || found.last < mark.commit;
        let follows = if is_short { mark } else { StoreMark { commit: found.last, ..mark } };
        if is_short {
            begin_journal_anew(&keeper, &trees)?;
            journal_ring::remove_all(dir, &slots).map_err(cannot)?;
        }
        let room = space.clone();
        let journal =
            Journal::new(dir, follows, slots.clone(), room, found.segment, watermark, lock);
        let journal = journal.with_skip_sync(hazards.skip_sync);
        let committer = start_committer(pipe.clone(), journal).map_err(cannot)?;
        let threads =
            MaintenanceThreads::start(keeper).inspect_err(|_| pipe.close()).map_err(cannot)?;
        pipe.wake_maintenance();
        let scrub =
            |how| Scrubber::start(db.clone(), trees.clone(), damage.clone(), how).map_err(cannot);
        let scrubber = options.scrub.map(scrub).transpose().inspect_err(|_| pipe.close())?;
        Ok(Self {
            commit_queue: pipe,
            trees,
            damage,
            ring: slots,
            space,
            committer: Mutex::new(Some(committer)),
            threads: Mutex::new(Some(threads)),
            scrubber: Mutex::new(scrubber),
            db: Mutex::new(Some(db)),
            identity: mark.store,
            recovery: Recovery { batches, took: began.elapsed() },
        })
    }

    /// What was done when the store was opened.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Writes and syncs what has been accepted, and takes no more. Reading goes on.
    pub fn close(&self) {
        // Waiting for room on the disk ends.
        self.space.closing.store(true, Ordering::Release);
        self.commit_queue.close();
        let committer = sync::lock(&self.committer).take();
        // A callback may have held the last handle of the store: then this is the committer, which ends by itself.
        let own =
            |committer: &JoinHandle<()>| committer.thread().id() == std::thread::current().id();
        let wait = !committer.as_ref().is_some_and(own);
        if let Some(committer) = committer.filter(|_| wait)
            && committer.join().is_err()
        {
            tracing::error!("the committer has panicked");
        }
        if let Some(scrubber) = sync::lock(&self.scrubber).take() {
            scrubber.end(wait);
        }
        if let Some(threads) = sync::lock(&self.threads).take() {
            threads.end(wait);
        }
        // The last handles of sled, which keeps its own lock as long as there is one: another process may open it now, even if
        // something here still has a handle of this store.
        sync::write(&self.trees).clear();
        drop(sync::lock(&self.db).take());
    }

    fn measure_database(&self) -> u64 {
        let db = sync::lock(&self.db).clone();
        db.and_then(|db| catch_panic(|| db.size_on_disk()).ok()).unwrap_or_default()
    }

    fn find_table(&self, tree: TreeId) -> Result<Arc<Table>, StoreError> {
        let table = sync::read(&self.trees).get(tree.0 as usize).cloned();
        table.ok_or_else(|| match *sync::lock(&self.db) {
            Some(_) => StoreError::Invalid("this tree was never opened".into()),
            None => StoreError::closed(),
        })
    }
}

/// Opens the tree called `name`, unless it is open already.
fn open_tree(
    db: &sled::Db,
    trees: &Tables,
    damage: &Arc<DamageLog>,
    name: &str,
) -> Result<(usize, Arc<Table>), StoreError> {
    let mut trees = sync::write(trees);
    if let Some((place, tree)) = trees.iter().enumerate().find(|(_, tree)| tree.name == name) {
        return Ok((place, tree.clone()));
    }
    let opened =
        catch_panic(|| db.open_tree(name)).and_then(|tree| Table::open(name, tree, damage.clone()));
    let table = Arc::new(damage.report_if_damaged(name, opened)?);
    trees.push(table.clone());
    Ok((trees.len() - 1, table))
}

fn start_committer(queue: Arc<CommitQueue>, journal: Journal) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("committer".into()).spawn(move || queue.run_committer(journal))
}

/// Makes what is left the whole, so that the journal can begin again after the numbers that were given out.
fn begin_journal_anew(keeper: &StoreMaintenance, trees: &Tables) -> Result<(), StoreError> {
    for table in sync::read(trees).iter() {
        keeper.flush_table(table, || true)?;
    }
    keeper.truncate_journal()
}

/// Takes into memory what the journal has and no run, and returns how many batches that are.
fn replay_journal(
    db: &sled::Db,
    trees: &Tables,
    damage: &Arc<DamageLog>,
    commit_queue: &CommitQueue,
    batches: Vec<RecoveredBatch>,
) -> Result<u64, StoreError> {
    let mut replayed = 0;
    for batch in batches {
        let (_, table) = open_tree(db, trees, damage, &batch.tree)?;
        if batch.commit > table.flushed_through() {
            commit_queue.add_memory(table.apply_writes(batch.commit, batch.writes));
            replayed += 1;
        }
    }
    Ok(replayed)
}

fn expectations_hold(table: &Table, expects: &[(Vec<u8>, Commit)]) -> Result<bool, StoreError> {
    if cfg!(debug_assertions) {
        let keys: Vec<&[u8]> = expects.iter().map(|(key, _)| key.as_slice()).collect();
        let rows = table.read_rows(&keys)?;
        return Ok(expects
            .iter()
            .zip(rows)
            .all(|((_, commit), row)| row.map_or(0, |row| row.commit) == *commit));
    }
    Ok(table.memory_allows(expects))
}

impl Store for SledStore {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        let db = sync::lock(&self.db).clone().ok_or_else(StoreError::closed)?;
        open_tree(&db, &self.trees, &self.damage, name).map(|(place, _)| TreeId(place as u32))
    }

    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.find_table(tree)?;
        Ok(self.commit_queue.activate_tree(tree))
    }

    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        self.find_table(tree)?.read_rows(keys)
    }

    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let tree = self.find_table(tree)?;
        if scan.from >= scan.to || scan.limit == 0 {
            return Ok(Vec::new());
        }
        tree.scan_rows(scan)
    }

    fn submit(&self, mut batch: Batch) -> Result<CommitVerdict, StoreError> {
        let tree = self.find_table(batch.tree)?;
        for (key, record) in &batch.writes {
            let len = record.as_ref().map_or(0, Vec::len);
            if len > MAX_RECORD || key.len() + len > MAX_ROW {
                let key = key.len();
                return Err(StoreError::Invalid(format!(
                    "a record of {len} bytes under a key of {key} is over the limit of {MAX_RECORD}"
                )));
            }
        }
        // What is accepted must find its place: on the disk, and in not too many runs, all of which are looked into.
        if self.space.refuses_batches() || tree.has_too_many_runs() {
            self.commit_queue.request_flush();
            return Err(StoreError::Overloaded);
        }
        let expects = std::mem::take(&mut batch.expects);
        self.commit_queue.accept_batch(batch, &tree, || expectations_hold(&tree, &expects))
    }

    fn durable_commit(&self) -> Commit {
        self.commit_queue.durability.durable_commit()
    }

    fn accepted_commit(&self) -> Commit {
        self.commit_queue.queue_stats().accepted
    }

    fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        self.commit_queue.on_durable(commit, callback);
    }

    fn failure(&self) -> Option<String> {
        self.commit_queue.durability.failure().map(|error| error.to_string())
    }

    fn has_snapshots(&self) -> bool {
        true
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        // Those too that no context of this process has opened.
        let db = sync::lock(&self.db).clone().ok_or_else(StoreError::closed)?;
        let names = catch_panic(|| Ok(db.tree_names()))?;
        for name in names.iter().filter(|name| *name != DEFAULT_TREE) {
            self.open_tree(&String::from_utf8_lossy(name))?;
        }
        let taken = SledSnapshot::take_snapshot(self.identity, &self.commit_queue, &self.trees);
        Ok(Box::new(taken?))
    }

    fn is_full(&self) -> bool {
        self.space.is_full()
    }

    fn health(&self) -> StoreHealth {
        let figures = self.commit_queue.queue_stats();
        let trees = sync::read(&self.trees);
        let (damages, damage) = self.damage.summary();
        StoreHealth {
            failed: self.failure(),
            damage,
            damages,
            scrubs: sync::lock(&self.scrubber).as_ref().map_or(0, Scrubber::completed_passes),
            accepted_commit: figures.accepted,
            durable_commit: self.durable_commit(),
            syncs: figures.syncs,
            sync_durations: figures.sync_durations,
            unwritten_bytes: figures.unwritten,
            disk_bytes: self.measure_database() + sync::lock(&self.ring).slots as u64 * SEGMENT,
            free_bytes: self.space.free_bytes(),
            reserve_bytes: self.space.reserve,
            full: self.space.is_full(),
            waits_for: self.space.waits_for(),
            most_runs: trees.iter().map(|tree| tree.run_count() as u64).max().unwrap_or(0),
        }
    }

    fn identity(&self) -> u128 {
        self.identity
    }

    fn close(&self) {
        Self::close(self);
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("pipe", &self.commit_queue).finish_non_exhaustive()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.close();
    }
}
