//! Seals: a block records where it belongs, so that a lost, an older or a changed one is noticed.
//!
//! A sealed block is `[ordinal][next][rows][crc32c u32]`: its place in its run, counted from 0; the
//! length plus one and the first key of the next block, or 0 if it is the last; its rows. The
//! checksum is seeded with the identity of the run and the block's key in sled, so that a block of
//! another run, or from another place, does not match.
//!
//! Runs that were written before there were seals have blocks of rows only. They are read as they
//! are, and get seals when they are rewritten.

use crate::store::{
    StoreError,
    varint::{put_varint, take_bytes, take_varint},
};

const SUM: usize = 4;

/// The summary of a run, against which its blocks are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// No other run has it, not even one of the same number from before.
    pub id: u64,
    pub blocks: u64,
    pub rows: u64,
    /// The sum of the sums of the blocks, in order.
    pub sum: u32,
    /// The first key of all.
    pub first: Vec<u8>,
}

/// The sum with which those of a run's blocks begin.
pub fn run_seed(id: u64) -> u32 {
    crc32c::crc32c(&id.to_le_bytes())
}

fn block_sum(seed: u32, place: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, place), body)
}

/// Seals the rows of the block that will lie at `place`; gives its sum as well.
pub fn seal_block(
    seed: u32,
    place: &[u8],
    ordinal: u64,
    next: Option<&[u8]>,
    rows: &[u8],
) -> (Vec<u8>, u32) {
    let mut block = Vec::with_capacity(rows.len() + next.map_or(0, <[u8]>::len) + 16);
    put_varint(&mut block, ordinal);
    match next {
        None => put_varint(&mut block, 0),
        Some(next) => {
            put_varint(&mut block, next.len() as u64 + 1);
            block.extend_from_slice(next);
        }
    }
    block.extend_from_slice(rows);
    let sum = block_sum(seed, place, &block);
    block.extend_from_slice(&sum.to_le_bytes());
    (block, sum)
}

/// A block whose seal is sound.
#[derive(Debug, Clone, Copy)]
pub struct UnsealedBlock<'a> {
    pub ordinal: u64,
    /// The first key of the next block.
    pub next: Option<&'a [u8]>,
    pub rows: &'a [u8],
    pub sum: u32,
}

/// Opens the block at `place`, if its seal is sound.
pub fn unseal_block<'a>(seed: u32, place: &[u8], block: &'a [u8]) -> Option<UnsealedBlock<'a>> {
    let (mut body, sum) = block.split_last_chunk::<SUM>()?;
    let sum = u32::from_le_bytes(*sum);
    if block_sum(seed, place, body) != sum {
        return None;
    }
    let ordinal = take_varint(&mut body)?;
    let next = match take_varint(&mut body)?.checked_sub(1) {
        None => None,
        Some(len) => Some(take_bytes(&mut body, len as usize)?),
    };
    Some(UnsealedBlock { ordinal, next, rows: body, sum })
}

/// The error of damage in a run of `tree`.
pub fn damaged_block(tree: &sled::Tree, run: u64, what: &str) -> StoreError {
    StoreError::Damaged(format!("run {run} of `{}`: {what}", String::from_utf8_lossy(&tree.name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn these_bytes_are_on_disks_and_must_stay_readable() {
        let (block, sum) = seal_block(run_seed(7), b"place", 300, Some(b"next"), b"rows");
        let golden = [172, 2, 5, b'n', b'e', b'x', b't', b'r', b'o', b'w', b's', 0, 0, 0, 0];
        assert_eq!(block[..11], golden[..11]);
        assert_eq!(block[11..], sum.to_le_bytes());
        let read = unseal_block(run_seed(7), b"place", &block).expect("is sound");
        assert_eq!(
            (read.ordinal, read.next, read.rows, read.sum),
            (300, Some(&b"next"[..]), &b"rows"[..], sum)
        );
    }

    proptest! {
        #[test]
        fn every_flipped_bit_another_run_and_another_place_are_noticed(
            rows in prop::collection::vec(any::<u8>(), 0..60), next in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
            ordinal in any::<u64>(), id in any::<u64>(),
        ) {
            let (block, _) = seal_block(run_seed(id), b"place", ordinal, next.as_deref(), &rows);
            let read = unseal_block(run_seed(id), b"place", &block).expect("is sound");
            prop_assert_eq!((read.ordinal, read.next, read.rows), (ordinal, next.as_deref(), rows.as_slice()));
            prop_assert!(unseal_block(run_seed(id ^ 1), b"place", &block).is_none());
            prop_assert!(unseal_block(run_seed(id), b"plaice", &block).is_none());
            for bit in 0..block.len() * 8 {
                let mut flipped = block.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(unseal_block(run_seed(id), b"place", &flipped).is_none(), "bit {}", bit);
            }
        }
    }
}
