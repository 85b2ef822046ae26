//! Indexes: which numbers have which value, in chunks.
//!
//! A list must page, filter, sort and count without loading what it does not show. A row of an index holds, for one
//! value of one field, which of [`CHUNK`] neighbouring numbers have it. Numbers are given out in order, so a turn that
//! establishes fifty rents writes one row of `status = Rent`, not fifty; and counting or skipping a million of them
//! reads 245 rows.
//!
//! Values that are numbers, ids of others, are as many as the things themselves. Each of their entries is a row of its
//! own, which is written without being read first.

use crate::{
    domain::Key,
    store::{
        StoreError,
        codec::{self},
        keys::{KeyBuf, Space, last_number},
    },
};
use serde_bytes::ByteBuf;
use std::cmp::Ordering;

/// How many neighbouring numbers share a row.
pub const CHUNK: u64 = 4096;
const BITMAP: usize = (CHUNK / 8) as usize;
const WORDS: usize = BITMAP / size_of::<u64>();
/// From so many numbers on, a bitmap is the smaller form.
const DENSE: usize = BITMAP / 2;
const LIST: u8 = 0;
const BITS: u8 = 1;

/// The name of the index of everything that is established.
pub const ALL: &str = "";
/// The name of the index of what belongs to each customer. No field has it, so no client can name it.
pub const OWNER: &str = "@owner";

/// Which of a chunk's numbers are meant, by their offset in the chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    words: [u64; WORDS],
    len: usize,
}

impl Default for Posting {
    fn default() -> Self {
        Self { words: [0; WORDS], len: 0 }
    }
}

/// The bits of a word that are set, ascending.
struct SetBits(u64);

impl Iterator for SetBits {
    type Item = u16;
    fn next(&mut self) -> Option<u16> {
        let lowest = u16::try_from(self.0.trailing_zeros()).ok().filter(|_| self.0 != 0)?;
        self.0 &= self.0 - 1;
        Some(lowest)
    }
}

impl DoubleEndedIterator for SetBits {
    fn next_back(&mut self) -> Option<u16> {
        let highest = u16::try_from(self.0.checked_ilog2()?).ok()?;
        self.0 ^= 1 << highest;
        Some(highest)
    }
}

impl Posting {
    fn of_words(words: [u64; WORDS]) -> Self {
        let len = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, len }
    }
    /// Adds an offset.
    pub fn insert(&mut self, offset: u16) {
        if let Some(word) = self.words.get_mut(usize::from(offset / 64)) {
            self.len += usize::from(*word & (1 << (offset % 64)) == 0);
            *word |= 1 << (offset % 64);
        }
    }
    /// Takes an offset out.
    pub fn remove(&mut self, offset: u16) {
        if let Some(word) = self.words.get_mut(usize::from(offset / 64)) {
            self.len -= usize::from(*word & (1 << (offset % 64)) != 0);
            *word &= !(1 << (offset % 64));
        }
    }
    /// Whether `offset` is among them.
    pub fn contains(&self, offset: u16) -> bool {
        self.words
            .get(usize::from(offset / 64))
            .is_some_and(|word| word & (1 << (offset % 64)) != 0)
    }
    /// The offsets, ascending.
    pub fn offsets(&self) -> impl DoubleEndedIterator<Item = u16> {
        let starts = (0..WORDS as u16).map(|place| place * 64);
        let words = starts.zip(&self.words);
        words.flat_map(|(start, word)| SetBits(*word).map(move |bit| start + bit))
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }
    /// The one number at `offset`.
    pub fn of(offset: u16) -> Self {
        let mut one = Self::default();
        one.insert(offset);
        one
    }
    /// Adds those of `other`.
    pub fn add_all(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
        *self = Self::of_words(self.words);
    }
    /// Those that are in both.
    #[must_use]
    pub fn intersect_with(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
        Self::of_words(words)
    }

    /// The record. One that has become empty is kept too: the commit that emptied it is what an answer that there is
    /// nothing must wait for.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let (kind, len) = if self.len < DENSE { (LIST, 2 * self.len) } else { (BITS, BITMAP) };
        let mut bytes = vec![kind; 1 + len];
        let (_, content) = bytes.split_at_mut(1);
        if kind == LIST {
            let slots = content.as_chunks_mut().0.iter_mut();
            slots.zip(self.offsets()).for_each(|(slot, offset)| *slot = offset.to_le_bytes());
        } else {
            let slots = content.as_chunks_mut().0.iter_mut();
            slots.zip(self.words).for_each(|(slot, word)| *slot = word.to_le_bytes());
        }
        codec::encode(Space::Index, 1, &ByteBuf::from(bytes))
    }

    /// Reads a record.
    pub fn decode(record: &[u8]) -> Result<Self, StoreError> {
        let bytes: ByteBuf = codec::decode(Space::Index, record)?;
        match bytes.split_first() {
            Some((&LIST, list)) => {
                let mut posting = Self::default();
                let offsets = list.as_chunks().0.iter();
                offsets.for_each(|offset| posting.insert(u16::from_le_bytes(*offset)));
                Ok(posting)
            }
            Some((&BITS, bits)) if bits.len() == BITMAP => {
                let mut words = [0; WORDS];
                let slots = words.iter_mut().zip(bits.as_chunks().0);
                slots.for_each(|(word, bits)| *word = u64::from_le_bytes(*bits));
                Ok(Self::of_words(words))
            }
            _ => Err(StoreError::Damaged("an index row of an unknown form".into())),
        }
    }
}

const MISSING: u8 = 0;
const FLAG: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;

/// Whether each entry of `value` is a row of its own.
pub fn stands_alone(value: &Key) -> bool {
    matches!(value, Key::Number(_))
}

/// Whether each entry of `value` in the index of `field` is a row of its own: customers are many, too.
pub fn has_row_each(field: &str, value: &Key) -> bool {
    field == OWNER || stands_alone(value)
}

/// The record of an entry that is a row of its own. One that is taken out is kept for the commit that took it out, as
/// an emptied chunk is.
pub fn encode_entry(present: bool) -> Result<Vec<u8>, StoreError> {
    codec::encode(Space::Index, 1, &present)
}

/// A row of an index: the value that it is about, which of the numbers of a chunk have it, and the number that ends
/// its key: a chunk's, or where each entry is a row, the entry's own.
pub struct IndexRow {
    pub value: Key,
    pub last: u64,
    pub chunk: u64,
    pub posting: Posting,
}

/// Reads a row of the index of a field whose rows begin with `prefix` bytes.
pub fn read_row(prefix: usize, key: &[u8], record: &[u8]) -> Result<IndexRow, StoreError> {
    let damaged = || StoreError::Damaged("an index row under a key that is none".into());
    let last = last_number(key).ok_or_else(damaged)?;
    let value = key.get(prefix..key.len() - 8).and_then(read_value).ok_or_else(damaged)?;
    if !stands_alone(&value) {
        return Ok(IndexRow { value, last, chunk: last, posting: Posting::decode(record)? });
    }
    let (chunk, offset) = chunk_of(last);
    let posting = if decode_entry(record)? { Posting::of(offset) } else { Posting::default() };
    Ok(IndexRow { value, last, chunk, posting })
}

/// Whether an entry that is a row of its own is there, or was taken out.
pub fn decode_entry(record: &[u8]) -> Result<bool, StoreError> {
    codec::decode(Space::Index, record)
}

/// The value in an index key.
fn read_value(bytes: &[u8]) -> Option<Key> {
    let (kind, rest) = bytes.split_first()?;
    match (*kind, rest) {
        (MISSING, []) => Some(Key::Missing),
        (FLAG, [flag]) => Some(Key::Flag(*flag != 0)),
        (NUMBER, number) => Some(Key::Number(u64::from_be_bytes(number.try_into().ok()?))),
        (TEXT, text) => {
            let mut words = Vec::with_capacity(text.len());
            let mut bytes = text.strip_suffix(&[0, 0])?.iter();
            while let Some(byte) = bytes.next() {
                // A zero byte of the text is followed by a mark.
                if *byte == 0 && bytes.next() != Some(&u8::MAX) {
                    return None;
                }
                words.push(*byte);
            }
            String::from_utf8(words).ok().map(Key::Text)
        }
        _ => None,
    }
}

/// How two values compare in an index: as the keys of their rows do.
pub fn compare_keys(one: &Key, other: &Key) -> Ordering {
    let rank = |value: &Key| match value {
        Key::Missing => MISSING,
        Key::Flag(_) => FLAG,
        Key::Number(_) => NUMBER,
        Key::Text(_) => TEXT,
    };
    // Within a kind, values compare as they do anyway.
    rank(one).cmp(&rank(other)).then_with(|| one.cmp(other))
}

/// The chunk of a number and its offset there.
pub fn chunk_of(number: u64) -> (u64, u16) {
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
        Key::Missing => prefix.byte(MISSING),
        Key::Flag(flag) => prefix.byte(FLAG).byte(u8::from(*flag)),
        Key::Number(number) => prefix.byte(NUMBER).number(*number),
        Key::Text(text) => prefix.byte(TEXT).text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn value() -> impl Strategy<Value = Key> {
        prop_oneof![
            Just(Key::Missing),
            any::<bool>().prop_map(Key::Flag),
            any::<u64>().prop_map(Key::Number),
            ".{0,6}".prop_map(Key::Text),
            "[a\\x00]{0,4}".prop_map(Key::Text),
        ]
    }

    /// What a chunk with these offsets has on disk.
    fn stored(offsets: &BTreeSet<u16>) -> ByteBuf {
        let mut bytes = vec![LIST];
        if offsets.len() < DENSE {
            bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        } else {
            bytes = [&[BITS][..], &[0; BITMAP]].concat();
            offsets.iter().for_each(|at| bytes[1 + usize::from(at / 8)] |= 1 << (at % 8));
        }
        ByteBuf::from(bytes)
    }

    proptest! {
        #[test]
        fn a_posting_holds_what_was_inserted_and_not_removed_in_either_form(
            steps in prop::collection::vec((any::<bool>(), 0..4096u16), 0..900)
        ) {
            let mut posting = Posting::default();
            let mut model = BTreeSet::new();
            for (insert, offset) in steps {
                if insert { posting.insert(offset); model.insert(offset); } else { posting.remove(offset); model.remove(&offset); }
            }
            prop_assert!(posting.offsets().eq(model.iter().copied()));
            prop_assert!(posting.offsets().rev().eq(model.iter().rev().copied()));
            let record = posting.encode().unwrap();
            prop_assert_eq!(&record, &codec::encode(Space::Index, 1, &stored(&model)).unwrap());
            prop_assert_eq!(Posting::decode(&record).unwrap(), posting);
        }

        #[test]
        fn a_value_is_read_back_from_its_key_and_keys_order_as_values_do(one in value(), other in value()) {
            let key = |value: &Key| value_prefix(3, "field", value).number(7).build();
            let prefix = field_prefix(3, "field").build().len();
            let record = if stands_alone(&one) { encode_entry(true) } else { Posting::of(7).encode() };
            let row = read_row(prefix, &key(&one), &record.unwrap()).unwrap();
            prop_assert_eq!((row.value, row.last), (one.clone(), 7));
            prop_assert_eq!(key(&one).cmp(&key(&other)), compare_keys(&one, &other));
        }

        #[test]
        fn a_key_that_is_none_is_damage_and_no_panic(key in prop::collection::vec(any::<u8>(), 0..40)) {
            let prefix = field_prefix(3, "field").build().len();
            let _ = read_row(prefix, &key, &Posting::default().encode().unwrap());
            let key = [field_prefix(3, "field").build(), key].concat();
            let _ = read_row(prefix, &key, &Posting::default().encode().unwrap());
        }
    }
}
