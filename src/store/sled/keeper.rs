//! What goes on behind the committer: rows leave memory for runs, runs are merged, and the journal is let go of what is
//! in runs.

use super::{
    Trees,
    guard::guarded,
    journal::{self, Slots},
    mark::Mark,
    open::MARK,
    pipe::Pipe,
    table::Table,
};
use crate::store::{Commit, StoreError};
use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

/// What both threads need.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) db: sled::Db,
    /// A handle of our own of sled's file: its flush asks for `sync_file_range`, which keeps nothing over a power cut.
    pub(super) file: File,
    pub(super) trees: Trees,
    pub(super) pipe: Arc<Pipe>,
    pub(super) dir: PathBuf,
    pub(super) slots: Slots,
    pub(super) store: u128,
    pub(super) closing: AtomicBool,
    /// Declared last, so that the directory is free only when sled has let go of it.
    pub(super) _lock: Arc<File>,
}

/// The threads that keep a store.
#[derive(Debug)]
pub(super) struct Threads {
    keeper: Arc<Keeper>,
    writer: JoinHandle<()>,
    merger: JoinHandle<()>,
}

impl Threads {
    pub(super) fn start(keeper: Keeper) -> io::Result<Self> {
        let keeper = Arc::new(keeper);
        let merging = keeper.clone();
        let merger = thread::Builder::new()
            .name("merger".into())
            .spawn(move || merging.until_closing(|keeper| keeper.merge_runs()))?;
        let (writing, wake) = (keeper.clone(), merger.thread().clone());
        let writer = thread::Builder::new().name("run-writer".into()).spawn(move || {
            writing.until_closing(|keeper| {
                let wrote = keeper.write_run()?;
                if wrote {
                    wake.unpark();
                }
                Ok(wrote)
            });
        })?;
        keeper.pipe.kept_by(writer.thread().clone());
        Ok(Self { keeper, writer, merger })
    }

    /// Ends them, and waits for that if it is to. What is half done is done again after the next start.
    pub(super) fn end(self, wait: bool) {
        self.keeper.closing.store(true, Ordering::Release);
        let threads = [self.writer, self.merger];
        threads.iter().for_each(|thread| thread.thread().unpark());
        // The last handle of the store may have gone on one of them, with a callback.
        let others = threads.into_iter().filter(|other| other.thread().id() != thread::current().id());
        for thread in others {
            if wait && thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

impl Keeper {
    fn go_on(&self) -> bool {
        !self.closing.load(Ordering::Acquire)
    }

    /// Works until there is nothing to do, and again when woken. An error is the end of the store.
    fn until_closing(&self, work: impl Fn(&Self) -> Result<bool, StoreError>) {
        while self.go_on() {
            let done = catch_unwind(AssertUnwindSafe(|| work(self)))
                .unwrap_or_else(|_| Err(StoreError::Failed("the store panicked while it wrote its runs".into())));
            match done {
                Ok(true) => {}
                Ok(false) => thread::park(),
                Err(error) => return self.pipe.fail(error),
            }
        }
    }

    fn tables(&self) -> Vec<Arc<Table>> {
        self.trees.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tree that should write its rows, if one should: the one with most, or with the oldest.
    fn overdue(&self) -> Option<Arc<Table>> {
        let tables = self.tables().into_iter();
        let crowds = journal::crowds(&self.slots);
        if self.pipe.wants_room() && crowds < 2 {
            return tables.max_by_key(|table| table.newest_bytes());
        }
        if crowds > 0 {
            return tables
                .filter(|table| table.first_unwritten().is_some())
                .min_by_key(|table| table.first_unwritten());
        }
        None
    }

    fn write_run(&self) -> Result<bool, StoreError> {
        journal::make_spare(&self.dir, &self.slots).map_err(journal::failed)?;
        let Some(table) = self.overdue() else { return Ok(false) };
        // Nothing of it may be in memory although somebody was refused: what waits for the journal takes room too.
        if table.first_unwritten().is_none() {
            return Ok(false);
        }
        self.write_out(&table)?;
        self.let_go()?;
        Ok(true)
    }

    /// Writes what `table` has in memory.
    pub(super) fn write_out(&self, table: &Table) -> Result<(), StoreError> {
        let Some(frozen) = table.freeze() else { return Ok(()) };
        // A run must not have what a crash takes back elsewhere.
        let (word, durable) = mpsc::channel();
        self.pipe.when_durable(frozen.last(), Box::new(move |result| drop(word.send(result))));
        durable.recv().map_err(|_| StoreError::Failed("the committer has ended".into()))??;
        table.write_frozen(&frozen, || self.go_on())?;
        self.pipe.grow(-(frozen.bytes() as isize));
        Ok(())
    }

    /// Makes the runs durable, and lets the journal go of what they hold.
    pub(super) fn let_go(&self) -> Result<(), StoreError> {
        let durable = self.pipe.durability.number();
        let oldest = self.tables().iter().filter_map(|table| table.first_unwritten()).min();
        let through: Commit = oldest.map_or(durable, |first| durable.min(first - 1));
        // Behind the runs in sled's log: if this is there after a power cut, so are they.
        let mark = Mark { store: self.store, commit: through };
        guarded(|| self.db.insert(MARK, &mark.to_bytes()))?;
        self.sync()?;
        journal::trim(&self.slots, through);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        guarded(|| {
            self.db.flush()?;
            Ok(self.file.sync_data()?)
        })
    }

    fn merge_runs(&self) -> Result<bool, StoreError> {
        let mut merged = false;
        for table in self.tables() {
            if table.merge(|| self.go_on())? {
                merged = true;
                self.sync()?;
            }
            for run in table.retired() {
                table.remove(run, || self.go_on())?;
            }
        }
        Ok(merged)
    }
}
