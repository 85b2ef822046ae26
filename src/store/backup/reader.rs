//! A backup read back, row by row.

use super::{
    block::{BlockKind, BlockReader},
    contents::{BackupEnd, BackupHead, TreeEnd, unpack_rows},
    error::BackupError,
};
use crate::store::row_block::Entry;
use serde::de::DeserializeOwned;
use std::{cmp::Ordering, io::Read};

/// Reads what a backup says of itself, without what follows.
///
/// # Errors
/// [`BackupError::Damaged`] or [`BackupError::Io`].
pub fn read_head(from: impl Read) -> Result<BackupHead, BackupError> {
    BackupReader::open(from).map(|reader| reader.head)
}

/// Reads one backup.
pub struct BackupReader<R> {
    blocks: BlockReader<R>,
    pub head: BackupHead,
    /// The tree that is being read.
    tree: Option<String>,
    /// Its rows that have been read from the file and not been given yet.
    rows: std::vec::IntoIter<Entry>,
    /// How many of them the file has had so far, with and without their records.
    seen: u64,
    written: u64,
    last_key: Option<Vec<u8>>,
    tree_end: Option<TreeEnd>,
    trees: u64,
    all_rows: u64,
    end: Option<BackupEnd>,
}

impl<R: Read> BackupReader<R> {
    pub fn open(from: R) -> Result<Self, BackupError> {
        let mut blocks = BlockReader::open(from)?;
        let (kind, bytes) = blocks.next_block()?;
        if kind != BlockKind::Head {
            return Err(blocks.damaged("it has no head"));
        }
        let head = parse(&blocks, &bytes)?;
        Ok(Self {
            blocks,
            head,
            tree: None,
            rows: Vec::new().into_iter(),
            seen: 0,
            written: 0,
            last_key: None,
            tree_end: None,
            trees: 0,
            all_rows: 0,
            end: None,
        })
    }

    /// The tree that is being read.
    pub fn tree(&self) -> Option<&str> {
        self.tree.as_deref()
    }

    /// Goes on to the next tree, and gives whether there is one.
    pub fn advance_tree(&mut self) -> Result<bool, BackupError> {
        while self.next_entry()?.is_some() {}
        if self.end.is_some() {
            return Ok(false);
        }
        let (kind, bytes) = self.next_block()?;
        match kind {
            BlockKind::Tree => {
                let name: String = parse(&self.blocks, &bytes)?;
                if self.tree.as_ref().is_some_and(|before| *before >= name) {
                    return Err(self.damaged("its trees are not in order"));
                }
                self.tree = Some(name);
                self.seen = 0;
                self.written = 0;
                self.last_key = None;
                self.tree_end = None;
                self.trees += 1;
                Ok(true)
            }
            BlockKind::End => {
                self.finish(&bytes)?;
                Ok(false)
            }
            _ => Err(self.damaged("a tree should begin here")),
        }
    }

    /// The next entry of the tree: a row, or the key of one that is as it was.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, BackupError> {
        loop {
            if let Some((key, row)) = self.rows.next() {
                if self.last_key.as_ref().is_some_and(|last| last.cmp(&key) != Ordering::Less) {
                    return Err(self.damaged("rows are not in order"));
                }
                if row.is_none() && self.head.since.is_none() {
                    return Err(
                        self.damaged("a row has no content, and there is nothing before it")
                    );
                }
                self.last_key = Some(key.clone());
                self.seen += 1;
                self.written += u64::from(row.is_some());
                return Ok(Some((key, row)));
            }
            if self.tree.is_none() || self.tree_end.is_some() {
                return Ok(None);
            }
            let (kind, bytes) = self.next_block()?;
            match kind {
                BlockKind::Rows => {
                    let rows = unpack_rows(&bytes);
                    let rows = rows.ok_or_else(|| self.damaged("rows cannot be read"))?;
                    self.rows = rows.into_iter();
                }
                BlockKind::TreeEnd => self.finish_tree(&bytes)?,
                _ => return Err(self.damaged("rows, or the end of the tree, should be here")),
            }
        }
    }

    /// What the tree that has been read should have had.
    pub fn tree_end(&self) -> Option<&TreeEnd> {
        self.tree_end.as_ref()
    }

    /// The end of the backup, once it has been reached, and how many bytes it has.
    pub fn into_end(mut self) -> Result<(BackupHead, BackupEnd, u64), BackupError> {
        while self.advance_tree()? {}
        let end = self.end.take().ok_or_else(|| self.damaged("it has no end"))?;
        Ok((self.head, end, self.blocks.bytes()))
    }

    /// An error about the place that has been read last.
    pub fn damaged(&self, what: impl Into<String>) -> BackupError {
        let what = what.into();
        self.blocks.damaged(match &self.tree {
            Some(tree) => format!("{what} (in or after `{tree}`)"),
            None => what,
        })
    }

    fn next_block(&mut self) -> Result<(BlockKind, Vec<u8>), BackupError> {
        let next = self.blocks.next_block();
        let (kind, bytes) = match next {
            Err(BackupError::Damaged { what, .. }) => return Err(self.damaged(what)),
            other => other?,
        };
        if kind == BlockKind::Failure {
            let why: String = parse(&self.blocks, &bytes)?;
            return Err(BackupError::Unfit(format!("the backup was not finished: {why}")));
        }
        Ok((kind, bytes))
    }

    fn finish_tree(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let end: TreeEnd = parse(&self.blocks, bytes)?;
        if (end.rows, end.written) != (self.seen, self.written) {
            let what = format!("{} rows should be here, and {} are", end.rows, self.seen);
            return Err(self.damaged(what));
        }
        self.all_rows += end.rows;
        self.tree_end = Some(end);
        Ok(())
    }

    fn finish(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let end: BackupEnd = parse(&self.blocks, bytes)?;
        if end.sum != self.blocks.sum_before() {
            return Err(self.damaged("the sum of the whole is another one"));
        }
        if (end.trees, end.rows) != (self.trees, self.all_rows) {
            return Err(self.damaged("trees or rows are missing"));
        }
        self.blocks.check_end()?;
        self.end = Some(end);
        Ok(())
    }
}

fn parse<R: Read, T: DeserializeOwned>(
    blocks: &BlockReader<R>,
    bytes: &[u8],
) -> Result<T, BackupError> {
    serde_json::from_slice(bytes)
        .map_err(|error| blocks.damaged(format!("a block cannot be read: {error}")))
}
