//! One tree as it is at a moment: what its memory had set apart, and its runs. What is written later does not change it, and
//! runs that are merged meanwhile are kept until it is gone.

use super::{
    memtable::Memtable,
    merge::{EntryIter, MergeIter},
    run_range::RunRange,
    sorted_run::SortedRun,
};
use crate::store::{Row, Scan, StoreError, paging::Rows, row_block::Entry};
use sled::Tree;
use std::sync::Arc;

/// The runs of a tree, the newest first.
pub type Runs = Arc<Vec<Arc<SortedRun>>>;

/// A tree at a moment.
#[derive(Debug, Clone)]
pub struct TableView {
    /// The newest first.
    pub frozen: Vec<Arc<Memtable>>,
    pub runs: Runs,
}

impl TableView {
    /// Reads a range; `newest` is what lies over all of it, as a part of this scan.
    pub fn scan_rows(
        &self,
        tree: &Tree,
        newest: Vec<Entry>,
        scan: &Scan,
    ) -> Result<Rows, StoreError> {
        // What is newer may hide as many of the rows below it.
        let removals = |rows: &[Entry]| rows.iter().filter(|(_, row)| row.is_none()).count();
        let mut below =
            Scan { limit: scan.limit.saturating_add(removals(&newest)), ..scan.clone() };
        let mut sources: Vec<EntryIter<'_>> = vec![Box::new(newest.into_iter().map(Ok))];
        for frozen in &self.frozen {
            let rows = frozen.scan_range(&below);
            below.limit = below.limit.saturating_add(removals(&rows));
            sources.push(Box::new(rows.into_iter().map(Ok)));
        }
        for run in self.runs.iter() {
            if let Some(range) = RunRange::over(run, tree, scan)? {
                sources.push(Box::new(range));
            }
        }
        let there = |entry: Result<Entry, StoreError>| match entry {
            Ok((key, row)) => row.map(|row| Ok((key, row))),
            Err(error) => Some(Err(error)),
        };
        let merged = MergeIter::new(sources, scan.backwards).filter_map(there);
        merged.take(scan.limit).collect::<Result<Vec<(Vec<u8>, Row)>, _>>()
    }
}
