//! The port: what the runtime asks of a store.

use super::keys::{Space, prefix_end};
use crate::durations::DurationCounts;
use futures_util::{FutureExt, future::BoxFuture};
use std::fmt;
use tokio::sync::oneshot;

/// Counts accepted batches of the whole node, from 1. A row's commit number is its version.
pub type Commit = u64;

/// A tree that has been opened: its place in the list of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeId(pub u32);

/// One activation of a tree's owner. Batches of older activations are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A stored row: the record, and the commit that wrote it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The commit that wrote it.
    pub commit: Commit,
    /// The record: see [`codec`](super::codec).
    pub record: Vec<u8>,
}

/// What one turn writes, all or nothing.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Into which tree.
    pub tree: TreeId,
    /// By which activation of its owner.
    pub epoch: Epoch,
    /// Rows that the turn's decisions depend on: key, and the commit that wrote it (0: no row).
    pub expects: Vec<(Vec<u8>, Commit)>,
    /// Rows to put (a record) or to remove (`None`); each key once.
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The store's answer to a batch.
#[derive(Debug)]
pub enum CommitVerdict {
    /// Committed under this number; it can no longer conflict.
    Accepted(Commit),
    /// A row that it depends on has changed: load again and decide again.
    Conflict,
    /// Another process decides; its verdict comes through here, and is never
    /// [`CommitVerdict::Pending`] again.
    Pending(oneshot::Receiver<Result<CommitVerdict, StoreError>>),
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
    /// The largest number of rows to read.
    pub limit: usize,
}

impl Scan {
    /// The rows whose keys begin with `prefix`, from the first on.
    pub fn prefix(prefix: &[u8], limit: usize) -> Self {
        Self { from: prefix.to_vec(), to: prefix_end(prefix), backwards: false, limit }
    }

    /// The rows of a key space, from the first on.
    pub fn space(space: Space, limit: usize) -> Self {
        Self::prefix(&[space as u8], limit)
    }

    /// The same rows from the last on.
    #[must_use]
    pub fn from_the_end(self) -> Self {
        Self { backwards: true, ..self }
    }
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
    /// The store went away while it decided: the batch may be committed or not.
    #[error("the store went away, and whether it has taken the batch is not known")]
    Unknown,
    /// Unflushed batches fill the memory that they may use; try again in a moment.
    #[error("the store is under pressure; try again in a moment")]
    Overloaded,
    /// The store cannot be opened; the text says what to do.
    #[error("{0}")]
    CannotOpen(String),
    /// The request itself is wrong: a record over the limit, a tree that was never opened.
    #[error("{0}")]
    Invalid(String),
}

impl StoreError {
    /// The error of waiting for a store that is closed meanwhile.
    pub fn closed() -> Self {
        Self::Failed("the store is closed".into())
    }
}

/// Called on any thread once a commit is durable, or never will be.
pub type DurabilityCallback = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Trees of rows. One batch is one atomic commit; commits become durable in the order in which they
/// were accepted.
///
/// ```
/// use holdfast::store::{Batch, CommitVerdict, MemoryStore, Scan, Store};
///
/// let store = MemoryStore::new();
/// let tree = store.open_tree("shop.order")?;
/// let epoch = store.activate(tree)?;
/// // It depends on that there is no such row yet, so a second time it is a conflict.
/// let key = b"1".to_vec();
/// let writes = vec![(key.clone(), Some(b"a record".to_vec()))];
/// let batch = Batch { tree, epoch, expects: vec![(key, 0)], writes };
/// let CommitVerdict::Accepted(commit) = store.submit(batch.clone())? else { panic!("the first") };
/// assert!(matches!(store.submit(batch)?, CommitVerdict::Conflict));
///
/// // Everything in this process sees it now; what leaves the process waits for the disk.
/// let rows = store.scan(tree, &Scan::prefix(b"", 100))?;
/// assert_eq!(rows[0].1.commit, commit);
/// actix_rt::System::new().block_on(store.durable(commit))?;
/// assert!(store.durable_commit() >= commit);
/// # Ok::<(), holdfast::store::StoreError>(())
/// ```
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Opens the tree called `name`, and creates it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError>;

    /// Begins a new activation of the tree's owner: batches of older epochs are refused from now on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a tree that was never opened.
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError>;

    /// Reads the rows under `keys`, in that order, accepted but unflushed ones included.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError>;

    /// Reads a range of rows in key order, accepted but unflushed ones included.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::Damaged`].
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError>;

    /// Submits what a turn writes.
    ///
    /// # Errors
    /// [`StoreError::Superseded`], [`StoreError::Overloaded`], [`StoreError::Failed`] or
    /// [`StoreError::Invalid`]; then nothing of the batch is committed.
    fn submit(&self, batch: Batch) -> Result<CommitVerdict, StoreError>;

    /// Submits a batch and waits for its verdict, which is never [`CommitVerdict::Pending`].
    ///
    /// # Errors
    /// As [`Store::submit`].
    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<CommitVerdict, StoreError>> {
        let submitted = self.submit(batch);
        async move {
            match submitted? {
                CommitVerdict::Pending(verdict) => {
                    verdict.await.unwrap_or_else(|_| Err(StoreError::closed()))
                }
                verdict => Ok(verdict),
            }
        }
        .boxed()
    }

    /// The highest commit that is durable, with all before it.
    fn durable_commit(&self) -> Commit;

    /// Whether `commit` is durable, and what was judged by it may be answered now.
    fn is_durable(&self, commit: Commit) -> bool {
        commit <= self.durable_commit()
    }

    /// The last commit that was accepted.
    fn accepted_commit(&self) -> Commit {
        self.health().accepted_commit
    }

    /// Calls `callback` once `commit` is durable: at once, on this thread, where it already is.
    fn on_durable(&self, commit: Commit, callback: DurabilityCallback);

    /// Resolves once `commit` is durable.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: it never will be.
    fn durable(&self, commit: Commit) -> BoxFuture<'static, Result<(), StoreError>> {
        let (sender, durable) = oneshot::channel();
        self.on_durable(commit, Box::new(move |result| drop(sender.send(result))));
        durable.map(|result| result.unwrap_or_else(|_| Err(StoreError::closed()))).boxed()
    }

    /// Whether it has snapshots, and so can be backed up by this software.
    fn has_snapshots(&self) -> bool {
        false
    }

    /// All rows as they are now, while the store goes on. It waits for the disk, so it is called off the threads that serve.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; [`StoreError::Invalid`] of a store that has no snapshots.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Err(StoreError::Invalid(
            "this store has no snapshots: back it up with its own tools".into(),
        ))
    }

    /// Whether the disk has so little room left that only what has been accepted should still be
    /// written.
    fn is_full(&self) -> bool {
        self.health().full
    }

    /// Why it has failed, if it has.
    fn failure(&self) -> Option<String> {
        self.health().failed
    }

    /// How it is doing; asks the disk for its size.
    fn health(&self) -> StoreHealth;

    /// Which store this is, for as long as it exists: the same after restarts, and in a restored backup.
    fn identity(&self) -> u128 {
        0
    }

    /// Writes what has been accepted, and takes no more. Reading goes on.
    fn close(&self) {}
}

/// All rows of a store, as they were when one commit had been accepted and none after it. It is durable with all before it.
///
/// What it reads stays as it is until it is dropped, however much is written meanwhile, and takes up room on the disk: it
/// should not be kept for longer than it is read.
pub trait Snapshot: Send + fmt::Debug + 'static {
    /// Which store it is of.
    fn store(&self) -> u128;

    /// The last commit that it has something of.
    fn commit(&self) -> Commit;

    /// The trees, in the order of their names.
    fn trees(&self) -> Vec<String>;

    /// Reads rows of a tree in the order of their keys, at most `limit`, from the key `from` on.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`], or [`StoreError::Invalid`] for a tree that it does not have.
    fn read_page(
        &self,
        tree: &str,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Row)>, StoreError>;
}

/// How the store is doing, for health, metrics and admission.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreHealth {
    /// Why it has failed, if it has: then the node answers nothing more.
    pub failed: Option<String>,
    /// What was found damaged last. Everything else is still served.
    pub damage: Option<String>,
    /// How often something damaged was found since the start.
    pub damages: u64,
    /// How many scrubs have been completed since the start.
    pub scrubs: u64,
    /// The last accepted commit.
    pub accepted_commit: Commit,
    /// The last durable commit.
    pub durable_commit: Commit,
    /// Groups made durable since the start: each is one `sync_data`.
    pub syncs: u64,
    /// How long each of them took to be written and synced.
    pub sync_durations: DurationCounts,
    /// Bytes of batches that are accepted and not flushed.
    pub unwritten_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes that are free on the disk, where that is known.
    pub free_bytes: Option<u64>,
    /// Bytes that are kept free for what has been accepted.
    pub reserve_bytes: u64,
    /// Fewer are free: new commands are refused.
    pub full: bool,
    /// What accepted batches wait for before they can become durable, such as room on the disk.
    pub waits_for: Option<String>,
    /// The number of runs of the tree that has most of them.
    pub most_runs: u64,
}
