//! Reading: what memory has, and from the database the rest.

use super::{
    reader::{KeyedRow, Reader},
    rows::{Known, KnownRange},
    trees::PostgresTree,
};
use crate::store::{Row, Scan, StoreError, keys::Space};
use std::collections::BTreeMap;
use strum::VariantArray;

/// How often a range is read again because batches were taken meanwhile, before none is taken while it is read.
const RANGE_ATTEMPTS: usize = 3;

/// From which key on the rows of a key space are all there, by its first byte.
type CompleteFrom = BTreeMap<u8, Vec<u8>>;

/// The rows of a tree, as many as memory should hold from the start.
pub fn load_first_rows(
    reader: &Reader,
    tree: &PostgresTree,
    limit: usize,
) -> Result<(), StoreError> {
    if limit == 0 || tree.rows.is_loaded() {
        return Ok(());
    }
    loop {
        let changes = tree.rows.changes();
        let everything =
            Scan { from: Vec::new(), to: vec![u8::MAX; 64], backwards: false, limit: limit + 1 };
        let rows = reader.scan(tree.id, everything)?;
        let (rows, from) = if rows.len() <= limit {
            (rows, (0..=u8::MAX).map(|space| (space, vec![space])).collect())
        } else {
            last_rows(reader, tree.id, limit)?
        };
        if tree.rows.keep_from(rows, from, changes) {
            return Ok(());
        }
    }
}

/// The last rows of each key space, and from which key on they are all.
fn last_rows(
    reader: &Reader,
    tree: i32,
    limit: usize,
) -> Result<(Vec<KeyedRow>, CompleteFrom), StoreError> {
    let spaces: Vec<u8> = Space::VARIANTS.iter().map(|space| *space as u8).collect();
    let mut rows = reader.read_last(tree, spaces.clone(), limit)?;
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut from = BTreeMap::new();
    for space in spaces {
        let mut of_space = rows.iter().filter(|(key, _)| key.first() == Some(&space));
        let first = of_space.next().map(|(key, _)| key.clone());
        let count = usize::from(first.is_some()) + of_space.count();
        let first = first.filter(|_| count == limit).unwrap_or_else(|| vec![space]);
        from.insert(space, first);
    }
    Ok((rows, from))
}

/// Rows under `keys`, in that order.
pub fn read_rows(
    reader: &Reader,
    tree: &PostgresTree,
    keys: &[&[u8]],
) -> Result<Vec<Option<Row>>, StoreError> {
    let (known, changes) = tree.rows.known(keys);
    let mut rows = Vec::with_capacity(keys.len());
    let mut unknown = Vec::new();
    for (key, known) in keys.iter().zip(known) {
        match known {
            Known::Row(row) => rows.push(row),
            Known::Nothing => {
                unknown.push((rows.len(), *key));
                rows.push(None);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(rows);
    }
    let asked = unknown.iter().map(|(_, key)| key.to_vec()).collect();
    let mut read: BTreeMap<Vec<u8>, Row> = reader.read_keys(tree.id, asked)?.into_iter().collect();
    let found: Vec<_> = unknown.iter().map(|(_, key)| (*key, read.remove(*key))).collect();
    if !tree.rows.keep_single(&found, changes) {
        // What was taken meanwhile goes over what was read.
        let keys: Vec<&[u8]> = unknown.iter().map(|(_, key)| *key).collect();
        let (known, _) = tree.rows.known(&keys);
        for (((place, _), (_, row)), known) in unknown.iter().zip(found).zip(known) {
            if let Some(slot) = rows.get_mut(*place) {
                *slot = if let Known::Row(newer) = known { newer } else { row };
            }
        }
        return Ok(rows);
    }
    for ((place, _), (_, row)) in unknown.iter().zip(found) {
        if let Some(slot) = rows.get_mut(*place) {
            *slot = row;
        }
    }
    Ok(rows)
}

/// A range of rows.
pub fn scan_rows(
    reader: &Reader,
    tree: &PostgresTree,
    scan: &Scan,
) -> Result<Vec<KeyedRow>, StoreError> {
    let read = |removed: usize| {
        let limit = scan.limit.saturating_add(removed);
        reader.scan(tree.id, Scan { limit, ..scan.clone() })
    };
    for _ in 0..RANGE_ATTEMPTS {
        let overlay = match tree.rows.known_range(scan) {
            KnownRange::All(rows) => return Ok(rows),
            KnownRange::Part(overlay) => overlay,
        };
        let rows = read(overlay.removed())?;
        if tree.rows.is_as_of(&overlay) {
            return Ok(overlay.lay_over(rows, scan));
        }
    }
    tree.rows.hold(scan, |overlay| {
        let rows = read(overlay.removed())?;
        Ok(overlay.lay_over(rows, scan))
    })
}
