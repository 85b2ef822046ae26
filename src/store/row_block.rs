//! Blocks: some rows of a tree, in key order, as bytes. The first key is kept beside them.
//!
//! For each row: how many bytes of its key it shares with the key before, how many are its own,
//! those, then 0 for a removed row, or the record's length plus one, the commit and the record.
//! Numbers are LEB128.

use crate::store::{
    Row, StoreError,
    varint::{put_varint, take_bytes, take_varint},
};

/// A key, and its row or that it has been removed.
pub type Entry = (Vec<u8>, Option<Row>);

/// A block that has grown to this size is closed.
const FULL: usize = 4 * 1024;

/// A block under construction.
#[derive(Debug, Default)]
pub struct Builder {
    bytes: Vec<u8>,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Builder {
    /// Adds a row; keys come in order.
    pub fn push_row(&mut self, key: &[u8], row: Option<&Row>) {
        if self.bytes.is_empty() {
            self.first = key.to_vec();
            self.last = key.to_vec();
        }
        let shared = self.last.iter().zip(key).take_while(|(one, other)| one == other).count();
        let own = key.get(shared..).unwrap_or_default();
        put_varint(&mut self.bytes, shared as u64);
        put_varint(&mut self.bytes, own.len() as u64);
        self.bytes.extend_from_slice(own);
        match row {
            None => put_varint(&mut self.bytes, 0),
            Some(row) => {
                put_varint(&mut self.bytes, row.record.len() as u64 + 1);
                put_varint(&mut self.bytes, row.commit);
                self.bytes.extend_from_slice(&row.record);
            }
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
    }

    /// How many bytes it has.
    pub fn size_in_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a row of `bytes` bytes should begin the next block.
    pub fn has_no_room_for(&self, bytes: usize) -> bool {
        !self.bytes.is_empty() && self.bytes.len() + bytes > FULL
    }

    /// The first key and the bytes, unless there is nothing; the builder is empty again.
    pub fn take_block(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then(|| (std::mem::take(&mut self.first), bytes))
    }
}

/// The rows of a block, in order.
#[derive(Debug)]
pub struct BlockRows<'a> {
    rest: &'a [u8],
    key: Vec<u8>,
}

impl<'a> BlockRows<'a> {
    /// Of the block that begins with the key `first`.
    pub fn in_block(first: &[u8], block: &'a [u8]) -> Self {
        Self { rest: block, key: first.to_vec() }
    }

    /// Moves to the next row, whose key then is [`BlockRows::key`]; gives its commit and record, or that it was removed.
    #[expect(
        clippy::type_complexity,
        reason = "a row of the block, borrowed: none left, removed, or there"
    )]
    fn next_row(&mut self) -> Result<Option<Option<(u64, &'a [u8])>>, StoreError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut rest = self.rest;
        let row = self.parse_row(&mut rest);
        self.rest = rest;
        row.map(Some).ok_or_else(|| StoreError::Damaged("a block of rows cannot be read".into()))
    }

    fn parse_row(&mut self, rest: &mut &'a [u8]) -> Option<Option<(u64, &'a [u8])>> {
        let shared = take_varint(rest)? as usize;
        let own = take_varint(rest)? as usize;
        let own = take_bytes(rest, own)?;
        if shared > self.key.len() {
            return None;
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(own);
        let Some(len) = take_varint(rest)?.checked_sub(1) else { return Some(None) };
        let commit = take_varint(rest)?;
        Some(Some((commit, take_bytes(rest, len as usize)?)))
    }

    /// What the block has under `key`: nothing, a removal, or a row.
    pub fn find_row(mut self, key: &[u8]) -> Result<Option<Option<Row>>, StoreError> {
        while let Some(row) = self.next_row()? {
            match self.key.as_slice().cmp(key) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(row.map(owned_row))),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }
}

fn owned_row((commit, record): (u64, &[u8])) -> Row {
    Row { commit, record: record.to_vec() }
}

impl Iterator for BlockRows<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row().transpose()?;
        Some(row.map(|row| (self.key.clone(), row.map(owned_row))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn rows() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Row>>> {
        let row = (any::<u64>(), prop::collection::vec(any::<u8>(), 0..40));
        let row = prop::option::of(row.prop_map(|(commit, record)| Row { commit, record }));
        prop::collection::btree_map(prop::collection::vec(0..3_u8, 0..6), row, 1..40)
    }

    fn block(rows: &BTreeMap<Vec<u8>, Option<Row>>) -> (Vec<u8>, Vec<u8>) {
        let mut builder = Builder::default();
        rows.iter().for_each(|(key, row)| builder.push_row(key, row.as_ref()));
        let (first, bytes) = builder.take_block().expect("there are rows");
        assert_eq!(Some(&first), rows.keys().next());
        assert!(builder.take_block().is_none());
        (first, bytes)
    }

    proptest! {
        #[test]
        fn a_block_reads_as_it_was_written(rows in rows(), other in prop::collection::vec(0..3_u8, 0..6)) {
            let (first, block) = block(&rows);
            let read: Result<BTreeMap<_, _>, _> = BlockRows::in_block(&first, &block).collect();
            prop_assert_eq!(read.as_ref(), Ok(&rows));
            for key in rows.keys().chain([&other]) {
                prop_assert_eq!(BlockRows::in_block(&first, &block).find_row(key), Ok(rows.get(key).cloned()));
            }
        }

        #[test]
        fn a_damaged_block_is_an_error_or_other_rows_and_never_a_panic(
            rows in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let (first, mut block) = block(&rows);
            let at = at.index(block.len());
            if cut { block.truncate(at) } else { block[at] = byte }
            let _ = BlockRows::in_block(&first, &block).collect::<Result<Vec<_>, _>>();
        }
    }
}
