//! Indexes: which numbers have which value, in chunks.
//!
//! A list must page, filter, sort and count without loading what it does not show. A row of an index holds, for one
//! value of one field, which of [`CHUNK`] neighbouring numbers have it. Numbers are given out in order, so a turn that
//! establishes fifty rents writes one row of `status = Rent`, not fifty; and counting or skipping a million of them
//! reads 245 rows.

use crate::{
    domain::Key,
    store::{
        StoreError,
        codec::{self},
        keys::{KeyBuf, Space},
    },
};
use serde_bytes::ByteBuf;

/// How many neighbouring numbers share a row.
pub const CHUNK: u64 = 4096;
const BITMAP: usize = (CHUNK / 8) as usize;
/// From so many numbers on, a bitmap is the smaller form.
const DENSE: usize = BITMAP / 2;

/// The name of the index of everything that is established.
pub const ALL: &str = "";

/// Which of a chunk's numbers are meant, by their offset in the chunk: ascending, none twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posting(Vec<u16>);

impl Posting {
    /// Adds an offset.
    pub fn insert(&mut self, offset: u16) {
        if let Err(place) = self.0.binary_search(&offset) {
            self.0.insert(place, offset);
        }
    }
    /// Takes an offset out.
    pub fn remove(&mut self, offset: u16) {
        if let Ok(place) = self.0.binary_search(&offset) {
            self.0.remove(place);
        }
    }
    /// Whether `offset` is among them.
    pub fn contains(&self, offset: u16) -> bool {
        self.0.binary_search(&offset).is_ok()
    }
    /// The offsets, ascending.
    pub fn offsets(&self) -> &[u16] {
        &self.0
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The record; `None` where there is nothing to keep.
    pub fn encode(&self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let bytes = if self.0.len() < DENSE {
            let mut bytes = Vec::with_capacity(1 + 2 * self.0.len());
            bytes.push(0);
            self.0.iter().for_each(|offset| bytes.extend_from_slice(&offset.to_le_bytes()));
            bytes
        } else {
            let mut bytes = vec![0; 1 + BITMAP];
            for offset in &self.0 {
                if let Some(byte) = bytes.get_mut(1 + usize::from(offset / 8)) {
                    *byte |= 1 << (offset % 8);
                }
            }
            if let Some(form) = bytes.first_mut() {
                *form = 1;
            }
            bytes
        };
        codec::encode(Space::Index, 1, &ByteBuf::from(bytes)).map(Some)
    }

    /// Reads a record.
    pub fn decode(record: &[u8]) -> Result<Self, StoreError> {
        let bytes: ByteBuf = codec::decode(Space::Index, record)?;
        match bytes.split_first() {
            Some((0, list)) => {
                Ok(Self(list.as_chunks::<2>().0.iter().map(|offset| u16::from_le_bytes(*offset)).collect()))
            }
            Some((1, bits)) => {
                let mut offsets = Vec::new();
                for (place, byte) in bits.iter().enumerate() {
                    let start = u16::try_from(place * 8).unwrap_or(u16::MAX);
                    offsets.extend((0..8).filter(|bit| byte & (1 << bit) != 0).map(|bit| start + bit));
                }
                Ok(Self(offsets))
            }
            _ => Err(StoreError::Damaged("an index row of an unknown form".into())),
        }
    }
}

/// The chunk of a number and its offset there.
pub fn place(number: u64) -> (u64, u16) {
    (number / CHUNK, u16::try_from(number % CHUNK).unwrap_or(0))
}

/// The beginning of all rows of `field`. Views keep the rows of each generation apart.
pub fn field_prefix(generation: u32, field: &str) -> KeyBuf {
    KeyBuf::new(Space::Index).number(u64::from(generation)).text(field)
}

/// The beginning of all rows of `field` = `value`. Values order as they compare; missing ones come first.
pub fn value_prefix(generation: u32, field: &str, value: &Key) -> KeyBuf {
    let prefix = field_prefix(generation, field);
    match value {
        Key::Missing => prefix.byte(0),
        Key::Flag(flag) => prefix.byte(1).byte(u8::from(*flag)),
        Key::Number(number) => prefix.byte(2).number(*number),
        Key::Text(text) => prefix.byte(3).text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_posting_holds_what_was_inserted_and_not_removed_in_either_form(
            steps in prop::collection::vec((any::<bool>(), 0..4096u16), 0..900)
        ) {
            let (mut posting, mut model) = (Posting::default(), BTreeSet::new());
            for (insert, offset) in steps {
                if insert { posting.insert(offset); model.insert(offset); } else { posting.remove(offset); model.remove(&offset); }
            }
            prop_assert!(posting.offsets().iter().eq(model.iter()));
            if let Some(record) = posting.encode().unwrap() {
                prop_assert_eq!(Posting::decode(&record).unwrap(), posting);
            } else {
                prop_assert!(model.is_empty());
            }
        }
    }
}
