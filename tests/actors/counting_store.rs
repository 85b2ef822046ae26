//! A store that counts what is written into it, and what is read.

use holdfast::store::{
    Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, MemoryStore, Row, Scan, Store,
    StoreError, StoreHealth, TreeId, keys::Space,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// What was written.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub rows: usize,
    pub bytes: usize,
    /// Of those the claims that were put.
    pub claims: usize,
    /// The largest state of each context.
    pub largest: BTreeMap<String, usize>,
}

/// A store in memory that counts.
#[derive(Debug, Clone)]
pub struct Counting {
    pub memory: MemoryStore,
    counted: Arc<Mutex<(Written, BTreeMap<u32, String>)>>,
    read: Arc<AtomicUsize>,
}

impl Counting {
    pub fn new() -> Self {
        Self { memory: MemoryStore::new(), counted: Arc::default(), read: Arc::default() }
    }
    /// How many rows were read since the last time; a look at nothing counts as one.
    pub fn rows_read(&self) -> usize {
        self.read.swap(0, SeqCst)
    }
    /// What was written since the last time.
    pub fn written(&self) -> Written {
        std::mem::take(&mut self.counted.lock().unwrap().0)
    }
}

impl Store for Counting {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        let tree = self.memory.open_tree(name)?;
        self.counted.lock().unwrap().1.insert(tree.0, name.to_owned());
        Ok(tree)
    }
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.memory.activate(tree)
    }
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        self.read.fetch_add(keys.len(), SeqCst);
        self.memory.read(tree, keys)
    }
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let rows = self.memory.scan(tree, scan)?;
        self.read.fetch_add(rows.len().max(1), SeqCst);
        Ok(rows)
    }
    fn submit(&self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        let mut counted = self.counted.lock().unwrap();
        let (written, names) = &mut *counted;
        let context = names.get(&batch.tree.0).cloned().unwrap_or_default();
        for (key, record) in &batch.writes {
            let size = record.as_ref().map_or(0, Vec::len);
            written.rows += 1;
            written.bytes += key.len() + size;
            written.claims +=
                usize::from(key.first() == Some(&(Space::Claim as u8)) && record.is_some());
            if key.first() == Some(&(Space::State as u8)) {
                let largest = written.largest.entry(context.clone()).or_default();
                *largest = (*largest).max(size);
            }
        }
        drop(counted);
        self.memory.submit(batch)
    }
    fn durable_commit(&self) -> Commit {
        self.memory.durable_commit()
    }
    fn on_durable(&self, commit: Commit, then: DurabilityCallback) {
        self.memory.on_durable(commit, then);
    }
    fn health(&self) -> StoreHealth {
        self.memory.health()
    }
}
