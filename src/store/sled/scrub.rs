//! The scrub: everything that is in runs is read now and then, gently, so that damage is noticed while there is still a
//! backup without it, and not when somebody needs the row.

use super::{
    Trees,
    damage::Damage,
    guard::guarded,
    judge::DEFAULT_TREE,
    manifest::Manifest,
    run::{Run, name as name_of},
    table::Table,
};
use crate::store::{StoreError, lock};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrubbing {
    /// From the beginning of one to that of the next. The first begins at once.
    pub every: Duration,
    /// At most so many bytes a second are read.
    pub bytes_per_second: u64,
}

impl Default for Scrubbing {
    fn default() -> Self {
        Self { every: Duration::from_secs(24 * 60 * 60), bytes_per_second: 16 << 20 }
    }
}

/// A rest shorter than this is put off.
const REST: Duration = Duration::from_millis(20);

/// A block that takes longer than this will never have been read: sled looks for ever for some pages that it has lost.
const ENDLESS: Duration = Duration::from_secs(60);

/// Which tree is being read, and since when nothing of it has come.
#[derive(Debug, Default)]
struct Reading(Mutex<Option<(String, Instant)>>);

impl Reading {
    fn begin(&self, tree: &str) {
        *lock(&self.0) = Some((tree.to_owned(), Instant::now()));
    }
    fn goes_on(&self) {
        if let Some((_, since)) = &mut *lock(&self.0) {
            *since = Instant::now();
        }
    }
    fn end(&self) {
        *lock(&self.0) = None;
    }
    /// The tree that cannot be read to its end.
    fn endless(&self, now: Instant) -> Option<String> {
        let is_endless =
            |(_, since): &&(String, Instant)| now.saturating_duration_since(*since) > ENDLESS;
        lock(&self.0).as_ref().filter(is_endless).map(|(tree, _)| tree.clone())
    }
}

/// The thread that scrubs.
#[derive(Debug)]
pub(super) struct Scrubber {
    thread: JoinHandle<()>,
    closing: Arc<AtomicBool>,
    finished: Arc<AtomicU64>,
    reading: Arc<Reading>,
    damage: Arc<Damage>,
    said: AtomicBool,
}

impl Scrubber {
    pub(super) fn start(
        db: sled::Db,
        trees: Trees,
        damage: Arc<Damage>,
        how: Scrubbing,
    ) -> io::Result<Self> {
        let (closing, finished) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let reading = Arc::<Reading>::default();
        let work = Work {
            db,
            trees,
            damage: damage.clone(),
            how,
            closing: closing.clone(),
            reading: reading.clone(),
            begun: Instant::now(),
            bytes: 0,
        };
        let count = finished.clone();
        let thread =
            thread::Builder::new().name("scrub".into()).spawn(move || work.go_on(&count))?;
        Ok(Self { thread, closing, finished, reading, damage, said: AtomicBool::new(false) })
    }

    /// How many times everything has been read since the start.
    pub(super) fn finished(&self) -> u64 {
        self.hangs();
        self.finished.load(Ordering::Relaxed)
    }

    /// Whether it hangs in a tree, which is damage too.
    fn hangs(&self) -> bool {
        let endless = self.reading.endless(Instant::now());
        if let Some(tree) = &endless
            && !self.said.swap(true, Ordering::Relaxed)
        {
            self.damage.report(tree, "a part of it cannot be read to its end");
        }
        endless.is_some()
    }

    pub(super) fn end(self, wait: bool) {
        self.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if wait && !self.hangs() && self.thread.join().is_err() {
            tracing::error!("the scrub of the store has panicked");
        }
    }
}

struct Work {
    db: sled::Db,
    trees: Trees,
    damage: Arc<Damage>,
    how: Scrubbing,
    closing: Arc<AtomicBool>,
    reading: Arc<Reading>,
    begun: Instant,
    bytes: u64,
}

impl Work {
    fn go_on(mut self, finished: &AtomicU64) {
        while !self.is_closing() {
            (self.begun, self.bytes) = (Instant::now(), 0);
            if let Err(error) = self.read_all() {
                self.damage.report("database", &error.to_string());
            }
            self.reading.end();
            if !self.is_closing() {
                finished.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(bytes = self.bytes, "all of the store has been read");
            }
            while !self.is_closing()
                && let Some(rest) =
                    self.how.every.checked_sub(self.begun.elapsed()).filter(|rest| !rest.is_zero())
            {
                thread::park_timeout(rest);
            }
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn table(&self, name: &[u8]) -> Option<Arc<Table>> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        trees.iter().find(|table| table.name.as_bytes() == name).cloned()
    }

    fn read_all(&mut self) -> Result<(), StoreError> {
        for name in guarded(|| Ok(self.db.tree_names()))? {
            if self.is_closing() {
                return Ok(());
            }
            self.reading.begin(&String::from_utf8_lossy(&name));
            match self.table(&name) {
                Some(table) => self.read_table(&table),
                None if name == DEFAULT_TREE => {}
                None => {
                    // Nobody has opened it, so nobody changes it; unless somebody does now, and then it is not damaged.
                    let outcome = self.read_closed(&name);
                    if let (Err(error), None) = (outcome, self.table(&name)) {
                        self.damage.report(&String::from_utf8_lossy(&name), &error.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    fn read_table(&mut self, table: &Table) {
        // One at a time is held, so that those that are merged meanwhile can go.
        let numbers: Vec<u64> = table.counted().iter().map(|run| run.number).collect();
        for number in numbers {
            let run = table.counted().iter().find(|run| run.number == number).cloned();
            if let Some(run) = run
                && let Err(error) = run.verify(table.sled(), |size| self.took(size))
            {
                self.damage.report(&table.name, &error.to_string());
            }
        }
    }

    fn read_closed(&mut self, name: &[u8]) -> Result<(), StoreError> {
        let tree = guarded(|| self.db.open_tree(name))?;
        for member in Manifest::read(&tree)?.runs {
            Run::open(&tree, member)?.verify(&tree, |size| self.took(size))?;
        }
        tracing::trace!(tree = name_of(&tree), "has been read");
        Ok(())
    }

    /// So many bytes have been read: rests for as long as that should have taken. Gives whether to go on.
    fn took(&mut self, size: usize) -> bool {
        self.bytes += size as u64;
        let due =
            Duration::from_secs_f64(self.bytes as f64 / self.how.bytes_per_second.max(1) as f64);
        while !self.is_closing()
            && let Some(rest) = due.checked_sub(self.begun.elapsed()).filter(|rest| *rest > REST)
        {
            thread::park_timeout(rest);
        }
        self.reading.goes_on();
        !self.is_closing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_cannot_be_read_to_its_end_is_told_and_one_that_is_read_slowly_is_not() {
        let (reading, later) = (Reading::default(), |by| Instant::now() + by);
        assert_eq!(reading.endless(later(ENDLESS * 2)), None);
        reading.begin("bookrent.rent");
        reading.goes_on();
        assert_eq!(reading.endless(later(ENDLESS / 2)), None);
        assert_eq!(reading.endless(later(ENDLESS * 2)).as_deref(), Some("bookrent.rent"));
        reading.end();
        assert_eq!(reading.endless(later(ENDLESS * 2)), None);
    }
}
