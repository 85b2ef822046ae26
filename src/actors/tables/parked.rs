//! Parked events: a row each, by source, aggregate and sequence.

use super::{gaps, tree::Tree};
use crate::{
    actors::port::health::ParkedId,
    store::{
        Row, Scan, StoreError, codec,
        keys::{KeyBuf, Space, key_after, last_number},
        paging::Pages,
    },
};
use serde::{Deserialize, Serialize};

/// An event set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParkedRow {
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: String,
}

/// The key of a parked event.
pub fn parked_key(source: &str, aggregate: u64, sequence: u64) -> Vec<u8> {
    KeyBuf::new(Space::Parked).text(source).number(aggregate).number(sequence).build()
}

/// The event that a row is about. A key that cannot be parsed is reported and skipped.
pub fn parse_parked_key(tree: &Tree, key: &[u8]) -> Option<ParkedId> {
    let read = || {
        let (rest, sequence) = key.split_last_chunk::<8>()?;
        let (source, aggregate) = rest.split_last_chunk::<8>()?;
        // The key space precedes the name, an end mark follows it.
        let source =
            String::from_utf8(source.get(1..source.len().checked_sub(2)?)?.to_vec()).ok()?;
        Some(ParkedId {
            source,
            aggregate: u64::from_be_bytes(*aggregate),
            sequence: u64::from_be_bytes(*sequence),
        })
    };
    let id = read();
    if id.is_none() {
        tree.report_damage("a parked event has a malformed key");
    }
    id
}

/// The contents of a row. Where it cannot be read, it is reported, and the event is retried like the others.
pub fn decode_parked(tree: &Tree, sequence: u64, row: &Row) -> Result<ParkedRow, StoreError> {
    codec::decode(Space::Parked, &row.record).or_else(|error| match error {
        // The key names the event; it is retried like the others.
        StoreError::Damaged(what) => {
            tree.report_damage(&format!("the row of the parked event {sequence}: {what}"));
            Ok(ParkedRow { attempts: 1, error: what })
        }
        error => Err(error),
    })
}

/// The first `limit` parked sequences of one aggregate of a source.
pub fn first_parked(
    tree: &Tree,
    source: &str,
    aggregate: u64,
    limit: usize,
) -> Result<Vec<u64>, StoreError> {
    let prefix = KeyBuf::new(Space::Parked).text(source).number(aggregate).build();
    let rows = tree.scan_rows(&Scan::prefix(&prefix, limit))?;
    Ok(rows.iter().filter_map(|(key, _)| last_number(key)).collect())
}

/// At most `limit` parked events after `after`. A part of them that cannot be read is reported and left out.
pub fn parked_page(
    tree: &Tree,
    after: Option<&ParkedId>,
    limit: usize,
) -> Result<Vec<(ParkedId, ParkedRow)>, StoreError> {
    let mut scan = Scan::space(Space::Parked, limit);
    if let Some(ParkedId { source, aggregate, sequence }) = after {
        scan.from = key_after(&parked_key(source, *aggregate, *sequence));
    }
    let mut found = Vec::new();
    let mut pages = Pages::over_scan(scan);
    while found.len() < limit
        && let Some(rows) = gaps::next_page(tree, &mut pages, 1, gaps::NAMED)?
    {
        for (key, row) in &rows {
            let Some(id) = parse_parked_key(tree, key) else { continue };
            let row = decode_parked(tree, id.sequence, row)?;
            found.push((id, row));
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// Those of these events that are parked.
pub fn parked_among(
    tree: &Tree,
    ids: Vec<ParkedId>,
) -> Result<Vec<(ParkedId, ParkedRow)>, StoreError> {
    let keys: Vec<_> =
        ids.iter().map(|id| parked_key(&id.source, id.aggregate, id.sequence)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let rows = ids.into_iter().zip(readable_rows(tree, &keys)?);
    rows.filter_map(|(id, row)| Some((id, row?)))
        .map(|(id, row)| Ok((id.clone(), decode_parked(tree, id.sequence, &row)?)))
        .collect()
}

/// The rows under these keys. One that cannot be read is reported and left out, and costs no other.
fn readable_rows(tree: &Tree, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
    match tree.store.read(tree.id, keys) {
        Err(StoreError::Damaged(_)) => {}
        rows => return rows,
    }
    let one = |key: &&[u8]| match tree.read_row(key) {
        Err(StoreError::Damaged(what)) => {
            tree.report_damage(&what);
            Ok(None)
        }
        row => row,
    };
    keys.iter().map(one).collect()
}
