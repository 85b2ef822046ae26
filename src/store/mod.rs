//! The store: a port that is batch-shaped and knows versions, and the adapters behind it.
//!
//! A context owns one tree; what one turn of its actor writes is one [`Batch`]; what a batch was decided on is what it
//! [expects](Batch::expects). The store first *accepts* a batch (from then on everybody in this process sees it) and
//! later makes it *durable* (from then on a power cut cannot take it back). Whoever is about to say something to the
//! outside waits with [`Store::when_durable`].

pub mod codec;
mod durability;
pub mod keys;
mod memory;
mod sled;

pub use self::{
    memory::MemoryStore,
    sled::{
        Audit, CheckReport, FailPoints, Options, Reserve, ScrubSettings, SledStore, StoreProblem,
        TreeReport, check_store,
    },
};

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Counts accepted batches of the whole node, from 1. A row's commit number is its version.
pub type Commit = u64;

/// A tree that has been opened: its place in the list of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeId(pub u32);

/// One activation of a tree's owner. Batches of older ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A stored row: the record, and the commit that wrote it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The commit that wrote it.
    pub commit: Commit,
    /// The record: see [`codec`].
    pub record: Vec<u8>,
}

/// What one turn writes, all or nothing.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Into which tree.
    pub tree: TreeId,
    /// By which activation of its owner.
    pub epoch: Epoch,
    /// Rows that the turn's decisions rest on: key, and the commit that had written it (0: there was none).
    pub expects: Vec<(Vec<u8>, Commit)>,
    /// Rows to put (a record) or to remove (`None`); each key once.
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// What the store says to a batch.
#[derive(Debug)]
pub enum Verdict {
    /// It stands, under this number, and can no longer conflict.
    Accepted(Commit),
    /// Something it rests on has changed: decide again from loaded rows.
    Conflict,
    /// A shared database decides; the word comes through here. Never [`Verdict::Pending`] again.
    Pending(oneshot::Receiver<Result<Verdict, StoreError>>),
}

/// A range of one tree's keys to read.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The first key, inclusive.
    pub from: Vec<u8>,
    /// The end, exclusive.
    pub to: Vec<u8>,
    /// From the end backwards.
    pub backwards: bool,
    /// At most so many rows.
    pub limit: usize,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The disk failed or the database is gone. Nothing may be acknowledged any more.
    #[error("the store has failed: {0}")]
    Failed(String),
    /// The row or the files are not as they were written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A newer activation of the tree's owner has taken over.
    #[error("a newer activation has taken over")]
    Superseded,
    /// The store went away while it decided: the batch may stand, or not.
    #[error("the store went away, and whether it has taken the batch is not known")]
    Unknown,
    /// Unwritten batches take up all the room they may; try again in a moment.
    #[error("the store is behind; try again in a moment")]
    Overloaded,
    /// The store cannot be opened; the words say what to do.
    #[error("{0}")]
    CannotOpen(String),
    /// The request itself is wrong: a record over the limit, a tree that was never opened.
    #[error("{0}")]
    Invalid(String),
}

/// Called on any thread once a commit is durable, or will never be.
pub type DurabilityCallback = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Trees of rows. One batch is one atomic commit; commits become durable in the order in which they were accepted.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Opens the tree called `name`, which is created where there is none.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError>;

    /// Begins a new activation of the tree's owner: batches of older epochs are refused from now on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a tree that was never opened.
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError>;

    /// Reads the rows under `keys`, in that order, accepted but unwritten ones included.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError>;

    /// Reads a range of rows in key order, accepted but unwritten ones included.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError>;

    /// Hands over what a turn writes.
    ///
    /// # Errors
    /// [`StoreError::Superseded`], [`StoreError::Behind`], [`StoreError::Failed`] or [`StoreError::Invalid`]; nothing of
    /// the batch stands then.
    fn submit(&self, batch: Batch) -> Result<Verdict, StoreError>;

    /// The highest commit that is durable, with all before it.
    fn durable_commit(&self) -> Commit;

    /// The last commit that was accepted.
    fn accepted_commit(&self) -> Commit {
        self.health().accepted_commit
    }

    /// Calls `then` once `commit` is durable: at once, on this thread, where it already is.
    fn on_durable(&self, commit: Commit, then: DurabilityCallback);

    /// Whether the disk has so little room left that only what has been accepted should still be written.
    fn is_full(&self) -> bool {
        self.health().full
    }

    /// Why it has failed, if it has.
    fn failure(&self) -> Option<String> {
        self.health().failed
    }

    /// How it is doing; asks the disk for its size.
    fn health(&self) -> StoreHealth;
}

/// How the store is doing, for health, metrics and admission.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreHealth {
    /// Why it has failed, if it has: then the node answers nothing more.
    pub failed: Option<String>,
    /// What was found damaged last: it answers on, but not what lies there.
    pub damage: Option<String>,
    /// How often something damaged was found since the start.
    pub damages: u64,
    /// How often all of it has been read since the start, to find such.
    pub scrubs: u64,
    /// The last accepted commit.
    pub accepted_commit: Commit,
    /// The last durable commit.
    pub durable_commit: Commit,
    /// Groups made durable since the start: each is one `sync_data`.
    pub syncs: u64,
    /// Bytes of batches that are accepted and not yet in their trees.
    pub unwritten_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes that are free on the disk, where that is known.
    pub free_bytes: Option<u64>,
    /// Bytes that are to stay free for what has been accepted.
    pub reserve_bytes: u64,
    /// Fewer are free: new commands are refused.
    pub full: bool,
    /// What accepted batches wait for before they can become durable, such as room on the disk.
    pub waits_for: Option<String>,
    /// The runs of the tree that has most of them.
    pub most_runs: u64,
}

/// Locks; what a panicking thread left behind was whole, because nothing under these locks panics half way.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
