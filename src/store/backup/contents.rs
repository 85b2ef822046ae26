//! What the blocks of a backup say.

use super::error::BackupError;
use crate::store::{
    Commit, Row,
    row_block::{BlockRows, Builder, Entry},
    varint::{put_varint, take_bytes, take_varint},
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// How many bytes of rows make a block.
pub const ROWS_BYTES: usize = 256 * 1024;
/// The most bytes of rows that a block may claim.
const MAX_ROWS_BYTES: u64 = 1 << 20;

/// What an increment was made after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// It has the rows that were written after this commit.
    pub commit: Commit,
    /// The sum of the backup that it is restored over, where that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
}

/// Of what a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHead {
    /// Which store: its identity as a UUID.
    pub store: String,
    /// Its last commit.
    pub commit: Commit,
    /// What it was made after; `None`: it has everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Base>,
    /// When it was made.
    pub made: String,
    /// The version of the software that made it.
    pub version: String,
}

impl BackupHead {
    /// Which store it is of.
    ///
    /// # Errors
    /// [`BackupError::Unfit`] where that is not the identity of a store.
    pub fn identity(&self) -> Result<u128, BackupError> {
        let unfit = |_| BackupError::Unfit(format!("`{}` is no identity of a store", self.store));
        uuid::Uuid::parse_str(&self.store).map(|store| store.as_u128()).map_err(unfit)
    }
}

/// A tree of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEnd {
    /// Its rows.
    pub rows: u64,
    /// Those among them that are in the file.
    pub written: u64,
    /// The SHA-256 of all its rows.
    pub sum: String,
}

/// The end of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEnd {
    /// Its trees.
    pub trees: u64,
    /// Its rows.
    pub rows: u64,
    /// The SHA-256 of the file up to the block that says this.
    pub sum: String,
}

/// The sum of the rows of a tree, in the order of their keys.
#[derive(Debug, Default)]
pub struct RowSum(Sha256);

impl RowSum {
    pub fn add_row(&mut self, key: &[u8], row: &Row) {
        let mut head = Vec::with_capacity(key.len() + 24);
        put_varint(&mut head, key.len() as u64);
        head.extend_from_slice(key);
        put_varint(&mut head, row.commit);
        put_varint(&mut head, row.record.len() as u64);
        self.0.update(&head);
        self.0.update(&row.record);
    }

    pub fn finish(self) -> String {
        super::block::show_sum(self.0)
    }
}

/// Rows on their way into a block.
#[derive(Debug, Default)]
pub struct RowsBuilder(Builder);

impl RowsBuilder {
    /// Adds a row, or the key of one that is as it was. Gives whether the block is full.
    pub fn push_row(&mut self, key: &[u8], row: Option<&Row>) -> bool {
        self.0.push_row(key, row);
        self.0.size_in_bytes() >= ROWS_BYTES
    }

    /// The block, if there are rows.
    pub fn take_block(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        let Some((first, rows)) = self.0.take_block() else { return Ok(None) };
        let mut head = Vec::with_capacity(first.len() + 4);
        put_varint(&mut head, first.len() as u64);
        head.extend_from_slice(&first);
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&head)?;
        packed.write_all(&rows)?;
        Ok(Some(packed.finish()?))
    }
}

/// The rows of a block; `None` where it cannot be read.
pub fn unpack_rows(block: &[u8]) -> Option<Vec<Entry>> {
    let mut unpacked = Vec::new();
    let read = DeflateDecoder::new(block).take(MAX_ROWS_BYTES + 1).read_to_end(&mut unpacked);
    read.ok().filter(|length| *length as u64 <= MAX_ROWS_BYTES)?;
    let mut rest = unpacked.as_slice();
    let length = take_varint(&mut rest)?;
    let first = take_bytes(&mut rest, usize::try_from(length).ok()?)?;
    BlockRows::in_block(first, rest).collect::<Result<Vec<_>, _>>().ok()
}
