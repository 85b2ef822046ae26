//! A group: what the committer writes of one system at once. A row that several of its batches wrote is written once.

use super::trees::PostgresTree;
use crate::store::Commit;
use std::{collections::BTreeMap, sync::Arc};

/// An accepted batch on its way to the database.
#[derive(Debug)]
pub struct QueuedBatch {
    pub commit: Commit,
    pub tree: Arc<PostgresTree>,
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub bytes: u64,
}

/// The rows of some batches of one system.
#[derive(Debug)]
pub struct Group {
    pub system: Arc<str>,
    /// Which group of the system it is.
    pub number: i64,
    pub trees: Vec<i32>,
    pub keys: Vec<Vec<u8>>,
    pub commits: Vec<i64>,
    pub records: Vec<Option<Vec<u8>>>,
}

/// A row of a tree.
type Place = (i32, Vec<u8>);
/// What is written there, and by which commit.
type Write = (Commit, Option<Vec<u8>>);

/// Cuts `batches`, which are in the order of their commits, by system.
pub fn cut_by_system(batches: Vec<QueuedBatch>) -> Vec<Group> {
    let mut systems: BTreeMap<Arc<str>, BTreeMap<Place, Write>> = BTreeMap::new();
    for QueuedBatch { commit, tree, writes, .. } in batches {
        let rows = systems.entry(tree.system.clone()).or_default();
        for (key, record) in writes {
            rows.insert((tree.id, key), (commit, record));
        }
    }
    let groups = systems.into_iter().map(|(system, rows)| {
        let mut group = Group {
            system,
            number: 0,
            trees: Vec::with_capacity(rows.len()),
            keys: Vec::with_capacity(rows.len()),
            commits: Vec::with_capacity(rows.len()),
            records: Vec::with_capacity(rows.len()),
        };
        for ((tree, key), (commit, record)) in rows {
            group.trees.push(tree);
            group.keys.push(key);
            group.commits.push(commit as i64);
            group.records.push(record);
        }
        group
    });
    groups.collect()
}
