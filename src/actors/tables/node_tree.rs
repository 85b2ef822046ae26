//! A tree of the node itself, which belongs to no context. What is damaged in it costs its own rows.

use super::gaps::{self, ReadRange};
use crate::store::{
    Batch, Commit, Epoch, Row, Scan, Store, StoreError, TreeId,
    paging::{Pages, Rows},
};
use std::sync::Arc;

/// A tree of the node.
#[derive(Debug)]
pub struct NodeTree {
    store: Arc<dyn Store>,
    id: TreeId,
    epoch: Epoch,
    name: &'static str,
}

impl ReadRange for NodeTree {
    fn scan_rows(&self, scan: &Scan) -> Result<Rows, StoreError> {
        self.store.scan(self.id, scan)
    }
    fn report_damage(&self, what: &str) {
        tracing::error!(tree = self.name, what, "row of the node is damaged");
    }
}

impl NodeTree {
    /// Opens the tree called `name`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(store: &Arc<dyn Store>, name: &'static str) -> Result<Self, StoreError> {
        let id = store.open_tree(name)?;
        let epoch = store.activate(id)?;
        Ok(Self { store: store.clone(), id, epoch, name })
    }

    /// One row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_row(&self, key: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.store.read(self.id, &[key])?.pop().flatten())
    }

    /// The next page of a range of keys with `prefix` bytes in common, or `None` after the last one. Parts that cannot be
    /// read are reported and left out.
    ///
    /// # Errors
    /// [`StoreError`], but no damage.
    pub fn next_page(&self, pages: &mut Pages, prefix: usize) -> Result<Option<Rows>, StoreError> {
        gaps::next_page(self, pages, prefix, gaps::NAMED)
    }

    /// The last row of a range; where the end of it cannot be read, the last before that.
    ///
    /// # Errors
    /// [`StoreError`], but no damage.
    pub fn read_last(&self, range: Scan) -> Result<Option<(Vec<u8>, Row)>, StoreError> {
        gaps::last_row(self, range)
    }

    /// Writes or removes a row; accepted when this resolves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_row(&self, key: Vec<u8>, record: Option<Vec<u8>>) -> Result<(), StoreError> {
        let writes = vec![(key, record)];
        let batch = Batch { tree: self.id, epoch: self.epoch, expects: Vec::new(), writes };
        self.store.commit(batch).await.map(drop)
    }

    /// Writes or removes a row, and is done once a power cut cannot take that back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_durably(
        &self,
        key: Vec<u8>,
        record: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.write_row(key, record).await?;
        self.store.durable(self.store.accepted_commit()).await
    }

    /// Resolves once `commit` is durable.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wait_durable(&self, commit: Commit) -> Result<(), StoreError> {
        self.store.durable(commit).await
    }
}
