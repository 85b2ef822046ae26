//! How a row lies in sled: `[commit u64 LE][record]`.

use crate::store::{Commit, Row, StoreError};
use sled::IVec;

const COMMIT: usize = 8;

/// A key and its value as sled has them.
pub(super) type Stored = (IVec, IVec);

/// The value of `record`, with room for the commit that [`stamp`] fills in.
pub(super) fn value(record: &[u8], scratch: &mut Vec<u8>) -> IVec {
    scratch.clear();
    scratch.extend_from_slice(&[0; COMMIT]);
    scratch.extend_from_slice(record);
    IVec::from(scratch.as_slice())
}

/// Writes the commit into a value that nobody else holds yet.
pub(super) fn stamp(value: &mut IVec, commit: Commit) {
    if let Some(place) = value.as_mut().first_chunk_mut::<COMMIT>() {
        *place = commit.to_le_bytes();
    }
}

/// Reads a value.
pub(super) fn row(value: &[u8]) -> Result<Row, StoreError> {
    let (commit, record) = value
        .split_first_chunk::<COMMIT>()
        .ok_or_else(|| StoreError::Damaged("a row is too short to have a commit number".into()))?;
    Ok(Row { commit: Commit::from_le_bytes(*commit), record: record.to_vec() })
}
