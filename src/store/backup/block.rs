//! Blocks of a backup.
//!
//! The file begins with [`MAGIC`]. A block is `[kind u8][length u32][bytes][crc32c u32]`, little-endian. The checksum begins
//! with the ordinal of the block, so that one that is lost, repeated or in another place is noticed. The last block has the
//! SHA-256 of everything before it.

use super::error::BackupError;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    io::{self, Read, Write},
};

/// What a backup begins with: its last digit is the version of the format.
pub const MAGIC: &[u8] = b"holdfast backup 1\n";
/// What a backup of any version begins with.
const NAME: &[u8] = b"holdfast backup ";
/// The largest block.
const MAX_BLOCK: u32 = 2 << 20;
/// What is said of a file that ends too early.
const CUT_SHORT: &str = "it is cut short: the file ends within this block";

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockKind {
    /// The head: of which store, at which commit.
    Head = b'h',
    /// A tree begins: its name.
    Tree = b't',
    /// Rows of the tree, compressed.
    Rows = b'r',
    /// The tree ends.
    TreeEnd = b'e',
    /// The backup could not be finished, and why.
    Failure = b'f',
    /// The backup ends.
    End = b'z',
}

impl BlockKind {
    fn from_byte(byte: u8) -> Option<Self> {
        let all = [Self::Head, Self::Tree, Self::Rows, Self::TreeEnd, Self::Failure, Self::End];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

fn block_sum(ordinal: u64, kind: u8, length: [u8; 4], bytes: &[u8]) -> u32 {
    let sum = crc32c::crc32c(&ordinal.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &[kind]);
    crc32c::crc32c_append(crc32c::crc32c_append(sum, &length), bytes)
}

/// A sum, in hexadecimal digits.
pub fn show_sum(sum: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in sum.finalize() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes blocks.
pub struct BlockWriter<'a> {
    to: &'a mut dyn Write,
    ordinal: u64,
    bytes: u64,
    sum: Sha256,
}

impl<'a> BlockWriter<'a> {
    /// Begins a backup.
    pub fn begin(to: &'a mut dyn Write) -> Result<Self, BackupError> {
        let mut blocks = Self { to, ordinal: 0, bytes: 0, sum: Sha256::new() };
        blocks.put(MAGIC)?;
        Ok(blocks)
    }

    pub fn write_block(&mut self, kind: BlockKind, bytes: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BLOCK);
        let length = length.ok_or_else(|| io::Error::other("a block is too long"))?.to_le_bytes();
        let sum = block_sum(self.ordinal, kind as u8, length, bytes);
        self.put(&[kind as u8])?;
        self.put(&length)?;
        self.put(bytes)?;
        self.put(&sum.to_le_bytes())?;
        self.ordinal += 1;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.to.write_all(bytes)?;
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The sum of what has been written.
    pub fn sum(&self) -> String {
        show_sum(self.sum.clone())
    }

    /// How many bytes have been written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn flush(&mut self) -> Result<(), BackupError> {
        Ok(self.to.flush()?)
    }
}

/// Reads blocks.
pub struct BlockReader<R> {
    from: R,
    ordinal: u64,
    /// Where the next block begins.
    at: u64,
    /// Where the last one began.
    began: u64,
    sum: Sha256,
    /// The sum of everything before the last block.
    sum_before: Sha256,
}

impl<R: Read> BlockReader<R> {
    /// Reads the beginning.
    pub fn open(from: R) -> Result<Self, BackupError> {
        let mut blocks = Self {
            from,
            ordinal: 0,
            at: 0,
            began: 0,
            sum: Sha256::new(),
            sum_before: Sha256::new(),
        };
        let mut magic = Vec::with_capacity(MAGIC.len());
        blocks.from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        let begins = NAME.starts_with(&magic) || magic.starts_with(NAME);
        if magic.is_empty() || !begins {
            return Err(BackupError::Foreign);
        }
        if MAGIC.len() > magic.len() {
            return Err(blocks.damaged(CUT_SHORT));
        }
        if magic != MAGIC {
            return Err(blocks.damaged("it does not begin as a backup of this version does"));
        }
        blocks.count(&magic);
        Ok(blocks)
    }

    /// An error about the block that was read last.
    pub fn damaged(&self, what: impl Into<String>) -> BackupError {
        BackupError::Damaged { at: self.began, what: what.into() }
    }

    /// The next block.
    pub fn next_block(&mut self) -> Result<(BlockKind, Vec<u8>), BackupError> {
        self.began = self.at;
        self.sum_before = self.sum.clone();
        let mut kind = [0];
        self.take(&mut kind)?;
        let mut length = [0; 4];
        self.take(&mut length)?;
        let count = u32::from_le_bytes(length);
        if count > MAX_BLOCK {
            return Err(self.damaged("a block is longer than any is"));
        }
        let mut bytes = vec![0; count as usize];
        self.take(&mut bytes)?;
        let mut sum = [0; 4];
        self.take(&mut sum)?;
        let [kind] = kind;
        if block_sum(self.ordinal, kind, length, &bytes) != u32::from_le_bytes(sum) {
            return Err(self.damaged(format!("block {} does not match its checksum", self.ordinal)));
        }
        self.ordinal += 1;
        match BlockKind::from_byte(kind) {
            Some(kind) => Ok((kind, bytes)),
            None => Err(self.damaged("a block is of a kind that this version does not know")),
        }
    }

    /// The sum of everything before the block that was read last.
    pub fn sum_before(&self) -> String {
        show_sum(self.sum_before.clone())
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.at
    }

    /// Whether there is nothing more.
    pub fn check_end(&mut self) -> Result<(), BackupError> {
        self.began = self.at;
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.damaged("something follows its end")),
        }
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        match self.from.read_exact(bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged(CUT_SHORT));
            }
            other => other?,
        }
        self.count(bytes);
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
    }
}
