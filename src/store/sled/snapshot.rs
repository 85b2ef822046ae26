//! A snapshot of a store on disk: what each tree had in memory is set apart at one commit, and its runs are kept.

use super::{
    commit_queue::CommitQueue,
    table::{Table, Tables},
    table_view::TableView,
};
use crate::{
    store::{Commit, Scan, Snapshot, StoreError, keys::prefix_end, paging::Rows},
    sync,
};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// All trees at one commit.
pub struct SledSnapshot {
    store: u128,
    commit: Commit,
    trees: BTreeMap<String, (Arc<Table>, TableView)>,
}

impl SledSnapshot {
    /// Takes it while no commit is accepted, which takes a moment however many rows there are, and waits until what it has is
    /// durable.
    pub fn take_snapshot(
        store: u128,
        queue: &CommitQueue,
        tables: &Tables,
    ) -> Result<Self, StoreError> {
        let snapshot = {
            // No tree is opened meanwhile, so that none can have rows that are not seen here.
            let tables = sync::read(tables);
            queue.at_one_commit(|commit| {
                let views = tables.iter().map(|table| {
                    let view = table.freeze_view();
                    (table.name.clone(), (table.clone(), view))
                });
                Self { store, commit, trees: views.collect() }
            })
        };
        queue.wait_durable(snapshot.commit)?;
        queue.wake_maintenance();
        Ok(snapshot)
    }
}

impl Snapshot for SledSnapshot {
    fn store(&self) -> u128 {
        self.store
    }

    fn commit(&self) -> Commit {
        self.commit
    }

    fn trees(&self) -> Vec<String> {
        self.trees.keys().cloned().collect()
    }

    fn read_page(&self, tree: &str, from: &[u8], limit: usize) -> Result<Rows, StoreError> {
        let missing = || StoreError::Invalid(format!("the snapshot has no tree `{tree}`"));
        let (table, view) = self.trees.get(tree).ok_or_else(missing)?;
        let scan = Scan { from: from.to_vec(), to: prefix_end(&[]), backwards: false, limit };
        table.report_if_damaged(view.scan_rows(table.sled_tree(), Vec::new(), &scan))
    }
}

impl fmt::Debug for SledSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledSnapshot").field("commit", &self.commit).finish_non_exhaustive()
    }
}
