//! Maintenance, in two threads: rows are flushed from memory to runs, runs are merged, and the
//! journal is truncated.

use super::{
    commit_queue::CommitQueue,
    disk_space::{self, DiskSpace},
    integrity::{
        roots::{OpenRoots, Root},
        store_mark::{MARK, StoreMark},
    },
    journal,
    journal_ring::{self, SharedRing},
    panic::catch_panic,
    table::{Table, Tables},
    watermark::Watermark,
};
use crate::{
    store::{Commit, StoreError},
    sync,
};
use std::{
    cell::Cell,
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often the disk is looked at by itself.
const IDLE_WAIT: Duration = Duration::from_millis(500);
/// How long to wait for room before measuring again.
const PAUSE: Duration = Duration::from_millis(50);
/// After so many changes, the room that sled needs next is checked.
const CHECK_EVERY: u32 = 16;
/// How many times its length a block may take on the disk until sled has cleaned up.
const SPACE_AMPLIFICATION: u64 = 2;
/// Measuring whether runs fit means reading them: where they did not, wait before measuring again.
const REMEASURE_AFTER: Duration = Duration::from_secs(5);

/// What both threads need.
#[derive(Debug)]
pub struct StoreMaintenance {
    pub db: sled::Db,
    /// A handle of our own of sled's file: its flush asks for `sync_file_range`, which keeps nothing over a power cut.
    pub file: File,
    pub trees: Tables,
    pub commit_queue: Arc<CommitQueue>,
    pub dir: PathBuf,
    pub ring: SharedRing,
    pub space: Arc<DiskSpace>,
    pub store: u128,
    /// When runs were last found not to fit.
    pub merge_refused_at: Mutex<Option<Instant>>,
    /// Left out by a test of the tests.
    pub skip_merges: bool,
    /// Which manifests are in sled, in sled; and how far that has been synced, beside it.
    pub roots: OpenRoots,
    pub watermark: Arc<Watermark>,
    /// Declared last, so that the directory is unlocked only after sled is closed.
    pub _lock: Arc<File>,
}

/// The threads that keep a store.
#[derive(Debug)]
pub struct MaintenanceThreads {
    maintenance: Arc<StoreMaintenance>,
    writer: JoinHandle<()>,
    merger: JoinHandle<()>,
}

impl MaintenanceThreads {
    pub fn start(keeper: StoreMaintenance) -> io::Result<Self> {
        let keeper = Arc::new(keeper);
        let merging = keeper.clone();
        let merger = thread::Builder::new()
            .name("merger".into())
            .spawn(move || merging.run_until_closed(|keeper| keeper.merge_all()))?;
        let writing = keeper.clone();
        let wake = merger.thread().clone();
        let writer = thread::Builder::new().name("run-writer".into()).spawn(move || {
            writing.run_until_closed(|keeper| {
                let wrote = keeper.flush_next()?;
                if wrote {
                    wake.unpark();
                }
                Ok(wrote)
            });
        })?;
        keeper.commit_queue.set_maintenance_thread(writer.thread().clone());
        Ok(Self { maintenance: keeper, writer, merger })
    }

    /// Ends them, and waits for that if it is to. What is half done is done again after the next start.
    pub fn end(self, wait: bool) {
        self.maintenance.space.closing.store(true, Ordering::Release);
        let threads = [self.writer, self.merger];
        threads.iter().for_each(|thread| thread.thread().unpark());
        // The last handle of the store may have gone on one of them, with a callback.
        let others =
            threads.into_iter().filter(|other| other.thread().id() != thread::current().id());
        for thread in others {
            if wait && thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

impl StoreMaintenance {
    fn is_open(&self) -> bool {
        !self.space.closing.load(Ordering::Acquire)
    }

    /// Works until there is nothing to do, and again when woken. An error is the end of the store.
    fn run_until_closed(&self, work: impl Fn(&Self) -> Result<bool, StoreError>) {
        while self.is_open() {
            let done = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
                Err(StoreError::Failed("the store panicked while it wrote its runs".into()))
            });
            match done {
                Ok(true) => {}
                Ok(false) => thread::park_timeout(IDLE_WAIT),
                Err(error) => return self.commit_queue.fail_with(error),
            }
        }
    }

    /// A check for each change of sled's: where there is no room ahead of the file's end that
    /// leaves `least` bytes free, it waits. Waiting keeps what has been done so far, and the disk
    /// may have room again in a moment. Gives whether to go on.
    fn wait_for_room(&self, least: u64) -> impl Fn() -> bool {
        let changes = Cell::new(0_u32);
        move || {
            changes.set(changes.get().wrapping_add(1));
            while self.is_open()
                && changes.get().is_multiple_of(CHECK_EVERY)
                && !self.space.ensure_room_ahead(&self.file, least)
            {
                thread::sleep(PAUSE);
            }
            self.is_open()
        }
    }

    fn all_tables(&self) -> Vec<Arc<Table>> {
        sync::read(&self.trees).clone()
    }

    /// The tree that should write its rows, if one should: the one with most, or with the oldest.
    fn pick_flush(&self) -> Option<Arc<Table>> {
        let mut tables = self.all_tables().into_iter();
        let crowds = journal_ring::journal_pressure(&self.ring);
        if self.commit_queue.take_flush_request() && crowds < 2 {
            return tables.max_by_key(|table| table.unflushed_bytes());
        }
        if crowds > 0 {
            return tables
                .filter(|table| table.first_unflushed().is_some())
                .min_by_key(|table| table.first_unflushed());
        }
        // Every read looks into what a snapshot has set apart.
        tables.find(|table| table.has_frozen())
    }

    fn flush_next(&self) -> Result<bool, StoreError> {
        self.space.measure_again();
        self.space.create_reserve_file();
        match journal_ring::ensure_spare(&self.dir, &self.ring) {
            // The committer reports it when it needs a segment.
            Err(error) if disk_space::is_transient(&error) => {}
            other => other.map_err(journal::write_failed)?,
        }
        let least = self.space.reserve / 4;
        let Some(table) = self.pick_flush() else { return Ok(false) };
        // A batch may be refused although no table has rows to flush: what waits for the journal
        // takes room too.
        if table.first_unflushed().is_none() {
            return Ok(false);
        }
        if !self.space.ensure_room_ahead(&self.file, least) {
            return Ok(false);
        }
        self.flush_table(&table, self.wait_for_room(least))?;
        self.truncate_journal()?;
        Ok(true)
    }

    /// Writes what `table` has in memory, unless `go_on` ends it.
    pub fn flush_table(&self, table: &Table, is_open: impl Fn() -> bool) -> Result<(), StoreError> {
        let Some(frozen) = table.freeze_memtable() else { return Ok(()) };
        // A run must not have what a crash takes back elsewhere.
        self.commit_queue.wait_durable(frozen.last_commit())?;
        if table.write_frozen(&frozen, is_open)? {
            self.commit_queue.add_memory(-(frozen.size_in_bytes() as isize));
        }
        Ok(())
    }

    /// Makes the runs durable, and lets the journal go of what they hold.
    pub fn truncate_journal(&self) -> Result<(), StoreError> {
        let durable = self.commit_queue.durability.durable_commit();
        let oldest = self.all_tables().iter().filter_map(|table| table.first_unflushed()).min();
        let through: Commit = oldest.map_or(durable, |first| durable.min(first - 1));
        // After the runs in sled's log: if this survives a power cut, so do they.
        let mark = StoreMark { store: self.store, commit: through };
        catch_panic(|| self.db.insert(MARK, &mark.to_bytes()))?;
        let roots = self.put_roots()?;
        self.sync_disk()?;
        if self.watermark.advance_roots(roots, through) {
            journal_ring::free_through(&self.ring, through);
        }
        Ok(())
    }

    fn put_roots(&self) -> Result<Root, StoreError> {
        let tables = self.all_tables();
        self.roots
            .update_with(&self.db, tables.iter().map(|table| (table.name.as_str(), table.root())))
    }

    fn sync_disk(&self) -> Result<(), StoreError> {
        catch_panic(|| {
            self.db.flush()?;
            Ok(self.file.sync_data()?)
        })
    }

    fn merge_all(&self) -> Result<bool, StoreError> {
        if self.skip_merges {
            return Ok(false);
        }
        let mut merged = false;
        for table in self.all_tables() {
            merged |= self.merge_runs(&table, u8::MAX)?;
        }
        Ok(merged)
    }

    /// Merges runs of `table` of levels below this one. A large merge takes long, and new runs
    /// gather meanwhile: every few blocks those are merged first, so that reads do not slow down.
    fn merge_runs(&self, table: &Table, below: u8) -> Result<bool, StoreError> {
        let least = self.space.reserve / 2;
        let room = self.merge_budget();
        let merged = table.merge_next(below, room, |level| {
            let go_on = self.wait_for_room(least);
            let blocks = Cell::new(0_u32);
            move || {
                blocks.set(blocks.get().wrapping_add(1));
                if blocks.get().is_multiple_of(CHECK_EVERY) && level > 0 {
                    for table in self.all_tables() {
                        self.merge_runs(&table, level)?;
                    }
                }
                Ok(go_on())
            }
        })?;
        if merged {
            let roots = self.put_roots()?;
            self.sync_disk()?;
            // Before the runs go that have been merged, for they are what would have to be gone back to.
            if !self.watermark.advance_roots(roots, 0) {
                return Ok(true);
            }
        } else if room.is_some_and(|room| room > 0) {
            *sync::lock(&self.merge_refused_at) = Some(Instant::now());
        }
        for run in table.take_retired() {
            table.remove(run, self.wait_for_room(0))?;
        }
        Ok(merged)
    }

    /// How many bytes of runs may be merged now; `None`: any number. Merged rows are stored twice
    /// until the merge is done, so on a disk with little room a merge alone would fill it.
    fn merge_budget(&self) -> Option<u64> {
        self.space.measure_again();
        let free = self.space.free_bytes()?.saturating_sub(self.space.reserve);
        let all = catch_panic(|| self.db.size_on_disk()).unwrap_or(u64::MAX);
        let counted =
            sync::lock(&self.merge_refused_at).is_some_and(|at| at.elapsed() < REMEASURE_AFTER);
        (free < all.saturating_mul(SPACE_AMPLIFICATION)).then_some(if counted {
            0
        } else {
            free / SPACE_AMPLIFICATION
        })
    }
}
