//! The way from acceptance to the disk: the intake, in the order of commits, and the committer at its end.

use super::{journal_format, table::Table};
use crate::store::{
    Batch, Commit, DurabilityCallback, Epoch, StoreError, TreeId, Verdict, durability::Durability,
    lock,
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
pub struct QueuedBatch {
    pub commit: Commit,
    /// As it stands in the journal.
    pub encoded: Vec<u8>,
}

/// Where groups go.
pub trait LogWriter: Send + 'static {
    /// Writes a group as a whole.
    fn write(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError>;
    /// Makes all that was written durable.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Whether it holds more than it should, or has no room for more.
    fn needs_maintenance(&self) -> bool;
    /// Notes how far things are durable, if it is time to; says in how long it wants to be asked again.
    fn write_watermark(&mut self, durable: Commit, closing: bool) -> Option<Duration>;
}

#[derive(Debug, Default)]
struct QueueState {
    queue: VecDeque<QueuedBatch>,
    accepted: Commit,
    /// Bytes in the queue.
    queued: u64,
    /// By tree.
    epochs: Vec<u64>,
    refusal: Option<StoreError>,
    closing: bool,
    /// The last commit that somebody waits for.
    awaited: Commit,
    /// What the committer waits for: waking one who is awake is a system call for nothing.
    committer: CommitterState,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum CommitterState {
    /// It is awake.
    #[default]
    Awake,
    /// A batch.
    Idle,
    /// Somebody who waits for what it has: until then there is no hurry.
    Lingering,
}

impl QueueState {
    /// Whether what is queued should be made durable at once.
    fn must_commit_now(&self) -> bool {
        let first = self.queue.front().map_or(Commit::MAX, |batch| batch.commit);
        self.closing || self.awaited >= first || self.queued > GROUP_BYTES as u64
    }
}

/// What the store and its committer share.
#[derive(Debug)]
pub struct CommitQueue {
    state: Mutex<QueueState>,
    committer_wake: Condvar,
    pub durability: Durability,
    syncs: AtomicU64,
    /// Bytes of rows in memory that are in no run yet.
    memory: AtomicU64,
    /// Somebody was refused since rows were last written.
    flush_requested: AtomicBool,
    limit: u64,
    /// Writes rows out of memory.
    maintenance: OnceLock<Thread>,
}

/// Figures for health.
pub struct QueueStats {
    pub accepted: Commit,
    pub syncs: u64,
    pub unwritten: u64,
}

impl CommitQueue {
    /// A pipe behind commit `last`, which takes `limit` bytes of unwritten batches.
    pub fn new(last: Commit, limit: u64) -> Self {
        Self {
            state: Mutex::new(QueueState { accepted: last, ..QueueState::default() }),
            committer_wake: Condvar::new(),
            durability: Durability::new(last),
            syncs: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            flush_requested: AtomicBool::new(false),
            limit,
            maintenance: OnceLock::new(),
        }
    }

    pub fn stats(&self) -> QueueStats {
        let intake = lock(&self.state);
        QueueStats {
            accepted: intake.accepted,
            syncs: self.syncs.load(Ordering::Relaxed),
            unwritten: intake.queued + self.memory.load(Ordering::Relaxed),
        }
    }

    /// Begins an activation of `tree`.
    pub fn activate(&self, tree: TreeId) -> Epoch {
        let mut intake = lock(&self.state);
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
    pub fn accept(
        &self,
        batch: Batch,
        table: &Table,
        stands: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<Verdict, StoreError> {
        let encoded = journal_format::encode_batch(&table.name, &batch.writes);
        let bytes = encoded.len() as u64;
        let mut intake = lock(&self.state);
        if let Some(refusal) = &intake.refusal {
            return Err(refusal.clone());
        }
        if intake.epochs.get(batch.tree.0 as usize) != Some(&batch.epoch.0) {
            return Err(StoreError::Superseded);
        }
        // One that is larger than the whole room passes when the room is empty, or it never would.
        let unwritten = intake.queued + self.memory.load(Ordering::Relaxed);
        if unwritten > 0 && unwritten + bytes > self.limit {
            self.request_flush();
            return Err(StoreError::Overloaded);
        }
        if !stands()? {
            return Ok(Verdict::Conflict);
        }
        let commit = intake.accepted + 1;
        intake.accepted = commit;
        intake.queued += bytes;
        self.add_memory(table.apply(commit, batch.writes));
        intake.queue.push_back(QueuedBatch { commit, encoded });
        if intake.committer == CommitterState::Idle
            || intake.committer == CommitterState::Lingering && intake.queued > GROUP_BYTES as u64
        {
            intake.committer = CommitterState::Awake;
            self.committer_wake.notify_one();
        }
        Ok(Verdict::Accepted(commit))
    }

    /// Calls `then` once `commit` is durable or never will be. Only what somebody waits for is made so without delay.
    pub fn on_durable(&self, commit: Commit, then: DurabilityCallback) {
        {
            let mut intake = lock(&self.state);
            intake.awaited = intake.awaited.max(commit.min(intake.accepted));
            if intake.committer == CommitterState::Lingering && intake.must_commit_now() {
                intake.committer = CommitterState::Awake;
                self.committer_wake.notify_one();
            }
        }
        self.durability.on_durable(commit, then);
    }

    /// Rows in memory take up so many bytes more, or less.
    pub fn add_memory(&self, bytes: isize) {
        self.memory.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether so much is in memory that some of it should be written.
    fn is_half_full(&self) -> bool {
        self.memory.load(Ordering::Relaxed) > self.limit / 2
    }

    /// Whether rows should be written, because there are many or because somebody was refused.
    pub fn take_flush_request(&self) -> bool {
        self.flush_requested.swap(false, Ordering::Relaxed) || self.is_half_full()
    }

    /// Who is to be woken when rows should be written out of memory.
    pub fn set_maintenance_thread(&self, keeper: Thread) {
        // There is one.
        let _ = self.maintenance.set(keeper);
    }

    /// Somebody has been refused.
    pub fn request_flush(&self) {
        self.flush_requested.store(true, Ordering::Relaxed);
        self.wake_maintenance();
    }

    pub fn wake_maintenance(&self) {
        if let Some(keeper) = self.maintenance.get() {
            keeper.unpark();
        }
    }

    /// Takes no more, and lets the committer end once it has written what it has.
    pub fn close(&self) {
        let mut intake = lock(&self.state);
        intake.closing = true;
        intake.refusal.get_or_insert_with(|| StoreError::Failed("it has been closed".into()));
        self.committer_wake.notify_one();
    }

    /// The store has failed: nothing more is taken, and whoever waits hears it.
    pub fn fail(&self, error: StoreError) {
        tracing::error!(%error, "nothing more is acknowledged");
        lock(&self.state).refusal = Some(error.clone());
        self.durability.fail(error);
    }

    /// Waits for batches, at most for `patience`. An empty group: nothing came. `None`: closed, and nothing is left.
    fn next_group(&self, patience: Option<Duration>) -> Option<Vec<QueuedBatch>> {
        let mut intake = lock(&self.state);
        while intake.queue.is_empty() {
            if intake.closing {
                return None;
            }
            intake.committer = CommitterState::Idle;
            match patience {
                None => {
                    intake =
                        self.committer_wake.wait(intake).unwrap_or_else(PoisonError::into_inner)
                }
                Some(patience) => {
                    let (woken, timeout) = self
                        .committer_wake
                        .wait_timeout(intake, patience)
                        .unwrap_or_else(PoisonError::into_inner);
                    intake = woken;
                    if timeout.timed_out() {
                        break;
                    }
                }
            }
        }
        if !intake.queue.is_empty() && !intake.must_commit_now() {
            intake.committer = CommitterState::Lingering;
            let lingering = |intake: &mut QueueState| !intake.must_commit_now();
            (intake, _) = self
                .committer_wake
                .wait_timeout_while(intake, LINGER, lingering)
                .unwrap_or_else(PoisonError::into_inner);
        }
        intake.committer = CommitterState::Awake;
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
    pub fn run_committer(&self, mut medium: impl LogWriter) {
        let mut patience = None;
        while let Some(group) = self.next_group(patience) {
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
                lock(&self.state).queued -=
                    group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
                self.durability.advance(last);
                if self.is_half_full() || medium.needs_maintenance() {
                    self.wake_maintenance();
                }
            }
            patience = medium.write_watermark(self.durability.commit(), false);
        }
        medium.write_watermark(self.durability.commit(), true);
        self.durability.fail(StoreError::Failed("it has been closed".into()));
    }
}

#[cfg(test)]
mod tests;
