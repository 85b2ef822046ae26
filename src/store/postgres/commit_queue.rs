//! The way from acceptance to the database: a queue in the order of commits.

use super::{group::QueuedBatch, trees::PostgresTree};
use crate::{
    durations::{DurationCounts, Durations},
    store::{Batch, Commit, CommitVerdict, DurabilityCallback, StoreError, durability::Durability},
    sync,
};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The largest group, in batches and in bytes.
const GROUP_BATCHES: usize = 4096;
const GROUP_BYTES: u64 = 1024 * 1024;

/// How long batches may gather whose durability is not awaited, such as the steps in the middle of a saga.
const LINGER: Duration = Duration::from_millis(20);

/// Commit numbers come from the database in blocks of so many, so that those of a later holder of a lease are higher.
pub const BLOCK: Commit = 1_000_000;
/// The next block is fetched when fewer are left.
const BLOCK_LOW: Commit = BLOCK / 2;

#[derive(Debug, Default)]
struct QueueState {
    queue: VecDeque<QueuedBatch>,
    accepted: Commit,
    /// The numbers that may be given out.
    numbers: Range<Commit>,
    next_numbers: Option<Range<Commit>>,
    /// Bytes that are not written.
    unwritten: u64,
    refusal: Option<StoreError>,
    closing: Option<Instant>,
    /// The last commit whose durability is awaited.
    awaited: Commit,
    /// The committer waits: waking one that is awake is a system call for nothing.
    is_idle: bool,
    is_lingering: bool,
}

impl QueueState {
    fn must_commit_now(&self) -> bool {
        let first = self.queue.front().map_or(Commit::MAX, |batch| batch.commit);
        self.closing.is_some() || self.awaited >= first || self.unwritten > GROUP_BYTES
    }

    fn next_number(&mut self) -> Option<Commit> {
        if self.numbers.is_empty() {
            self.numbers = self.next_numbers.take()?;
        }
        self.numbers.next()
    }
}

/// What the store and its committer share.
#[derive(Debug)]
pub struct CommitQueue {
    state: Mutex<QueueState>,
    wake: Condvar,
    pub durability: Durability,
    groups: AtomicU64,
    group_durations: Durations,
    limit: u64,
    /// What the committer waits for.
    waits_for: Mutex<Option<String>>,
    is_full: AtomicBool,
    /// The database has been away for so long that new batches are refused.
    is_away: AtomicBool,
}

/// Figures for health.
pub struct QueueFigures {
    pub accepted: Commit,
    pub unwritten: u64,
    pub groups: u64,
    pub group_durations: DurationCounts,
}

impl CommitQueue {
    /// A queue that gives out the numbers of a block, and takes `limit` bytes of unwritten batches.
    pub fn new(first: Commit, limit: u64) -> Self {
        let accepted = first.saturating_sub(1);
        let numbers = first..first.saturating_add(BLOCK);
        Self {
            state: Mutex::new(QueueState { accepted, numbers, ..QueueState::default() }),
            wake: Condvar::new(),
            durability: Durability::new(accepted),
            groups: AtomicU64::new(0),
            group_durations: Durations::default(),
            limit,
            waits_for: Mutex::default(),
            is_full: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
        }
    }

    pub fn figures(&self) -> QueueFigures {
        let state = sync::lock(&self.state);
        QueueFigures {
            accepted: state.accepted,
            unwritten: state.unwritten,
            groups: self.groups.load(Ordering::Relaxed),
            group_durations: self.group_durations.read_counts(),
        }
    }

    /// Accepts a batch for `tree` if its expectations hold. Number, memory and queue change under one lock, so that the
    /// queue is in the order of commits and no reader sees half a batch.
    pub fn accept_batch(
        &self,
        batch: Batch,
        tree: &Arc<PostgresTree>,
        expectations_hold: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<CommitVerdict, StoreError> {
        let size = |(key, record): &(Vec<u8>, Option<Vec<u8>>)| {
            key.len() + record.as_ref().map_or(0, Vec::len)
        };
        let bytes = batch.writes.iter().map(size).sum::<usize>() as u64;
        let mut state = sync::lock(&self.state);
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        if !tree.is_active(batch.epoch) {
            return Err(StoreError::Superseded);
        }
        // One that is larger than the whole room passes when the room is empty, or it never would.
        let is_away = self.is_away.load(Ordering::Relaxed);
        if is_away || state.unwritten > 0 && state.unwritten + bytes > self.limit {
            return Err(StoreError::Overloaded);
        }
        if !expectations_hold()? {
            return Ok(CommitVerdict::Conflict);
        }
        let commit = state.next_number().ok_or(StoreError::Overloaded)?;
        state.accepted = commit;
        state.unwritten += bytes;
        tree.rows.apply_writes(commit, &batch.writes);
        let queued = QueuedBatch { commit, tree: tree.clone(), writes: batch.writes, bytes };
        state.queue.push_back(queued);
        if state.is_idle || state.is_lingering && state.must_commit_now() {
            state.is_idle = false;
            self.wake.notify_one();
        }
        Ok(CommitVerdict::Accepted(commit))
    }

    /// Calls `callback` once `commit` is durable or never will be. An awaited commit is written without delay.
    pub fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        {
            let mut state = sync::lock(&self.state);
            state.awaited = state.awaited.max(commit.min(state.accepted));
            if state.is_lingering && state.must_commit_now() {
                self.wake.notify_one();
            }
        }
        self.durability.on_durable(commit, callback);
    }

    /// Takes no more, and lets the committer end once it has written what it has.
    pub fn close(&self) {
        let mut state = sync::lock(&self.state);
        state.closing.get_or_insert_with(Instant::now);
        state.refusal.get_or_insert_with(|| StoreError::Failed("it has been closed".into()));
        self.wake.notify_one();
    }

    /// For how long it has been closing.
    pub fn closing_for(&self) -> Option<Duration> {
        sync::lock(&self.state).closing.map(|since| since.elapsed())
    }

    /// Nothing more is taken, and all who wait get the error.
    pub fn fail_with(&self, error: StoreError) {
        {
            let mut state = sync::lock(&self.state);
            if state.closing.is_none() {
                tracing::error!(%error, "nothing more is acknowledged");
            }
            state.refusal = Some(error.clone());
            state.closing.get_or_insert_with(Instant::now);
            self.wake.notify_one();
        }
        self.durability.fail_with(error);
    }

    /// Why nothing more is taken.
    pub fn refusal(&self) -> Option<StoreError> {
        sync::lock(&self.state).refusal.clone()
    }

    /// Whether another block of numbers is wanted.
    pub fn needs_numbers(&self) -> bool {
        let state = sync::lock(&self.state);
        let left = state.numbers.end.saturating_sub(state.numbers.start);
        state.next_numbers.is_none() && left < BLOCK_LOW
    }

    /// Takes the block of numbers from `first` on.
    pub fn add_numbers(&self, first: Commit) {
        sync::lock(&self.state).next_numbers = Some(first..first.saturating_add(BLOCK));
    }

    /// Whether new batches are refused because the database has been away for long.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    /// What the committer waits for, while it does.
    pub fn set_waiting(&self, waits_for: Option<&str>, is_full: bool) {
        let mut now = sync::lock(&self.waits_for);
        match waits_for {
            Some(why) if now.as_deref() != Some(why) => {
                tracing::warn!(why, "what was accepted waits to be written");
            }
            None if now.is_some() => tracing::info!("what was accepted is written again"),
            _ => {}
        }
        *now = waits_for.map(ToOwned::to_owned);
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    pub fn waits_for(&self) -> Option<String> {
        sync::lock(&self.waits_for).clone()
    }

    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Waits for batches. `None`: closed, and nothing is left.
    pub fn next_batches(&self) -> Option<Vec<QueuedBatch>> {
        let mut state = sync::lock(&self.state);
        state.is_idle = true;
        let is_idle = |state: &mut QueueState| state.queue.is_empty() && state.closing.is_none();
        state = self.wake.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        state.is_idle = false;
        if !state.queue.is_empty() && !state.must_commit_now() {
            state.is_lingering = true;
            state = self.linger(state);
            state.is_lingering = false;
        }
        let mut bytes = 0;
        let fitting = state.queue.iter().take(GROUP_BATCHES).take_while(|batch| {
            let fits = bytes < GROUP_BYTES;
            bytes += batch.bytes;
            fits
        });
        let count = fitting.count();
        let batches: Vec<_> = state.queue.drain(..count).collect();
        (!batches.is_empty()).then_some(batches)
    }

    fn linger<'a>(&self, state: MutexGuard<'a, QueueState>) -> MutexGuard<'a, QueueState> {
        let lingers = |state: &mut QueueState| !state.must_commit_now();
        let waited = self.wake.wait_timeout_while(state, LINGER, lingers);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Batches of `bytes`, up to the commit `last`, are written.
    pub fn written(&self, last: Commit, bytes: u64, began: Instant) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.group_durations.observe_duration(began.elapsed());
        sync::lock(&self.state).unwritten -= bytes;
        self.durability.advance_to(last);
    }
}
