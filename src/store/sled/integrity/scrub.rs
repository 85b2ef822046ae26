//! The scrub: everything that is in runs is read from time to time, gently, so that damage is
//! noticed while there is still a backup without it, and before a reader meets it.

use super::{damage::DamageLog, inspection::DEFAULT_TREE};
use crate::{
    store::{
        StoreError,
        sled::{
            manifest::Manifest,
            panic::catch_panic,
            run_range::verify_run,
            sorted_run::{SortedRun, tree_name as name_of},
            table::{Table, Tables},
        },
    },
    sync,
};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrubSettings {
    /// From the beginning of one to that of the next. The first begins at once.
    pub every: Duration,
    /// The most bytes that are read in a second.
    pub bytes_per_second: u64,
}

impl Default for ScrubSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(24 * 60 * 60), bytes_per_second: 16 << 20 }
    }
}

/// A rest shorter than this is put off.
const MIN_PAUSE: Duration = Duration::from_millis(20);

/// A block that takes longer than this will never have been read: sled looks for ever for some pages that it has lost.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Which tree is being read, and since when nothing of it has come.
#[derive(Debug, Default)]
struct ScrubProgress(Mutex<Option<(String, Instant)>>);

impl ScrubProgress {
    fn begin_tree(&self, tree: &str) {
        *sync::lock(&self.0) = Some((tree.to_owned(), Instant::now()));
    }
    fn count_block(&self) {
        if let Some((_, since)) = &mut *sync::lock(&self.0) {
            *since = Instant::now();
        }
    }
    fn end_pass(&self) {
        *sync::lock(&self.0) = None;
    }
    /// The tree that cannot be read to its end.
    fn stuck_tree(&self, now: Instant) -> Option<String> {
        let is_endless =
            |(_, since): &&(String, Instant)| now.saturating_duration_since(*since) > STUCK_AFTER;
        sync::lock(&self.0).as_ref().filter(is_endless).map(|(tree, _)| tree.clone())
    }
}

/// The thread that scrubs.
#[derive(Debug)]
pub struct Scrubber {
    thread: JoinHandle<()>,
    closing: Arc<AtomicBool>,
    completed: Arc<AtomicU64>,
    progress: Arc<ScrubProgress>,
    damage: Arc<DamageLog>,
    reported: AtomicBool,
}

impl Scrubber {
    pub fn start(
        db: sled::Db,
        trees: Tables,
        damage: Arc<DamageLog>,
        settings: ScrubSettings,
    ) -> io::Result<Self> {
        let closing = Arc::<AtomicBool>::default();
        let finished = Arc::<AtomicU64>::default();
        let reading = Arc::<ScrubProgress>::default();
        let work = ScrubTask {
            db,
            trees,
            damage: damage.clone(),
            settings,
            closing: closing.clone(),
            progress: reading.clone(),
            begun: Instant::now(),
            bytes: 0,
        };
        let count = finished.clone();
        let thread = thread::Builder::new().name("scrub".into()).spawn(move || work.run(&count))?;
        Ok(Self {
            thread,
            closing,
            completed: finished,
            progress: reading,
            damage,
            reported: AtomicBool::new(false),
        })
    }

    /// How many times everything has been read since the start.
    pub fn completed_passes(&self) -> u64 {
        self.report_if_stuck();
        self.completed.load(Ordering::Relaxed)
    }

    /// Whether it hangs in a tree, which is damage too.
    fn report_if_stuck(&self) -> bool {
        let endless = self.progress.stuck_tree(Instant::now());
        if let Some(tree) = &endless
            && !self.reported.swap(true, Ordering::Relaxed)
        {
            self.damage.report_damage(tree, "a part of it cannot be read to its end");
        }
        endless.is_some()
    }

    pub fn end(self, wait: bool) {
        self.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if wait && !self.report_if_stuck() && self.thread.join().is_err() {
            tracing::error!("the scrub of the store has panicked");
        }
    }
}

struct ScrubTask {
    db: sled::Db,
    trees: Tables,
    damage: Arc<DamageLog>,
    settings: ScrubSettings,
    closing: Arc<AtomicBool>,
    progress: Arc<ScrubProgress>,
    begun: Instant,
    bytes: u64,
}

impl ScrubTask {
    fn run(mut self, finished: &AtomicU64) {
        while !self.is_closing() {
            (self.begun, self.bytes) = (Instant::now(), 0);
            if let Err(error) = self.read_all() {
                self.damage.report_damage("database", &error.to_string());
            }
            self.progress.end_pass();
            if !self.is_closing() {
                finished.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(bytes = self.bytes, "all of the store has been read");
            }
            while !self.is_closing()
                && let Some(rest) = self
                    .settings
                    .every
                    .checked_sub(self.begun.elapsed())
                    .filter(|rest| !rest.is_zero())
            {
                thread::park_timeout(rest);
            }
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn find_table(&self, name: &[u8]) -> Option<Arc<Table>> {
        let trees = sync::read(&self.trees);
        trees.iter().find(|table| table.name.as_bytes() == name).cloned()
    }

    fn read_all(&mut self) -> Result<(), StoreError> {
        for name in catch_panic(|| Ok(self.db.tree_names()))? {
            if self.is_closing() {
                return Ok(());
            }
            self.progress.begin_tree(&String::from_utf8_lossy(&name));
            match self.find_table(&name) {
                Some(table) => self.read_table(&table),
                None if name == DEFAULT_TREE => {}
                None => {
                    // The tree is not open, so nothing changes it. If it was opened meanwhile, this
                    // is not damage.
                    let outcome = self.read_unopened(&name);
                    if let (Err(error), None) = (outcome, self.find_table(&name)) {
                        self.damage
                            .report_damage(&String::from_utf8_lossy(&name), &error.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    fn read_table(&mut self, table: &Table) {
        // One at a time is held, so that those that are merged meanwhile can go.
        let numbers: Vec<u64> = table.live_runs().iter().map(|run| run.number).collect();
        for number in numbers {
            let run = table.live_runs().iter().find(|run| run.number == number).cloned();
            if let Some(run) = run
                && let Err(error) =
                    verify_run(&run, table.sled_tree(), |size| self.throttle_reads(size))
            {
                self.damage.report_damage(&table.name, &error.to_string());
            }
        }
    }

    fn read_unopened(&mut self, name: &[u8]) -> Result<(), StoreError> {
        let tree = catch_panic(|| self.db.open_tree(name))?;
        for member in Manifest::read(&tree)?.runs {
            let run = SortedRun::open(&tree, member)?;
            verify_run(&run, &tree, |size| self.throttle_reads(size))?;
        }
        tracing::trace!(tree = name_of(&tree), "has been read");
        Ok(())
    }

    /// Paces the scrub after `size` bytes; returns whether to go on.
    fn throttle_reads(&mut self, size: usize) -> bool {
        self.bytes += size as u64;
        let due = Duration::from_secs_f64(
            self.bytes as f64 / self.settings.bytes_per_second.max(1) as f64,
        );
        while !self.is_closing()
            && let Some(rest) =
                due.checked_sub(self.begun.elapsed()).filter(|rest| *rest > MIN_PAUSE)
        {
            thread::park_timeout(rest);
        }
        self.progress.count_block();
        !self.is_closing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_cannot_be_read_to_its_end_is_reported_and_one_that_is_read_slowly_is_not() {
        let reading = ScrubProgress::default();
        let later = |by| Instant::now() + by;
        assert_eq!(reading.stuck_tree(later(STUCK_AFTER * 2)), None);
        reading.begin_tree("bookrent.rent");
        reading.count_block();
        assert_eq!(reading.stuck_tree(later(STUCK_AFTER / 2)), None);
        assert_eq!(reading.stuck_tree(later(STUCK_AFTER * 2)).as_deref(), Some("bookrent.rent"));
        reading.end_pass();
        assert_eq!(reading.stuck_tree(later(STUCK_AFTER * 2)), None);
    }
}
