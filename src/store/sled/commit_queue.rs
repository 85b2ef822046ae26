//! The way from acceptance to the disk: a queue in the order of commits, and the committer at its
//! end.

use super::{journal_format, table::Table};
use crate::{
    durations::{DurationCounts, Durations},
    store::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, StoreError, TreeId,
        durability::Durability,
    },
    sync,
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::Thread,
    time::{Duration, Instant},
};

/// The largest group, in batches and in bytes, so that no sync waits for an endless write.
const GROUP_BATCHES: usize = 4096;
const GROUP_BYTES: usize = 1024 * 1024;

/// How long batches may gather whose durability is not awaited, such as the steps in the middle of
/// a saga. Each sync costs 100 µs and more, so it should serve as many as it can.
const LINGER: Duration = Duration::from_millis(20);

/// An accepted batch on its way to the journal.
#[derive(Debug)]
pub struct QueuedBatch {
    pub commit: Commit,
    /// As the journal stores it.
    pub encoded: Vec<u8>,
}

/// Where groups go.
pub trait LogWriter: Send + 'static {
    /// Writes a group as a whole.
    fn write_group(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError>;
    /// Makes all that was written durable.
    fn sync_writes(&mut self) -> Result<(), StoreError>;
    /// Whether it holds more than it should, or has no room for more.
    fn needs_maintenance(&self) -> bool;
    /// Writes how far commits are durable, if it is time to; gives the time until it should be
    /// called again.
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
    /// The last commit whose durability is awaited.
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
    /// For more batches: the ones it has are not awaited yet.
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
    sync_durations: Durations,
    /// Bytes of rows in memory that are in no run yet.
    memory: AtomicU64,
    /// A batch was refused since rows were last flushed.
    flush_requested: AtomicBool,
    limit: u64,
    /// Writes rows out of memory.
    maintenance: OnceLock<Thread>,
}

/// Figures for health.
pub struct QueueStats {
    pub accepted: Commit,
    pub syncs: u64,
    pub sync_durations: DurationCounts,
    pub unwritten: u64,
}

impl CommitQueue {
    /// A queue that continues after commit `last` and takes `limit` bytes of unflushed batches.
    pub fn new(last: Commit, limit: u64) -> Self {
        Self {
            state: Mutex::new(QueueState { accepted: last, ..QueueState::default() }),
            committer_wake: Condvar::new(),
            durability: Durability::new(last),
            syncs: AtomicU64::new(0),
            sync_durations: Durations::default(),
            memory: AtomicU64::new(0),
            flush_requested: AtomicBool::new(false),
            limit,
            maintenance: OnceLock::new(),
        }
    }

    pub fn queue_stats(&self) -> QueueStats {
        let state = sync::lock(&self.state);
        QueueStats {
            accepted: state.accepted,
            syncs: self.syncs.load(Ordering::Relaxed),
            sync_durations: self.sync_durations.read_counts(),
            unwritten: state.queued + self.memory.load(Ordering::Relaxed),
        }
    }

    /// Begins an activation of `tree`.
    pub fn activate_tree(&self, tree: TreeId) -> Epoch {
        let mut state = sync::lock(&self.state);
        let place = tree.0 as usize;
        if state.epochs.len() <= place {
            state.epochs.resize(place + 1, 0);
        }
        let Some(epoch) = state.epochs.get_mut(place) else { return Epoch(0) };
        *epoch += 1;
        Epoch(*epoch)
    }

    /// Accepts a batch for `table` if its expectations hold. Number, memory and queue change under
    /// one lock, so that the queue is in the order of commits and no reader sees half a batch.
    pub fn accept_batch(
        &self,
        batch: Batch,
        table: &Table,
        expectations_hold: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<CommitVerdict, StoreError> {
        let encoded = journal_format::encode_batch(&table.name, &batch.writes);
        let bytes = encoded.len() as u64;
        let mut state = sync::lock(&self.state);
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        if state.epochs.get(batch.tree.0 as usize) != Some(&batch.epoch.0) {
            return Err(StoreError::Superseded);
        }
        // One that is larger than the whole room passes when the room is empty, or it never would.
        let unwritten = state.queued + self.memory.load(Ordering::Relaxed);
        if unwritten > 0 && unwritten + bytes > self.limit {
            self.request_flush();
            return Err(StoreError::Overloaded);
        }
        if !expectations_hold()? {
            return Ok(CommitVerdict::Conflict);
        }
        let commit = state.accepted + 1;
        state.accepted = commit;
        state.queued += bytes;
        self.add_memory(table.apply_writes(commit, batch.writes));
        state.queue.push_back(QueuedBatch { commit, encoded });
        if state.committer == CommitterState::Idle
            || state.committer == CommitterState::Lingering && state.queued > GROUP_BYTES as u64
        {
            state.committer = CommitterState::Awake;
            self.committer_wake.notify_one();
        }
        Ok(CommitVerdict::Accepted(commit))
    }

    /// Calls `read` with the last accepted commit, while no other is accepted.
    pub fn at_one_commit<T>(&self, read: impl FnOnce(Commit) -> T) -> T {
        let state = sync::lock(&self.state);
        read(state.accepted)
    }

    /// Waits until `commit` is durable.
    pub fn wait_durable(&self, commit: Commit) -> Result<(), StoreError> {
        let (sender, durable) = mpsc::channel();
        self.on_durable(commit, Box::new(move |result| drop(sender.send(result))));
        durable.recv().map_err(|_| StoreError::Failed("the committer has ended".into()))?
    }

    /// Calls `callback` once `commit` is durable or never will be. An awaited commit is synced
    /// without delay.
    pub fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        {
            let mut state = sync::lock(&self.state);
            state.awaited = state.awaited.max(commit.min(state.accepted));
            if state.committer == CommitterState::Lingering && state.must_commit_now() {
                state.committer = CommitterState::Awake;
                self.committer_wake.notify_one();
            }
        }
        self.durability.on_durable(commit, callback);
    }

    /// Adds to the bytes of rows in memory; a negative number takes away.
    pub fn add_memory(&self, bytes: isize) {
        self.memory.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether rows should be flushed.
    fn is_half_full(&self) -> bool {
        self.memory.load(Ordering::Relaxed) > self.limit / 2
    }

    /// Takes the request to flush: there are many rows, or a batch was refused.
    pub fn take_flush_request(&self) -> bool {
        self.flush_requested.swap(false, Ordering::Relaxed) || self.is_half_full()
    }

    /// Who is to be woken when rows should be written out of memory.
    pub fn set_maintenance_thread(&self, keeper: Thread) {
        // There is one.
        let _ = self.maintenance.set(keeper);
    }

    /// Asks for a flush: a batch has been refused.
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
        let mut state = sync::lock(&self.state);
        state.closing = true;
        state.refusal.get_or_insert_with(|| StoreError::Failed("it has been closed".into()));
        self.committer_wake.notify_one();
    }

    /// The store has failed: nothing more is taken, and all who wait get the error.
    pub fn fail_with(&self, error: StoreError) {
        tracing::error!(%error, "nothing more is acknowledged");
        sync::lock(&self.state).refusal = Some(error.clone());
        self.durability.fail_with(error);
    }

    /// Waits for batches, at most for `patience`. An empty group: nothing came. `None`: closed, and nothing is left.
    fn next_group(&self, patience: Option<Duration>) -> Option<Vec<QueuedBatch>> {
        let mut state = sync::lock(&self.state);
        state.committer = CommitterState::Idle;
        let is_idle = |state: &mut QueueState| state.queue.is_empty() && !state.closing;
        let patience = patience.unwrap_or(Duration::MAX);
        state = wait_while(&self.committer_wake, state, patience, is_idle);
        if state.queue.is_empty() && state.closing {
            return None;
        }
        if !state.queue.is_empty() && !state.must_commit_now() {
            state.committer = CommitterState::Lingering;
            let lingers = |state: &mut QueueState| !state.must_commit_now();
            state = wait_while(&self.committer_wake, state, LINGER, lingers);
        }
        state.committer = CommitterState::Awake;
        let mut bytes = 0;
        let fitting = state.queue.iter().take(GROUP_BATCHES).take_while(|batch| {
            let fits = bytes < GROUP_BYTES;
            bytes += batch.encoded.len();
            fits
        });
        let count = fitting.count();
        Some(state.queue.drain(..count).collect())
    }

    /// Writes group after group until the pipe is closed and empty, or the medium fails. While one group syncs, the
    /// next gathers.
    pub fn run_committer(&self, mut medium: impl LogWriter) {
        let mut patience = None;
        while let Some(group) = self.next_group(patience) {
            if let Some(last) = group.last().map(|batch| batch.commit) {
                let began = Instant::now();
                let written = catch_unwind(AssertUnwindSafe(|| {
                    medium.write_group(&group)?;
                    medium.sync_writes()
                }))
                .unwrap_or_else(|_| {
                    Err(StoreError::Failed("the database panicked while it wrote".into()))
                });
                match written {
                    Ok(()) => {}
                    Err(error @ StoreError::Failed(_)) => return self.fail_with(error),
                    Err(error) => return self.fail_with(StoreError::Failed(error.to_string())),
                }
                self.syncs.fetch_add(1, Ordering::Relaxed);
                self.sync_durations.observe_duration(began.elapsed());
                sync::lock(&self.state).queued -=
                    group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
                self.durability.advance_to(last);
                if self.is_half_full() || medium.needs_maintenance() {
                    self.wake_maintenance();
                }
            }
            patience = medium.write_watermark(self.durability.durable_commit(), false);
        }
        medium.write_watermark(self.durability.durable_commit(), true);
        self.durability.fail_with(StoreError::Failed("it has been closed".into()));
    }
}

/// Waits while `condition` holds, at most for `timeout`.
fn wait_while<'a>(
    wake: &Condvar,
    state: MutexGuard<'a, QueueState>,
    timeout: Duration,
    condition: impl FnMut(&mut QueueState) -> bool,
) -> MutexGuard<'a, QueueState> {
    let waited = wake.wait_timeout_while(state, timeout, condition);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests;
