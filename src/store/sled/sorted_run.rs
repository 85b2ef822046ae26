//! Sorted runs: rows of a tree that no longer change, as [blocks](crate::store::row_block) in key order. A
//! tree is a few runs, the newer over the older, and a [manifest](super::manifest), which lists the
//! live runs. Blocks are written first and become live with the manifest.
//! | key in sled | value |
//! |---|---|
//! | `0` | the manifest |
//! | `1`, run, first key | a block, [sealed](super::integrity::seal) |
//! | `2`, run | the spans of the run, and its seal |

use super::{
    integrity::seal::{self, Seal, damaged_block, unseal_block},
    manifest::{Member, NEW},
    panic::{catch_panic, catch_panic_silently},
};
use crate::{
    domain::Decoder,
    store::{
        Row, StoreError, codec,
        row_block::BlockRows,
        varint::{put_varint, take_bytes, take_varint},
    },
};
use serde_bytes::ByteBuf;
use sled::{IVec, Tree};

pub const BLOCK: u8 = 1;
const SPANS: u8 = 2;
const VERSION: u8 = 1;

/// The first and the last key of each key space, shortened.
pub type Spans = Vec<(ByteBuf, ByteBuf)>;

/// How much of a key spans remember.
const SPAN_KEY: usize = 64;

/// As much of a key as spans remember.
pub fn shorten_key(key: &[u8]) -> &[u8] {
    key.get(..SPAN_KEY).unwrap_or(key)
}

/// A run. Dropping it leaves its blocks where they are.
#[derive(Debug)]
pub struct SortedRun {
    pub number: u64,
    pub level: u8,
    spans: Spans,
    /// None: it was written before there were seals.
    pub seal: Option<Seal>,
    seed: u32,
}

pub fn run_key(kind: u8, run: u64, key: &[u8]) -> Vec<u8> {
    let mut run_key = Vec::with_capacity(9 + key.len());
    run_key.push(kind);
    run_key.extend_from_slice(&run.to_be_bytes());
    run_key.extend_from_slice(key);
    run_key
}

/// The first key of the block that lies at `place`.
pub fn first_key(place: &[u8]) -> &[u8] {
    place.get(9..).unwrap_or_default()
}

/// The name of a tree, for messages.
pub fn tree_name(tree: &Tree) -> String {
    String::from_utf8_lossy(&tree.name()).into_owned()
}

/// What is known of a block that has been read.
pub struct VerifiedBlock<'a> {
    pub rows: &'a [u8],
    /// Its ordinal, the first key of the next block, and its checksum. None: it has no seal.
    pub seal: Option<(u64, Option<&'a [u8]>, u32)>,
}

impl SortedRun {
    /// Writes the summary of a run of these blocks.
    pub fn write_run(
        tree: &Tree,
        number: u64,
        level: u8,
        spans: Spans,
        seal: Seal,
    ) -> Result<Self, StoreError> {
        let place = run_key(SPANS, number, &[]);
        let said = encode_summary(&place, &spans, &seal);
        catch_panic(|| tree.insert(place, said))?;
        Ok(Self { number, level, spans, seed: seal::run_seed(seal.id), seal: Some(seal) })
    }

    /// Finds a run that the manifest names.
    pub fn open(tree: &Tree, member: Member) -> Result<Self, StoreError> {
        let Member { number, level, id } = member;
        let bad = |what: &str| {
            StoreError::Damaged(format!("run {number} of `{}` {what}", tree_name(tree)))
        };
        let place = run_key(SPANS, number, &[]);
        let stored = catch_panic_silently(|| tree.get(&place))?.ok_or_else(|| bad("is missing"))?;
        let Some(id) = id else {
            let spans = codec::Part(&stored).read().map_err(|_| bad("cannot be read"))?;
            return Ok(Self { number, level, spans, seal: None, seed: 0 });
        };
        let (spans, seal) = decode_summary(&place, &stored).ok_or_else(|| bad("cannot be read"))?;
        if seal.id != id {
            return Err(bad("is another one than there should be"));
        }
        Ok(Self { number, level, spans, seed: seal::run_seed(id), seal: Some(seal) })
    }

    pub fn member(&self) -> Member {
        Member {
            number: self.number,
            level: self.level,
            id: self.seal.as_ref().map(|seal| seal.id),
        }
    }

    /// The highest number that a run has here, whether it counts or not.
    pub fn highest_number(tree: &Tree) -> Result<u64, StoreError> {
        let mut highest_number = 0;
        for kind in [BLOCK, SPANS] {
            let last = catch_panic_silently(|| tree.get_lt([kind + 1]))?.map(|(place, _)| place);
            let number = last
                .as_ref()
                .filter(|place| place.first() == Some(&kind))
                .and_then(|place| place.get(1..9));
            let number =
                number.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            highest_number = highest_number.max(number);
        }
        Ok(highest_number)
    }

    /// Whether it may hold something between `from` and `to`, both inclusive.
    pub fn may_hold(&self, from: &[u8], to: &[u8]) -> bool {
        self.spans
            .iter()
            .any(|(first, last)| first.as_slice() <= to && shorten_key(from) <= last.as_slice())
    }

    /// Judges the seal of a block, if the run has seals.
    pub fn verify_block<'a>(
        &self,
        tree: &Tree,
        run_key: &[u8],
        block: &'a [u8],
    ) -> Result<VerifiedBlock<'a>, StoreError> {
        let Some(run) = &self.seal else { return Ok(VerifiedBlock { rows: block, seal: None }) };
        let bad = |what: &str| damaged_block(tree, self.number, what);
        let read = unseal_block(self.seed, run_key, block)
            .ok_or_else(|| bad("a block does not match its checksum"))?;
        // The block's place must fit the run's summary.
        let is_first = first_key(run_key) == run.first.as_slice();
        if (read.ordinal == 0) != is_first
            || (read.ordinal + 1 == run.blocks) != read.next.is_none()
        {
            return Err(bad("a block is not where it belongs"));
        }
        Ok(VerifiedBlock { rows: read.rows, seal: Some((read.ordinal, read.next, read.sum)) })
    }

    /// The last block that begins at or before `key`.
    pub fn find_block(&self, tree: &Tree, key: &[u8]) -> Result<Option<(IVec, IVec)>, StoreError> {
        let range = run_key(BLOCK, self.number, &[])..=run_key(BLOCK, self.number, key);
        let found = catch_panic_silently(|| tree.range(range).next_back().transpose())?;
        match (&found, &self.seal) {
            // Before the first of all there is none.
            (None, Some(seal)) if seal.first.as_slice() <= key => {
                Err(damaged_block(tree, self.number, "its first block is missing"))
            }
            _ => Ok(found),
        }
    }

    /// What it has under `key`: nothing, a removal, or a row.
    pub fn get(&self, tree: &Tree, key: &[u8]) -> Result<Option<Option<Row>>, StoreError> {
        if !self.may_hold(key, key) {
            return Ok(None);
        }
        let Some((place, block)) = self.find_block(tree, key)? else { return Ok(None) };
        let opened = self.verify_block(tree, &place, &block)?;
        if let Some((ordinal, Some(next), _)) = opened.seal
            && next <= key
        {
            return Err(damaged_block(
                tree,
                self.number,
                &format!("block {} is missing", ordinal + 1),
            ));
        }
        BlockRows::in_block(first_key(&place), opened.rows).find_row(key)
    }

    /// How many bytes its blocks take up, counted up to `most`.
    pub fn block_bytes(&self, tree: &Tree, most: u64) -> Result<u64, StoreError> {
        let blocks = catch_panic(|| {
            Ok(tree.range(run_key(BLOCK, self.number, &[])..run_key(BLOCK, self.number + 1, &[])))
        })?;
        let mut length = 0;
        for block in blocks {
            length += catch_panic(|| block)?.1.len() as u64;
            if length >= most {
                break;
            }
        }
        Ok(length)
    }

    /// Removes what run `number` has in sled. It may take several calls, which `go_on` ends.
    pub fn remove(
        tree: &Tree,
        number: u64,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<(), StoreError> {
        let blocks =
            || tree.range(run_key(BLOCK, number, &[])..run_key(BLOCK, number + 1, &[])).keys();
        let mut blocks = catch_panic_silently(|| Ok(blocks()))?;
        while let Some(key) = catch_panic_silently(|| blocks.next().transpose())? {
            if !go_on() {
                return Ok(());
            }
            catch_panic_silently(|| tree.remove(key))?;
        }
        catch_panic(|| tree.remove(run_key(SPANS, number, &[]))).map(drop)
    }

    /// The numbers of runs that have something in sled.
    pub fn run_numbers(tree: &Tree) -> Result<Vec<u64>, StoreError> {
        let mut numbers = Vec::new();
        for kind in [BLOCK, SPANS] {
            let mut from = run_key(kind, 0, &[]);
            while let Some((found, _)) =
                catch_panic_silently(|| tree.range(from..vec![kind + 1]).next().transpose())?
            {
                let Some(number) =
                    found.get(1..9).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
                else {
                    break;
                };
                numbers.push(number);
                from = run_key(kind, number + 1, &[]);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

/// `[255][version 1][identity u64][blocks][rows][sum u32][first key][spans][crc32c u32]`, keys with their lengths. The sum
/// begins with the place.
fn encode_summary(place: &[u8], spans: &Spans, seal: &Seal) -> Vec<u8> {
    let mut said = vec![NEW, VERSION];
    said.extend_from_slice(&seal.id.to_le_bytes());
    put_varint(&mut said, seal.blocks);
    put_varint(&mut said, seal.rows);
    said.extend_from_slice(&seal.sum.to_le_bytes());
    let keys = spans.iter().flat_map(|(first, last)| [first.as_slice(), last.as_slice()]);
    for key in std::iter::once(seal.first.as_slice()).chain(keys) {
        put_varint(&mut said, key.len() as u64);
        said.extend_from_slice(key);
    }
    said.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(place), &said).to_le_bytes());
    said
}

fn decode_summary(place: &[u8], stored: &[u8]) -> Option<(Spans, Seal)> {
    let (body, sum) = stored.split_last_chunk::<4>()?;
    if crc32c::crc32c_append(crc32c::crc32c(place), body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = body.strip_prefix(&[NEW, VERSION])?;
    let rest = &mut rest;
    let id = u64::from_le_bytes(*take_bytes(rest, 8)?.first_chunk()?);
    let blocks = take_varint(rest)?;
    let rows = take_varint(rest)?;
    let sum = u32::from_le_bytes(*take_bytes(rest, 4)?.first_chunk()?);
    let key = |rest: &mut &[u8]| {
        let len = take_varint(rest)?;
        Some(take_bytes(rest, len as usize)?.to_vec())
    };
    let first = key(rest)?;
    let mut spans = Spans::new();
    while !rest.is_empty() {
        spans.push((ByteBuf::from(key(rest)?), ByteBuf::from(key(rest)?)));
    }
    Some((spans, Seal { id, blocks, rows, sum, first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_bytes_are_on_disks_and_must_stay_readable() {
        let spans = vec![
            (ByteBuf::from("a"), ByteBuf::from("az")),
            (ByteBuf::from("b"), ByteBuf::from("b")),
        ];
        let seal = Seal { id: 9, blocks: 3, rows: 300, sum: 0x0102_0304, first: b"abc".to_vec() };
        let said = encode_summary(b"place", &spans, &seal);
        let mut golden =
            vec![255, 1, 9, 0, 0, 0, 0, 0, 0, 0, 3, 172, 2, 4, 3, 2, 1, 3, b'a', b'b', b'c'];
        golden.extend_from_slice(&[1, b'a', 2, b'a', b'z', 1, b'b', 1, b'b']);
        golden.extend_from_slice(
            &crc32c::crc32c_append(crc32c::crc32c(b"place"), &golden).to_le_bytes(),
        );
        assert_eq!(said, golden);
        assert_eq!(decode_summary(b"place", &said), Some((spans.clone(), seal)));
        for bit in 0..said.len() * 8 {
            let mut flipped = said.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_summary(b"place", &flipped), None, "bit {bit}");
        }
        // As it was before there were seals.
        let old = codec::encode_part(&spans).expect("encodes");
        assert_eq!(old, [2, 1, b'a', 2, b'a', b'z', 1, b'b', 1, b'b']);
    }
}
