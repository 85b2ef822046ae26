//! Keys within a context's tree: the first byte is the key space, the rest is ordered bytes.

/// The key spaces of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::VariantArray)]
#[repr(u8)]
pub enum Space {
    /// Counters: next number, next sequence. One row.
    Meta = b'm',
    /// States of aggregates and rows of views, by number.
    State = b's',
    /// The event log, which is also the outbox: a turn's events in one row, by the sequence of its first.
    Log = b'l',
    /// Open questions, by the asking aggregate's number.
    Question = b'q',
    /// Answers given and withdrawals, by the ask's id.
    Answer = b'a',
    /// How far the context has listened, by source.
    Position = b'h',
    /// Timers, by the time they are due.
    Timer = b't',
    /// Keys held exclusively, by key.
    Claim = b'c',
    /// Idempotency rows, by key.
    Idempotency = b'k',
    /// Indexes: which numbers have which value.
    Index = b'i',
    /// Parked events of one source aggregate, by source, aggregate and sequence.
    Parked = b'p',
    /// Which events belong to which saga.
    Saga = b'g',
    /// Epochs of the log's writer, by their first sequence.
    Epoch = b'e',
    /// What expires, by the machine's second in which it does.
    Expiry = b'x',
}

/// A key under construction. Its bytes order as its parts do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyBuf(Vec<u8>);

impl KeyBuf {
    /// A key of `space`.
    pub fn new(space: Space) -> Self {
        let mut bytes = Vec::with_capacity(40);
        bytes.push(space as u8);
        Self(bytes)
    }
    /// Adds a number; numbers order as they count.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }
    /// Adds a signed number, such as a time; they order as they count.
    #[must_use]
    pub fn signed_number(self, number: i64) -> Self {
        self.number((number as u64) ^ (1 << 63))
    }
    /// Adds bytes as they are: nothing that varies in length may follow.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
    /// Adds one byte.
    #[must_use]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }
    /// Adds text and an end mark, so that a text orders before those that it begins; zero bytes are
    /// escaped.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        for (place, part) in text.split('\0').enumerate() {
            if place > 0 {
                self.0.extend_from_slice(&[0, 0xff]);
            }
            self.0.extend_from_slice(part.as_bytes());
        }
        self.0.extend_from_slice(&[0, 0]);
        self
    }
    /// The key.
    pub fn build(self) -> Vec<u8> {
        self.0
    }
}

/// The first key after all those that begin with `prefix`: the end of a scan.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; 64]
}

/// The first key that can come after `key`.
pub fn key_after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// The number in the last eight bytes of `key`.
pub fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_their_parts_do(a in (".*", any::<i64>()), b in (".*", any::<i64>())) {
            let key = |(text, number): &(String, i64)| KeyBuf::new(Space::Index).text(text).signed_number(*number).build();
            prop_assert_eq!(key(&a).cmp(&key(&b)), (a.0.as_bytes(), a.1).cmp(&(b.0.as_bytes(), b.1)));
        }

        #[test]
        fn a_prefix_ends_before_the_keys_after_it(prefix in prop::collection::vec(any::<u8>(), 1..8), tail in prop::collection::vec(any::<u8>(), 0..8)) {
            let key = [prefix.clone(), tail].concat();
            prop_assert!(key < prefix_end(&prefix) || prefix.iter().all(|byte| *byte == u8::MAX));
        }
    }
}
