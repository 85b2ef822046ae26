//! The trees that are open.

use super::rows::Rows;
use crate::{
    store::{Epoch, StoreError, TreeId},
    sync,
};
use std::sync::{
    Arc, RwLock,
    atomic::{AtomicU64, Ordering},
};

/// An open tree.
#[derive(Debug)]
pub struct PostgresTree {
    /// Its number in the database.
    pub id: i32,
    pub name: String,
    /// The system whose lease it is written under.
    pub system: Arc<str>,
    pub rows: Rows,
    epoch: AtomicU64,
}

impl PostgresTree {
    pub fn new(id: i32, name: &str) -> Self {
        let system = name.split_once('.').map_or(name, |(system, _)| system);
        let epoch = AtomicU64::new(0);
        Self { id, name: name.to_owned(), system: system.into(), rows: Rows::default(), epoch }
    }

    /// Begins an activation.
    pub fn activate(&self) -> Epoch {
        Epoch(self.epoch.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Whether `epoch` is that of the last activation.
    pub fn is_active(&self, epoch: Epoch) -> bool {
        self.epoch.load(Ordering::Acquire) == epoch.0
    }
}

/// The open trees, by their places.
#[derive(Debug, Default)]
pub struct Trees(RwLock<Vec<Arc<PostgresTree>>>);

impl Trees {
    pub fn find(&self, tree: TreeId) -> Result<Arc<PostgresTree>, StoreError> {
        let trees = sync::read(&self.0);
        let tree = trees.get(tree.0 as usize).cloned();
        tree.ok_or_else(|| StoreError::Invalid("this tree was never opened".into()))
    }

    /// Opens the tree called `name`, whose number `make` finds or makes.
    pub fn open(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<i32, StoreError>,
    ) -> Result<TreeId, StoreError> {
        let mut trees = sync::write(&self.0);
        let place = trees.iter().position(|tree| tree.name == name);
        if let Some(place) = place {
            return Ok(TreeId(place as u32));
        }
        trees.push(Arc::new(PostgresTree::new(make()?, name)));
        Ok(TreeId((trees.len() - 1) as u32))
    }

    pub fn all(&self) -> Vec<Arc<PostgresTree>> {
        sync::read(&self.0).clone()
    }
}
