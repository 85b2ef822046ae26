//! Roots: which manifest each tree has. A row in sled's default tree, written after the manifests
//! that it names; the [watermark](crate::store::sled::watermark) outside sled records how far it
//! had got.
//!
//! sled drops what it cannot read at the end of its log, and so falls back to an older manifest, or
//! to none. A tree older than its root, or roots older than the watermark, are such a loss.

use crate::{
    store::{
        StoreError,
        sled::{
            manifest::Manifest,
            panic::{catch_panic, catch_panic_silently},
        },
        varint::{put_varint, take_bytes, take_varint},
    },
    sync,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Mutex,
};

/// Where they lie in sled's default tree.
pub const ROOTS: &[u8] = b"roots";
const MAGIC: [u8; 4] = *b"hfr1";

/// A manifest's generation and sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Root {
    pub generation: u64,
    pub sum: u32,
}

impl Root {
    pub fn from_manifest(manifest: &Manifest, tree: &[u8]) -> Self {
        Self { generation: manifest.generation, sum: manifest.checksum_of(tree) }
    }
}

/// The roots of all trees that have had a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    /// Counts how often they have changed.
    pub generation: u64,
    pub trees: BTreeMap<String, Root>,
}

impl Roots {
    /// Those of `db`; a new store has none.
    pub fn read(db: &sled::Tree) -> Result<Option<Self>, StoreError> {
        let stored = catch_panic_silently(|| db.get(ROOTS))?;
        let damaged = || StoreError::Damaged("the list of its trees cannot be read".into());
        stored.map(|bytes| Self::from_bytes(&bytes).ok_or_else(damaged)).transpose()
    }

    /// As a root of its own: generation and sum.
    pub fn compute_root(&self) -> Root {
        Root { generation: self.generation, sum: self.to_bytes().1 }
    }

    fn to_bytes(&self) -> (Vec<u8>, u32) {
        let mut stored = MAGIC.to_vec();
        put_varint(&mut stored, self.generation);
        for (name, root) in &self.trees {
            put_varint(&mut stored, name.len() as u64);
            stored.extend_from_slice(name.as_bytes());
            put_varint(&mut stored, root.generation);
            stored.extend_from_slice(&root.sum.to_le_bytes());
        }
        let sum = crc32c::crc32c(&stored);
        stored.extend_from_slice(&sum.to_le_bytes());
        (stored, sum)
    }

    fn from_bytes(stored: &[u8]) -> Option<Self> {
        let (body, sum) = stored.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let mut rest = body.strip_prefix(&MAGIC)?;
        let generation = take_varint(&mut rest)?;
        let mut trees = BTreeMap::new();
        while !rest.is_empty() {
            let len = take_varint(&mut rest)?;
            let name = String::from_utf8(take_bytes(&mut rest, len as usize)?.to_vec()).ok()?;
            let generation = take_varint(&mut rest)?;
            let sum = u32::from_le_bytes(*take_bytes(&mut rest, 4)?.first_chunk()?);
            trees.insert(name, Root { generation, sum });
        }
        Some(Self { generation, trees })
    }
}

/// The roots of an open store.
#[derive(Debug, Default)]
pub struct OpenRoots(Mutex<Roots>);

impl OpenRoots {
    /// The roots of a store that is being opened; with `anew` they are written once more, as the
    /// next ones.
    pub fn open(db: &sled::Tree, mut roots: Roots, anew: bool) -> Result<Self, StoreError> {
        if anew || roots.generation == 0 {
            roots.generation += 1;
            let bytes = roots.to_bytes().0;
            catch_panic(|| db.insert(ROOTS, bytes))?;
        }
        Ok(Self(Mutex::new(roots)))
    }

    pub fn root(&self) -> Root {
        sync::lock(&self.0).compute_root()
    }

    /// Puts what `trees` have now, if it is something else; gives the root of it all. Their manifests are in sled.
    pub fn update_with<'a>(
        &self,
        db: &sled::Tree,
        trees: impl IntoIterator<Item = (&'a str, Root)>,
    ) -> Result<Root, StoreError> {
        let mut roots = sync::lock(&self.0);
        let mut changed = false;
        for (name, root) in trees {
            match roots.trees.entry(name.to_owned()) {
                Entry::Occupied(known) if known.get().generation >= root.generation => {}
                Entry::Occupied(mut known) => (changed, *known.get_mut()) = (true, root),
                Entry::Vacant(_) if root.generation == 0 => {}
                Entry::Vacant(place) => {
                    place.insert(root);
                    changed = true;
                }
            }
        }
        if changed {
            roots.generation += 1;
            let bytes = roots.to_bytes().0;
            catch_panic(|| db.insert(ROOTS, bytes))?;
        }
        Ok(roots.compute_root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_bytes_are_on_disks_and_must_stay_readable() {
        let root = |generation, sum| Root { generation, sum };
        let trees = [("a.b".to_owned(), root(3, 0x0102_0304)), ("c.d".to_owned(), root(300, 5))];
        let roots = Roots { generation: 9, trees: trees.into() };
        let (bytes, sum) = roots.to_bytes();
        let mut golden = b"hfr1\x09\x03a.b\x03\x04\x03\x02\x01\x03c.d\xac\x02\x05\0\0\0".to_vec();
        golden.extend_from_slice(&sum.to_le_bytes());
        assert_eq!(bytes, golden);
        assert_eq!(Roots::from_bytes(&bytes), Some(roots));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Roots::from_bytes(&flipped), None, "bit {bit}");
        }
    }
}
