//! Where the rows of a tree are: in memory, set apart to be written, in runs.

use super::{
    memtable::Memtable,
    table_view::{Runs, TableView},
};
use crate::store::{Commit, Row};
use std::sync::Arc;

/// Where the rows of a tree are.
#[derive(Debug, Default)]
pub struct TableState {
    pub newest: Memtable,
    /// Set apart, the newest first: the last one is written as a run next.
    pub frozen: Vec<Arc<Memtable>>,
    pub runs: Runs,
}

impl TableState {
    pub fn with_runs(runs: Runs) -> Self {
        Self { runs, ..Self::default() }
    }

    /// What memory has under `key`: nothing, a removal, or a row.
    pub fn in_memory(&self, key: &[u8]) -> Option<&Option<Row>> {
        let frozen = || self.frozen.iter().find_map(|frozen| frozen.get(key));
        self.newest.get(key).or_else(frozen)
    }

    /// Whether this is what memory has of a row, where memory has it.
    pub fn allows(&self, key: &[u8], commit: Commit) -> bool {
        let row = self.in_memory(key);
        row.is_none_or(|row| row.as_ref().map_or(0, |row| row.commit) == commit)
    }

    /// Sets apart what has been written since the last time.
    pub fn freeze_newest(&mut self) {
        if self.newest.first_commit().is_some() {
            self.frozen.insert(0, Arc::new(std::mem::take(&mut self.newest)));
        }
    }

    /// How many bytes of rows no run has.
    pub fn unflushed_bytes(&self) -> usize {
        let frozen = self.frozen.iter().map(|frozen| frozen.size_in_bytes());
        frozen.sum::<usize>() + self.newest.size_in_bytes()
    }

    /// The first commit that no run has something of.
    pub fn first_unflushed(&self) -> Option<Commit> {
        let frozen = self.frozen.last().and_then(|frozen| frozen.first_commit());
        frozen.or_else(|| self.newest.first_commit())
    }

    /// Everything but what has been written since rows were last set apart.
    pub fn view(&self) -> TableView {
        TableView { frozen: self.frozen.clone(), runs: self.runs.clone() }
    }
}
