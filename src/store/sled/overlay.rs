//! What has been accepted into a tree and is not written yet.

use super::row::Stored;
use crate::store::{Commit, Scan};
use sled::IVec;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// A write: the key, and the value (which begins with its commit) or a removal.
pub(super) type Write = (IVec, Option<IVec>);

#[derive(Debug, Clone)]
struct Entry {
    commit: Commit,
    value: Option<IVec>,
}

/// The unwritten writes of one tree, the newest of each key. Ordered, because scans merge it, and because a hash map
/// that doubles pauses everybody.
#[derive(Debug, Default)]
pub(super) struct Overlay(RwLock<BTreeMap<IVec, Entry>>);

impl Overlay {
    fn entries(&self) -> RwLockReadGuard<'_, BTreeMap<IVec, Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn entries_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<IVec, Entry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays the writes of `commit` over the tree.
    pub(super) fn lay(&self, commit: Commit, writes: &[Write]) {
        let mut entries = self.entries_mut();
        for (key, value) in writes {
            entries.insert(key.clone(), Entry { commit, value: value.clone() });
        }
    }

    /// Takes the writes of `commit` off, now that the tree holds them; newer ones of the same keys stay.
    pub(super) fn lift(&self, commit: Commit, writes: &[Write]) {
        let mut entries = self.entries_mut();
        for (key, _) in writes {
            if entries.get(key).is_some_and(|entry| entry.commit <= commit) {
                entries.remove(key);
            }
        }
    }

    /// What is over `key`: nothing, a removal, or a value.
    pub(super) fn get_one(&self, key: &[u8]) -> Option<Option<IVec>> {
        self.entries().get(key).map(|entry| entry.value.clone())
    }

    /// What is over each of `keys`: nothing, a removal, or a value.
    pub(super) fn get(&self, keys: &[&[u8]]) -> Vec<Option<Option<IVec>>> {
        let entries = self.entries();
        keys.iter().map(|key| entries.get(*key).map(|entry| entry.value.clone())).collect()
    }

    /// What is over the range of `scan`, in its direction. Once there are as many values as the scan may return, what
    /// lies farther cannot matter to it.
    pub(super) fn range(&self, scan: &Scan) -> Vec<Write> {
        let entries = self.entries();
        let range =
            entries.range::<[u8], _>((Bound::Included(scan.from.as_slice()), Bound::Excluded(scan.to.as_slice())));
        match scan.backwards {
            false => until(range, scan.limit),
            true => until(range.rev(), scan.limit),
        }
    }
}

fn until<'a>(entries: impl Iterator<Item = (&'a IVec, &'a Entry)>, limit: usize) -> Vec<Write> {
    let mut values = 0;
    let mut taken = Vec::new();
    for (key, entry) in entries {
        if values == limit {
            break;
        }
        values += usize::from(entry.value.is_some());
        taken.push((key.clone(), entry.value.clone()));
    }
    taken
}

/// Merges the overlay's part of a range with the tree's, both in the scan's direction.
pub(super) fn merge<E>(
    scan: &Scan,
    over: Vec<Write>,
    tree: impl Iterator<Item = Result<(IVec, IVec), E>>,
) -> Result<Vec<Stored>, E> {
    let mut rows = Vec::with_capacity(scan.limit.min(128));
    let mut over = over.into_iter().peekable();
    let mut tree = tree.peekable();
    while rows.len() < scan.limit {
        let order = match (over.peek(), tree.peek()) {
            (_, Some(Err(_))) => std::cmp::Ordering::Greater,
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((above, _)), Some(Ok((below, _)))) => match scan.backwards {
                false => above.cmp(below),
                true => below.cmp(above),
            },
        };
        if order.is_gt() {
            rows.extend(tree.next().transpose()?);
            continue;
        }
        if order.is_eq() {
            tree.next();
        }
        if let Some((key, Some(value))) = over.next() {
            rows.push((key, value));
        }
    }
    Ok(rows)
}
