//! The way from acceptance to the disk: the intake, in the order of commits, and the committer at its end.

use super::{journal, table::Table};
use crate::store::{Batch, Commit, Epoch, StoreError, TreeId, Verdict, durability::Durability, lock};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::Thread,
    time::Duration,
};

/// A group holds at most so many batches, or so many bytes, so that no sync waits for an endless write.
const GROUP_BATCHES: usize = 4096;
const GROUP_BYTES: usize = 1024 * 1024;

/// An accepted batch on its way to the journal.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) commit: Commit,
    /// As it stands in the journal.
    pub(super) encoded: Vec<u8>,
}

/// Where groups go.
pub(super) trait Medium: Send + 'static {
    /// Writes a group as a whole.
    fn write(&mut self, group: &[Accepted]) -> Result<(), StoreError>;
    /// Makes all that was written durable.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Whether it holds more than it should, or has no room for more.
    fn wants_care(&self) -> bool;
    /// Notes how far things are durable, if it is time to; says in how long it wants to be asked again.
    fn note(&mut self, durable: Commit, closing: bool) -> Option<Duration>;
}

#[derive(Debug, Default)]
struct Intake {
    queue: VecDeque<Accepted>,
    accepted: Commit,
    /// Bytes in the queue.
    queued: u64,
    /// By tree.
    epochs: Vec<u64>,
    refusal: Option<StoreError>,
    closing: bool,
    /// Whether the committer sleeps: waking one who is awake is a system call for nothing.
    asleep: bool,
}

/// What the store and its committer share.
#[derive(Debug)]
pub(super) struct Pipe {
    intake: Mutex<Intake>,
    wake: Condvar,
    pub(super) durability: Durability,
    syncs: AtomicU64,
    /// Bytes of rows in memory that are in no run yet.
    memory: AtomicU64,
    /// Somebody was refused since rows were last written.
    pressed: AtomicBool,
    limit: u64,
    /// Writes rows out of memory.
    keeper: OnceLock<Thread>,
}

/// Figures for health.
pub(super) struct Figures {
    pub(super) accepted: Commit,
    pub(super) syncs: u64,
    pub(super) unwritten: u64,
}

impl Pipe {
    /// A pipe behind commit `last`, which takes `limit` bytes of unwritten batches.
    pub(super) fn new(last: Commit, limit: u64) -> Self {
        Self {
            intake: Mutex::new(Intake { accepted: last, ..Intake::default() }),
            wake: Condvar::new(),
            durability: Durability::new(last),
            syncs: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            pressed: AtomicBool::new(false),
            limit,
            keeper: OnceLock::new(),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let intake = lock(&self.intake);
        Figures {
            accepted: intake.accepted,
            syncs: self.syncs.load(Ordering::Relaxed),
            unwritten: intake.queued + self.memory.load(Ordering::Relaxed),
        }
    }

    /// Begins an activation of `tree`.
    pub(super) fn activate(&self, tree: TreeId) -> Epoch {
        let mut intake = lock(&self.intake);
        let place = tree.0 as usize;
        if intake.epochs.len() <= place {
            intake.epochs.resize(place + 1, 0);
        }
        let Some(epoch) = intake.epochs.get_mut(place) else { return Epoch(0) };
        *epoch += 1;
        Epoch(*epoch)
    }

    /// Accepts a batch for `table` if `stands` says that what it rests on does. Number, memory and queue change under
    /// one lock, so that the queue is in the order of commits and nobody sees half a batch.
    pub(super) fn accept(
        &self,
        batch: Batch,
        table: &Table,
        stands: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<Verdict, StoreError> {
        let encoded = journal::encode(&table.name, &batch.writes);
        let bytes = encoded.len() as u64;
        let mut intake = lock(&self.intake);
        if let Some(refusal) = &intake.refusal {
            return Err(refusal.clone());
        }
        if intake.epochs.get(batch.tree.0 as usize) != Some(&batch.epoch.0) {
            return Err(StoreError::Superseded);
        }
        // One that is larger than the whole room passes when the room is empty, or it never would.
        let unwritten = intake.queued + self.memory.load(Ordering::Relaxed);
        if unwritten > 0 && unwritten + bytes > self.limit {
            self.pressed.store(true, Ordering::Relaxed);
            self.nudge();
            return Err(StoreError::Behind);
        }
        if !stands()? {
            return Ok(Verdict::Conflict);
        }
        let commit = intake.accepted + 1;
        intake.accepted = commit;
        intake.queued += bytes;
        self.grow(table.lay(commit, batch.writes));
        intake.queue.push_back(Accepted { commit, encoded });
        if std::mem::take(&mut intake.asleep) {
            self.wake.notify_one();
        }
        Ok(Verdict::Accepted(commit))
    }

    /// Rows in memory take up so many bytes more, or less.
    pub(super) fn grow(&self, bytes: isize) {
        self.memory.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether so much is in memory that some of it should be written.
    fn is_full(&self) -> bool {
        self.memory.load(Ordering::Relaxed) > self.limit / 2
    }

    /// Whether rows should be written, because there are many or because somebody was refused.
    pub(super) fn wants_room(&self) -> bool {
        self.pressed.swap(false, Ordering::Relaxed) || self.is_full()
    }

    /// Who is to be woken when rows should be written out of memory.
    pub(super) fn kept_by(&self, keeper: Thread) {
        // There is one.
        let _ = self.keeper.set(keeper);
    }

    pub(super) fn nudge(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.unpark();
        }
    }

    /// Takes no more, and lets the committer end once it has written what it has.
    pub(super) fn close(&self) {
        let mut intake = lock(&self.intake);
        intake.closing = true;
        intake.refusal.get_or_insert_with(|| StoreError::Failed("it has been closed".into()));
        self.wake.notify_one();
    }

    /// The store has failed: nothing more is taken, and whoever waits hears it.
    pub(super) fn fail(&self, error: StoreError) {
        tracing::error!(%error, "nothing more is acknowledged");
        lock(&self.intake).refusal = Some(error.clone());
        self.durability.fail(error);
    }

    /// Waits for batches, at most for `patience`. An empty group: nothing came. `None`: closed, and nothing is left.
    fn next(&self, patience: Option<Duration>) -> Option<Vec<Accepted>> {
        let mut intake = lock(&self.intake);
        while intake.queue.is_empty() {
            if intake.closing {
                return None;
            }
            intake.asleep = true;
            match patience {
                None => intake = self.wake.wait(intake).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (woken, timeout) =
                        self.wake.wait_timeout(intake, patience).unwrap_or_else(PoisonError::into_inner);
                    intake = woken;
                    if timeout.timed_out() {
                        break;
                    }
                }
            }
        }
        intake.asleep = false;
        let mut bytes = 0;
        let fitting = intake.queue.iter().take(GROUP_BATCHES).take_while(|batch| {
            let fits = bytes < GROUP_BYTES;
            bytes += batch.encoded.len();
            fits
        });
        let count = fitting.count();
        Some(intake.queue.drain(..count).collect())
    }

    /// Writes group after group until the pipe is closed and empty, or the medium fails. While one group syncs, the
    /// next gathers.
    pub(super) fn commit_all(&self, mut medium: impl Medium) {
        let mut patience = None;
        while let Some(group) = self.next(patience) {
            if let Some(last) = group.last().map(|batch| batch.commit) {
                let written = catch_unwind(AssertUnwindSafe(|| {
                    medium.write(&group)?;
                    medium.sync()
                }))
                .unwrap_or_else(|_| Err(StoreError::Failed("the database panicked while it wrote".into())));
                match written {
                    Ok(()) => {}
                    Err(error @ StoreError::Failed(_)) => return self.fail(error),
                    Err(error) => return self.fail(StoreError::Failed(error.to_string())),
                }
                self.syncs.fetch_add(1, Ordering::Relaxed);
                lock(&self.intake).queued -= group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
                self.durability.reach(last);
                if self.is_full() || medium.wants_care() {
                    self.nudge();
                }
            }
            patience = medium.note(self.durability.number(), false);
        }
        medium.note(self.durability.number(), true);
        self.durability.fail(StoreError::Failed("it has been closed".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    /// A medium whose syncs wait for a word: go on, fail or panic.
    struct Slow {
        groups: mpsc::Sender<usize>,
        word: mpsc::Receiver<Result<(), StoreError>>,
    }
    impl Medium for Slow {
        fn write(&mut self, group: &[Accepted]) -> Result<(), StoreError> {
            self.groups.send(group.len()).expect("the test listens");
            Ok(())
        }
        fn sync(&mut self) -> Result<(), StoreError> {
            self.word.recv().expect("the test is still there, or else the disk panics")
        }
        fn wants_care(&self) -> bool {
            false
        }
        fn note(&mut self, _: Commit, _: bool) -> Option<Duration> {
            None
        }
    }

    struct Rig {
        pipe: Arc<Pipe>,
        table: Table,
        groups: mpsc::Receiver<usize>,
        word: mpsc::Sender<Result<(), StoreError>>,
        tell: mpsc::Sender<(Commit, bool)>,
        heard: mpsc::Receiver<(Commit, bool)>,
    }

    fn rig() -> Rig {
        let pipe = Arc::new(Pipe::new(0, 1 << 20));
        let (groups, groups_out) = mpsc::channel();
        let (word, word_out) = mpsc::channel();
        let committer = pipe.clone();
        std::thread::spawn(move || committer.commit_all(Slow { groups, word: word_out }));
        pipe.activate(TreeId(0));
        let (tell, heard) = mpsc::channel();
        let db = sled::Config::new().temporary(true).open().expect("opens");
        let table = Table::open("a.b", db.open_tree("a.b").expect("opens")).expect("opens");
        Rig { pipe, table, groups: groups_out, word, tell, heard }
    }

    impl Rig {
        fn submit(&self, key: u8) -> Result<Commit, StoreError> {
            let writes = vec![(vec![key], Some(vec![0; 9]))];
            let batch = Batch { tree: TreeId(0), epoch: Epoch(1), expects: Vec::new(), writes };
            match self.pipe.accept(batch, &self.table, || Ok(true))? {
                Verdict::Accepted(commit) => Ok(commit),
                other => panic!("{other:?}"),
            }
        }
        fn listen(&self, commit: Commit) {
            let tell = self.tell.clone();
            self.pipe
                .durability
                .wait(commit, Box::new(move |word| tell.send((commit, word.is_ok())).expect("the test listens")));
        }
        fn hears(&self) -> (Commit, bool) {
            self.heard.recv().expect("the sender lives in the rig")
        }
    }

    #[test]
    fn while_one_group_syncs_the_next_gathers() {
        let rig = rig();
        rig.submit(1).expect("accepted");
        assert_eq!(rig.groups.recv(), Ok(1));
        for key in 2..=6 {
            rig.submit(key).expect("accepted");
        }
        rig.listen(6);
        assert!(rig.heard.try_recv().is_err(), "nothing has been synced");
        rig.word.send(Ok(())).expect("the committer waits");
        assert_eq!(rig.groups.recv(), Ok(5));
        assert_eq!(rig.pipe.durability.number(), 1);
        rig.word.send(Ok(())).expect("the committer waits");
        assert_eq!(rig.hears(), (6, true));
        assert_eq!(rig.pipe.figures().syncs, 2);
    }

    #[test]
    fn waiters_are_released_in_the_order_of_commits() {
        let rig = rig();
        (1..=3).for_each(|key| assert!(rig.submit(key).is_ok()));
        [3, 1, 2].into_iter().for_each(|commit| rig.listen(commit));
        (0..3).for_each(|_| rig.word.send(Ok(())).expect("the committer waits"));
        assert_eq!([rig.hears(), rig.hears(), rig.hears()], [(1, true), (2, true), (3, true)]);
    }

    #[test]
    fn after_a_failed_sync_nothing_is_durable_and_nothing_is_taken() {
        let rig = rig();
        rig.submit(1).expect("accepted");
        rig.listen(1);
        rig.word.send(Err(StoreError::Failed("no space".into()))).expect("the committer waits");
        assert_eq!(rig.hears(), (1, false));
        assert_eq!(rig.submit(2), Err(StoreError::Failed("no space".into())));
        rig.listen(1);
        assert_eq!(rig.hears(), (1, false), "whoever asks later hears it too");
    }

    #[test]
    fn a_panic_of_the_database_is_a_failure_like_any_other() {
        let mut rig = rig();
        // Whoever waits for a word from nobody panics.
        rig.word = mpsc::channel().0;
        rig.listen(1);
        rig.submit(1).expect("accepted");
        assert_eq!(rig.hears(), (1, false));
        assert!(matches!(rig.submit(2), Err(StoreError::Failed(_))));
    }
}
