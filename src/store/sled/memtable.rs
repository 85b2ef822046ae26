//! A memtable: the newest rows of a tree. The journal has them, and no run has them yet.

use crate::store::{Commit, Row, Scan, row_block::Entry};
use std::{collections::BTreeMap, ops::Bound};

/// What a row takes up besides its key and record: its place in the map, and what the allocator adds.
const ROW_OVERHEAD: usize = 128;

/// Newest rows, and removals. Ordered, because scans merge it and runs are made of it, and because a hash map that
/// doubles pauses all writers.
#[derive(Debug, Default)]
pub struct Memtable {
    rows: BTreeMap<Vec<u8>, Option<Row>>,
    bytes: usize,
    /// The first and the last commit that it holds something of.
    span: Option<(Commit, Commit)>,
}

impl Memtable {
    /// Takes in what `commit` writes; gives by how many bytes it has grown.
    pub fn apply_writes(
        &mut self,
        commit: Commit,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> isize {
        let before = self.bytes as isize;
        for (key, record) in writes {
            let row = record.map(|record| Row { commit, record });
            self.bytes += ROW_OVERHEAD + key.len() + record_len(&row);
            let len = key.len();
            if let Some(old) = self.rows.insert(key, row) {
                self.bytes -= ROW_OVERHEAD + len + record_len(&old);
            }
        }
        self.span = Some((self.span.map_or(commit, |(first, _)| first), commit));
        self.bytes as isize - before
    }

    /// What it has under `key`: nothing, a removal, or a row.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Row>> {
        self.rows.get(key)
    }

    /// Its part of a scan, in the scan's direction. Once there are as many rows as the scan may return, what lies
    /// farther cannot matter to it.
    pub fn scan_range(&self, scan: &Scan) -> Vec<Entry> {
        let range = self.rows.range::<[u8], _>((
            Bound::Included(scan.from.as_slice()),
            Bound::Excluded(scan.to.as_slice()),
        ));
        if scan.backwards {
            take_live(range.rev(), scan.limit)
        } else {
            take_live(range, scan.limit)
        }
    }

    /// All rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Option<Row>)> {
        self.rows.iter()
    }

    pub fn size_in_bytes(&self) -> usize {
        self.bytes
    }

    pub fn first_commit(&self) -> Option<Commit> {
        self.span.map(|(first, _)| first)
    }

    pub fn last_commit(&self) -> Commit {
        self.span.map_or(0, |(_, last)| last)
    }
}

fn record_len(row: &Option<Row>) -> usize {
    row.as_ref().map_or(0, |row| row.record.len())
}

fn take_live<'a>(
    rows: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Row>)>,
    limit: usize,
) -> Vec<Entry> {
    let mut there = 0;
    let mut taken = Vec::new();
    for (key, row) in rows {
        if there == limit {
            break;
        }
        there += usize::from(row.is_some());
        taken.push((key.clone(), row.clone()));
    }
    taken
}
