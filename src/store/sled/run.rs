//! Runs: rows of a tree that no longer change, as [blocks](super::block) in key order. A tree is a few runs, the newer
//! over the older, and a manifest, which says which runs count. Blocks are put first and count from the manifest on.
//!
//! | key in sled | value |
//! |---|---|
//! | `0` | the manifest |
//! | `1`, run, first key | a block |
//! | `2`, run | the spans of the run |

use super::{
    block::{Builder, Entry, Rows},
    guard::guarded,
};
use crate::{
    domain::Decoder,
    store::{Commit, Row, Scan, StoreError, codec},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sled::{IVec, Tree};

const MANIFEST: &[u8] = &[0];
const BLOCK: u8 = 1;
const SPANS: u8 = 2;

/// How much of a key spans remember.
const SPAN_KEY: usize = 64;

/// What a tree consists of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// All that was written up to this commit is in the runs.
    pub(super) through: Commit,
    /// Number and level of each run, the newest first.
    pub(super) runs: Vec<(u64, u8)>,
}

/// A run. Dropping it leaves its blocks where they are.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) level: u8,
    /// The first and the last key of each key space, shortened.
    spans: Vec<(ByteBuf, ByteBuf)>,
}

fn shortened(key: &[u8]) -> &[u8] {
    key.get(..SPAN_KEY).unwrap_or(key)
}

fn place(kind: u8, run: u64, key: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(9 + key.len());
    place.push(kind);
    place.extend_from_slice(&run.to_be_bytes());
    place.extend_from_slice(key);
    place
}

/// The first key of the block that lies at `place`.
fn first_key(place: &IVec) -> &[u8] {
    place.get(9..).unwrap_or_default()
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    codec::Part(bytes).read().map_err(|why| StoreError::Damaged(format!("what a tree consists of: {why}")))
}

impl Manifest {
    pub(super) fn read(tree: &Tree) -> Result<Self, StoreError> {
        match guarded(|| tree.get(MANIFEST))? {
            Some(bytes) => decode(&bytes),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn write(&self, tree: &Tree) -> Result<(), StoreError> {
        let bytes = codec::encode_part(self)?;
        guarded(|| tree.insert(MANIFEST, bytes)).map(drop)
    }
}

impl Run {
    /// Finds a run that the manifest names.
    pub(super) fn open(tree: &Tree, number: u64, level: u8) -> Result<Self, StoreError> {
        let spans = guarded(|| tree.get(place(SPANS, number, &[])))?
            .ok_or_else(|| StoreError::Damaged(format!("run {number} of a tree is missing")))?;
        Ok(Self { number, level, spans: decode(&spans)? })
    }

    /// The highest number that a run has here, whether it counts or not.
    pub(super) fn highest(tree: &Tree) -> Result<u64, StoreError> {
        let mut highest = 0;
        for kind in [BLOCK, SPANS] {
            let last = guarded(|| tree.get_lt([kind + 1]))?.map(|(place, _)| place);
            let number = last.as_ref().filter(|place| place.first() == Some(&kind)).and_then(|place| place.get(1..9));
            let number = number.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            highest = highest.max(number);
        }
        Ok(highest)
    }

    /// Whether it may hold something between `from` and `to`, both inclusive.
    fn may_hold(&self, from: &[u8], to: &[u8]) -> bool {
        self.spans.iter().any(|(first, last)| first.as_slice() <= to && shortened(from) <= last.as_slice())
    }

    /// What it says of `key`: nothing, that it was removed, or its row.
    pub(super) fn get(&self, tree: &Tree, key: &[u8]) -> Result<Option<Option<Row>>, StoreError> {
        if !self.may_hold(key, key) {
            return Ok(None);
        }
        let range = place(BLOCK, self.number, &[])..=place(BLOCK, self.number, key);
        match guarded(|| tree.range(range).next_back().transpose())? {
            Some((place, block)) => Rows::of(first_key(&place), &block).find(key),
            None => Ok(None),
        }
    }

    /// Its part of a scan, in the scan's direction.
    pub(super) fn range<'a>(&self, tree: &'a Tree, scan: &'a Scan) -> Result<Option<Range<'a>>, StoreError> {
        if !self.may_hold(&scan.from, &scan.to) {
            return Ok(None);
        }
        let lowest = place(BLOCK, self.number, &[]);
        let from = place(BLOCK, self.number, &scan.from);
        // The block before may reach into the range.
        let before = guarded(|| tree.range(lowest.as_slice()..=from.as_slice()).next_back().transpose())?;
        let from = before.map_or(lowest, |(place, _)| place.to_vec());
        let blocks = guarded(|| Ok(tree.range(from..place(BLOCK, self.number, &scan.to))))?;
        Ok(Some(Range { blocks, scan, rows: Vec::new().into_iter() }))
    }

    /// All of it, in order.
    pub(super) fn iter(
        &self,
        tree: &Tree,
    ) -> Result<impl Iterator<Item = Result<Entry, StoreError>> + use<>, StoreError> {
        let mut blocks =
            guarded(|| Ok(tree.range(place(BLOCK, self.number, &[])..place(BLOCK, self.number + 1, &[]))))?;
        let mut rows = Vec::new().into_iter();
        Ok(std::iter::from_fn(move || {
            loop {
                if let Some(entry) = rows.next() {
                    return Some(Ok(entry));
                }
                let block = guarded(|| blocks.next().transpose()).transpose()?;
                let read = block.and_then(|(place, block)| Rows::of(first_key(&place), &block).collect());
                match read {
                    Ok(read) => rows = Vec::into_iter(read),
                    Err(error) => return Some(Err(error)),
                }
            }
        }))
    }

    /// How many bytes its blocks take up, counted up to `most`.
    pub(super) fn length(&self, tree: &Tree, most: u64) -> Result<u64, StoreError> {
        let blocks = guarded(|| Ok(tree.range(place(BLOCK, self.number, &[])..place(BLOCK, self.number + 1, &[]))))?;
        let mut length = 0;
        for block in blocks {
            length += guarded(|| block)?.1.len() as u64;
            if length >= most {
                break;
            }
        }
        Ok(length)
    }

    /// Removes what run `number` has in sled. It may take several calls, which `go_on` ends.
    pub(super) fn remove(tree: &Tree, number: u64, mut go_on: impl FnMut() -> bool) -> Result<(), StoreError> {
        let blocks = || tree.range(place(BLOCK, number, &[])..place(BLOCK, number + 1, &[])).keys();
        for key in guarded(|| Ok(blocks()))? {
            if !go_on() {
                return Ok(());
            }
            guarded(|| tree.remove(key?))?;
        }
        guarded(|| tree.remove(place(SPANS, number, &[]))).map(drop)
    }

    /// The numbers of runs that have something in sled.
    pub(super) fn numbers(tree: &Tree) -> Result<Vec<u64>, StoreError> {
        let mut numbers = Vec::new();
        for kind in [BLOCK, SPANS] {
            let mut from = place(kind, 0, &[]);
            while let Some((found, _)) = guarded(|| tree.range(from..vec![kind + 1]).next().transpose())? {
                let Some(number) = found.get(1..9).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
                else {
                    break;
                };
                numbers.push(number);
                from = place(kind, number + 1, &[]);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

/// A run's part of a scan.
pub(super) struct Range<'a> {
    blocks: sled::Iter,
    scan: &'a Scan,
    rows: std::vec::IntoIter<Entry>,
}

impl Iterator for Range<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.rows.next() {
                return Some(Ok(entry));
            }
            let block = guarded(|| match self.scan.backwards {
                false => self.blocks.next().transpose(),
                true => self.blocks.next_back().transpose(),
            });
            let (place, block) = match block.transpose()? {
                Ok(block) => block,
                Err(error) => return Some(Err(error)),
            };
            let inside = |entry: &Result<Entry, StoreError>| match entry {
                Ok((key, _)) => *key >= self.scan.from && *key < self.scan.to,
                Err(_) => true,
            };
            let rows: Result<Vec<_>, _> = Rows::of(first_key(&place), &block).filter(inside).collect();
            match rows {
                Err(error) => return Some(Err(error)),
                Ok(mut rows) => {
                    if self.scan.backwards {
                        rows.reverse();
                    }
                    self.rows = rows.into_iter();
                }
            }
        }
    }
}

/// A run that is being written.
pub(super) struct Writer<'a> {
    tree: &'a Tree,
    number: u64,
    builder: Builder,
    spans: Vec<(ByteBuf, ByteBuf)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(tree: &'a Tree, number: u64) -> Self {
        Self { tree, number, builder: Builder::default(), spans: Vec::new() }
    }

    /// Adds a row behind those before it. Gives whether a block has been put.
    pub(super) fn push(&mut self, key: &[u8], row: Option<&Row>) -> Result<bool, StoreError> {
        let full = self.builder.has_no_room_for(key.len() + row.map_or(0, |row| row.record.len()));
        if full {
            self.put()?;
        }
        self.builder.push(key, row);
        let short = shortened(key);
        match self.spans.last_mut().filter(|(first, _)| first.first() == key.first()) {
            Some((_, last)) if last.as_slice() == short => {}
            Some((_, last)) => {
                last.clear();
                last.extend_from_slice(short);
            }
            None => self.spans.push((ByteBuf::from(short), ByteBuf::from(short))),
        }
        Ok(full)
    }

    fn put(&mut self) -> Result<(), StoreError> {
        match self.builder.take() {
            Some((first, block)) => guarded(|| self.tree.insert(place(BLOCK, self.number, &first), block)).map(drop),
            None => Ok(()),
        }
    }

    /// Ends the run; there is none if it has no rows.
    pub(super) fn finish(mut self, level: u8) -> Result<Option<Run>, StoreError> {
        self.put()?;
        if self.spans.is_empty() {
            return Ok(None);
        }
        let spans = codec::encode_part(&self.spans)?;
        guarded(|| self.tree.insert(place(SPANS, self.number, &[]), spans))?;
        Ok(Some(Run { number: self.number, level, spans: self.spans }))
    }
}
