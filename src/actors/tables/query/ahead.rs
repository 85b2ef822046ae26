//! The part of all numbers that a walk has still before it.

use crate::actors::tables::indexes::{CHUNK, Posting};

/// The numbers that are still to be looked at, in a direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead {
    pub low: u64,
    pub high: u64,
    pub down: bool,
}

impl Ahead {
    /// All of them.
    pub fn all_numbers(down: bool) -> Self {
        Self { low: 0, high: u64::MAX, down }
    }
    /// Those after `number`, if there can be any.
    pub fn rest_after(self, number: u64) -> Option<Self> {
        if self.down {
            number.checked_sub(1).map(|high| Self { high: high.min(self.high), ..self })
        } else {
            number.checked_add(1).map(|low| Self { low: low.max(self.low), ..self })
        }
        .filter(|ahead| ahead.low <= ahead.high)
    }
    /// Those from `number` on.
    pub fn from(self, number: u64) -> Self {
        if self.down {
            Self { high: number.min(self.high), ..self }
        } else {
            Self { low: number.max(self.low), ..self }
        }
    }
    pub fn first_number(self) -> u64 {
        if self.down { self.high } else { self.low }
    }
    /// The last number before those that are ahead; nothing has the first and the last of all numbers.
    pub fn last_passed(self) -> u64 {
        if self.down { self.high.saturating_add(1) } else { self.low.saturating_sub(1) }
    }
    pub fn is_before(self, one: u64, other: u64) -> bool {
        if self.down { one > other } else { one < other }
    }
    pub fn has_number(self, number: u64) -> bool {
        (self.low..=self.high).contains(&number)
    }
    /// The last number of a chunk in this direction.
    pub fn end_of(self, chunk: u64) -> u64 {
        let low = chunk.saturating_mul(CHUNK);
        if self.down { low } else { low.saturating_add(CHUNK - 1) }
    }
    /// Those of a chunk's numbers that are still ahead.
    pub fn keep_ahead(self, chunk: u64, mut posting: Posting) -> Posting {
        let low = chunk.saturating_mul(CHUNK);
        if !self.has_number(low) || !self.has_number(low.saturating_add(CHUNK - 1)) {
            let gone: Vec<u16> = posting
                .offsets()
                .filter(|offset| !self.has_number(low + u64::from(*offset)))
                .collect();
            gone.into_iter().for_each(|offset| posting.remove(offset));
        }
        posting
    }
}
