//! The medium of the sled adapter: a group is one transaction over all trees, then a sync that deserves the name.

use super::{
    Hazards, Tree,
    guard::guarded,
    mark::Mark,
    open::MARK,
    pipe::{Accepted, Medium},
};
use crate::store::{Commit, StoreError};
use sled::transaction::{TransactionError, Transactional};
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
    fn write(&mut self, group: &[Accepted], last: Commit) -> Result<(), StoreError> {
        // The default tree is first, because the mark is in every group; the others get their places as they come.
        let mut touched: Vec<sled::Tree> = vec![(*self.db).clone()];
        let mut places: Vec<Option<usize>> = Vec::new();
        {
            let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
            places.resize(trees.len(), None);
            for batch in group {
                let number = batch.tree.0 as usize;
                if let (Some(place @ None), Some(tree)) = (places.get_mut(number), trees.get(number)) {
                    *place = Some(touched.len());
                    touched.push(tree.sled.clone());
                }
            }
        }
        let mark = Mark { store: self.store, commit: last }.to_bytes();
        let _alone = self.writing.write().unwrap_or_else(PoisonError::into_inner);
        guarded(|| {
            let done = touched.as_slice().transaction(|views| {
                let view =
                    |place: usize| views.get(place).ok_or_else(|| sled::Error::Unsupported("no such tree".into()));
                for batch in group {
                    let tree = view(places.get(batch.tree.0 as usize).copied().flatten().unwrap_or(usize::MAX))?;
                    for (key, value) in &batch.writes {
                        match value {
                            Some(value) => tree.insert(key, value)?,
                            None => tree.remove(key)?,
                        };
                    }
                }
                view(0)?.insert(MARK, &mark)?;
                Ok(())
            });
            done.map_err(|error| match error {
                TransactionError::Storage(error) => error,
                TransactionError::Abort(()) => sled::Error::Unsupported("a group was aborted".into()),
            })
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
