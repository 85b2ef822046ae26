//! A store that counts the rows that are read, for tests of what things cost.

use crate::store::{
    Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, MemoryStore, Row, Scan, Store,
    StoreError, StoreHealth, TreeId,
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A store that counts the rows that are read.
#[derive(Debug, Default)]
pub struct Counting(MemoryStore, AtomicUsize);

impl Counting {
    /// How many rows have been read; a look at nothing counts as one.
    pub fn rows_read(&self) -> usize {
        self.1.load(SeqCst)
    }
}

impl Store for Counting {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        self.0.open_tree(name)
    }
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.0.activate(tree)
    }
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        self.1.fetch_add(keys.len(), SeqCst);
        self.0.read(tree, keys)
    }
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let rows = self.0.scan(tree, scan)?;
        self.1.fetch_add(rows.len().max(1), SeqCst);
        Ok(rows)
    }
    fn submit(&self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        self.0.submit(batch)
    }
    fn durable_commit(&self) -> Commit {
        self.0.durable_commit()
    }
    fn on_durable(&self, commit: Commit, then: DurabilityCallback) {
        self.0.on_durable(commit, then);
    }
    fn health(&self) -> StoreHealth {
        self.0.health()
    }
}
