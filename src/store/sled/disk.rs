//! The medium of the sled adapter: a group's batches in order, then a sync that deserves the name.

use super::{
    Hazards, Tree,
    guard::guarded,
    mark::Mark,
    open::{BEGUN, MARK},
    pipe::{Accepted, Medium},
};
use crate::store::{Commit, StoreError};
use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// The watermark beside the store costs a sync of its own, so it moves at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// The trees of a store, by their [`crate::store::TreeId`].
pub(super) type Trees = Arc<RwLock<Vec<Arc<Tree>>>>;

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) db: sled::Db,
    pub(super) trees: Trees,
    /// Held while a group goes into the trees; a scan holds it to see all of a group or nothing.
    pub(super) writing: Arc<RwLock<()>>,
    /// A handle of our own of sled's file: its flush asks for `sync_file_range`, which keeps nothing over a power cut.
    pub(super) file: File,
    pub(super) dir: PathBuf,
    pub(super) store: u128,
    pub(super) noted: (Commit, Instant),
    pub(super) hazards: Hazards,
}

impl Medium for Disk {
    /// Batch after batch, each atomic, in the order of their commits; sled's log keeps that order, so a crash leaves
    /// whole batches and a prefix of them. One transaction over all trees was measured more than a quarter
    /// slower, and kept all readers waiting for longer.
    fn write(&mut self, group: &[Accepted], last: Commit) -> Result<(), StoreError> {
        let trees: Vec<Arc<Tree>> = self.trees.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mark = Mark { store: self.store, commit: last }.to_bytes();
        let _alone = self.writing.write().unwrap_or_else(PoisonError::into_inner);
        guarded(|| {
            self.db.insert(BEGUN, &mark)?;
            for batch in group {
                let tree = trees.get(batch.tree.0 as usize);
                let tree = tree.ok_or_else(|| sled::Error::Unsupported("no such tree".into()))?;
                let mut writes = sled::Batch::default();
                for (key, value) in &batch.writes {
                    match value {
                        Some(value) => writes.insert(key, value),
                        None => writes.remove(key),
                    }
                }
                tree.sled.apply_batch(writes)?;
            }
            self.db.insert(MARK, &mark)?;
            Ok(())
        })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        guarded(|| {
            self.db.flush()?;
            if !self.hazards.flush_only {
                self.file.sync_data()?;
            }
            Ok(())
        })
    }

    fn note(&mut self, durable: Commit, closing: bool) -> Option<Duration> {
        let (noted, at) = self.noted;
        if noted == durable {
            return None;
        }
        let waited = at.elapsed();
        if waited < NOTE_EVERY && !closing {
            return Some(NOTE_EVERY - waited);
        }
        // The store itself is sound without it, only less watched.
        if let Err(error) = (Mark { store: self.store, commit: durable }).write(&self.dir) {
            tracing::warn!(%error, "the watermark could not be written");
        }
        self.noted = (durable, Instant::now());
        None
    }
}
