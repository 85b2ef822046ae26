//! The way from acceptance to the disk: the intake, in the order of commits, and the committer at its end.

use super::{journal, table::Table};
use crate::store::{
    Batch, Commit, Epoch, StoreError, TreeId, Verdict, WhenDurable, durability::Durability, lock,
};
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

/// How long batches may gather that nobody waits for, such as the steps in the middle of a saga. Each sync costs 100 µs
/// and more, so it should serve as many as it can.
const LINGER: Duration = Duration::from_millis(20);

/// An accepted batch on its way to the journal.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) commit: Commit,
    /// As it stands in the journal.
    pub(super) encoded: Vec<u8>,
}

/// Where groups go.
pub(super) trait LogWriter: Send + 'static {
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
struct QueueState {
    queue: VecDeque<Accepted>,
    accepted: Commit,
    /// Bytes in the queue.
    queued: u64,
    /// By tree.
    epochs: Vec<u64>,
    refusal: Option<StoreError>,
    closing: bool,
    /// The last commit that somebody waits for.
    wanted: Commit,
    /// What the committer waits for: waking one who is awake is a system call for nothing.
    awaits: Awaits,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Awaits {
    /// It is awake.
    #[default]
    Nothing,
    /// A batch.
    Batch,
    /// Somebody who waits for what it has: until then there is no hurry.
    Word,
}

impl QueueState {
    /// Whether what is queued should be made durable at once.
    fn is_hurried(&self) -> bool {
        let first = self.queue.front().map_or(Commit::MAX, |batch| batch.commit);
        self.closing || self.wanted >= first || self.queued > GROUP_BYTES as u64
    }
}

/// What the store and its committer share.
#[derive(Debug)]
pub(super) struct CommitQueue {
    intake: Mutex<QueueState>,
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

impl CommitQueue {
    /// A pipe behind commit `last`, which takes `limit` bytes of unwritten batches.
    pub(super) fn new(last: Commit, limit: u64) -> Self {
        Self {
            intake: Mutex::new(QueueState { accepted: last, ..QueueState::default() }),
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
            self.press();
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
        if intake.awaits == Awaits::Batch
            || intake.awaits == Awaits::Word && intake.queued > GROUP_BYTES as u64
        {
            intake.awaits = Awaits::Nothing;
            self.wake.notify_one();
        }
        Ok(Verdict::Accepted(commit))
    }

    /// Calls `then` once `commit` is durable or never will be. Only what somebody waits for is made so without delay.
    pub(super) fn when_durable(&self, commit: Commit, then: WhenDurable) {
        {
            let mut intake = lock(&self.intake);
            intake.wanted = intake.wanted.max(commit.min(intake.accepted));
            if intake.awaits == Awaits::Word && intake.is_hurried() {
                intake.awaits = Awaits::Nothing;
                self.wake.notify_one();
            }
        }
        self.durability.wait(commit, then);
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

    /// Somebody has been refused.
    pub(super) fn press(&self) {
        self.pressed.store(true, Ordering::Relaxed);
        self.nudge();
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
            intake.awaits = Awaits::Batch;
            match patience {
                None => intake = self.wake.wait(intake).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (woken, timeout) = self
                        .wake
                        .wait_timeout(intake, patience)
                        .unwrap_or_else(PoisonError::into_inner);
                    intake = woken;
                    if timeout.timed_out() {
                        break;
                    }
                }
            }
        }
        if !intake.queue.is_empty() && !intake.is_hurried() {
            intake.awaits = Awaits::Word;
            let lingering = |intake: &mut QueueState| !intake.is_hurried();
            (intake, _) = self
                .wake
                .wait_timeout_while(intake, LINGER, lingering)
                .unwrap_or_else(PoisonError::into_inner);
        }
        intake.awaits = Awaits::Nothing;
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
    pub(super) fn commit_all(&self, mut medium: impl LogWriter) {
        let mut patience = None;
        while let Some(group) = self.next(patience) {
            if let Some(last) = group.last().map(|batch| batch.commit) {
                let written = catch_unwind(AssertUnwindSafe(|| {
                    medium.write(&group)?;
                    medium.sync()
                }))
                .unwrap_or_else(|_| {
                    Err(StoreError::Failed("the database panicked while it wrote".into()))
                });
                match written {
                    Ok(()) => {}
                    Err(error @ StoreError::Failed(_)) => return self.fail(error),
                    Err(error) => return self.fail(StoreError::Failed(error.to_string())),
                }
                self.syncs.fetch_add(1, Ordering::Relaxed);
                lock(&self.intake).queued -=
                    group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
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
mod tests;
