//! Manifests: which runs a tree consists of. A manifest is written last, so a run half written counts for nothing.
//!
//! `[255][version 1][generation][through][runs][for each: number, level, 0 or 1 and its identity u64][crc32c u32]`,
//! where the sum begins with that of the tree's name. Before there were seals it was a bincode record, which never begins
//! with 255.

use super::panic::{catch_panic, catch_panic_silently};
use crate::{
    domain::Decoder,
    store::{
        Commit, StoreError, codec,
        varint::{put_varint, take_bytes, take_varint},
    },
};
use serde::{Deserialize, Serialize};
use sled::Tree;

const MANIFEST: &[u8] = &[0];
/// What bincode begins nothing with that we store.
pub const NEW: u8 = 255;
const VERSION: u8 = 1;

/// What a tree consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Counts how often it has changed.
    pub generation: u64,
    /// All that was written up to this commit is in the runs.
    pub flushed_through: Commit,
    /// The newest first.
    pub runs: Vec<Member>,
}

/// A run that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub number: u64,
    pub level: u8,
    /// Its identity, unless it was written before there were seals.
    pub id: Option<u64>,
}

/// As it was stored before there were seals. Frozen: what is on disks does not change.
#[derive(Serialize, Deserialize)]
struct ManifestV0 {
    through: Commit,
    runs: Vec<(u64, u8)>,
}

impl Manifest {
    /// Reads that of `tree`, which has none while it is new.
    pub fn read(tree: &Tree) -> Result<Self, StoreError> {
        let name = tree.name();
        match catch_panic_silently(|| tree.get(MANIFEST))? {
            Some(bytes) => Self::from_bytes(&name, &bytes).map_err(|what| {
                StoreError::Damaged(format!(
                    "the manifest of `{}` {what}",
                    String::from_utf8_lossy(&name)
                ))
            }),
            None => Ok(Self::default()),
        }
    }

    /// Gives its sum.
    pub fn write(&self, tree: &Tree) -> Result<u32, StoreError> {
        let (bytes, sum) = self.to_bytes(&tree.name());
        catch_panic(|| tree.insert(MANIFEST, bytes)).map(|_| sum)
    }

    /// What it is summed up to, under the name of its tree.
    pub fn checksum_of(&self, tree: &[u8]) -> u32 {
        self.to_bytes(tree).1
    }

    fn to_bytes(&self, tree: &[u8]) -> (Vec<u8>, u32) {
        let mut bytes = vec![NEW, VERSION];
        put_varint(&mut bytes, self.generation);
        put_varint(&mut bytes, self.flushed_through);
        put_varint(&mut bytes, self.runs.len() as u64);
        for run in &self.runs {
            put_varint(&mut bytes, run.number);
            bytes.push(run.level);
            bytes.push(u8::from(run.id.is_some()));
            if let Some(id) = run.id {
                bytes.extend_from_slice(&id.to_le_bytes());
            }
        }
        let sum = crc32c::crc32c_append(crc32c::crc32c(tree), &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        (bytes, sum)
    }

    fn from_bytes(tree: &[u8], stored: &[u8]) -> Result<Self, &'static str> {
        let Some(rest) = stored.strip_prefix(&[NEW]) else {
            let old: ManifestV0 = codec::Part(stored).read().map_err(|_| "cannot be read")?;
            let runs =
                old.runs.into_iter().map(|(number, level)| Member { number, level, id: None });
            return Ok(Self { generation: 0, flushed_through: old.through, runs: runs.collect() });
        };
        if rest.first() != Some(&VERSION) {
            return Err(
                "is of a version that this version of the software does not know, or is damaged",
            );
        }
        let (body, sum) = stored.split_last_chunk::<4>().ok_or("is cut short")?;
        if crc32c::crc32c_append(crc32c::crc32c(tree), body) != u32::from_le_bytes(*sum) {
            return Err("does not match its checksum");
        }
        parse_manifest(body.get(2..).unwrap_or_default()).ok_or("cannot be read")
    }
}

fn parse_manifest(mut rest: &[u8]) -> Option<Manifest> {
    let rest = &mut rest;
    let generation = take_varint(rest)?;
    let through = take_varint(rest)?;
    let count = take_varint(rest)?;
    let mut runs = Vec::new();
    for _ in 0..count {
        let number = take_varint(rest)?;
        let &[level, is_sealed] = take_bytes(rest, 2)?.first_chunk()?;
        let id = match is_sealed {
            0 => None,
            _ => Some(u64::from_le_bytes(*take_bytes(rest, 8)?.first_chunk()?)),
        };
        runs.push(Member { number, level, id });
    }
    rest.is_empty().then_some(Manifest { generation, flushed_through: through, runs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifests() -> impl Strategy<Value = Manifest> {
        let run = (any::<u64>(), any::<u8>(), any::<Option<u64>>());
        let run = run.prop_map(|(number, level, id)| Member { number, level, id });
        (any::<u64>(), any::<u64>(), prop::collection::vec(run, 0..9)).prop_map(
            |(generation, through, runs)| Manifest { generation, flushed_through: through, runs },
        )
    }

    #[test]
    fn these_bytes_are_on_disks_and_must_stay_readable() {
        // Through commit 300, runs 7 of level 0 and 3 of level 1; what stores had before there were seals.
        let old = [251, 44, 1, 2, 7, 0, 3, 1];
        let run = |number, level, id| Member { number, level, id };
        let runs = vec![run(7, 0, None), run(3, 1, None)];
        assert_eq!(
            Manifest::from_bytes(b"a.b", &old),
            Ok(Manifest { generation: 0, flushed_through: 300, runs })
        );
        let new = Manifest {
            generation: 2,
            flushed_through: 300,
            runs: vec![run(7, 0, Some(9)), run(3, 1, None)],
        };
        let mut golden = vec![255, 1, 2, 172, 2, 2, 7, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0];
        golden.extend_from_slice(&new.checksum_of(b"a.b").to_le_bytes());
        assert_eq!(new.to_bytes(b"a.b").0, golden);
        assert_eq!(Manifest::from_bytes(b"a.b", &golden), Ok(new));
    }

    proptest! {
        #[test]
        fn a_manifest_reads_back_under_its_name_and_every_flipped_bit_is_noticed(manifest in manifests()) {
            let (bytes, _) = manifest.to_bytes(b"a.b");
            prop_assert_eq!(Manifest::from_bytes(b"a.b", &bytes), Ok(manifest.clone()));
            prop_assert!(Manifest::from_bytes(b"a.c", &bytes).is_err());
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let read = Manifest::from_bytes(b"a.b", &flipped);
                prop_assert_ne!(read, Ok(manifest.clone()), "bit {}", bit);
            }
        }
    }
}
