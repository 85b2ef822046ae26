//! What must hold between the contexts of a system, whatever happens: who has a thing, and which sums come out even.
//!
//! A context declares its part where it declares its state; nothing at run time depends on it. The simulator checks it under
//! every schedule.

use super::Id;

/// How much of something, for a sum: none counts as zero, and a flag as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(i64);

impl Amount {
    /// The bare number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl From<u64> for Amount {
    fn from(amount: u64) -> Self {
        Self(i64::try_from(amount).unwrap_or(i64::MAX))
    }
}
impl From<Option<u64>> for Amount {
    fn from(amount: Option<u64>) -> Self {
        amount.unwrap_or_default().into()
    }
}
impl From<i32> for Amount {
    fn from(amount: i32) -> Self {
        Self(amount.into())
    }
}
impl From<bool> for Amount {
    fn from(flag: bool) -> Self {
        Self(flag.into())
    }
}

/// What an event adds to a sum, or takes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name of the sum.
    pub sum: &'static str,
    /// The number that it is kept under.
    pub number: u64,
    /// How much is added.
    pub amount: i64,
}

impl Entry {
    /// Adds to the sum.
    pub fn debit<T>(sum: &'static str, of: Id<T>, amount: impl Into<Amount>) -> Self {
        Self { sum, number: of.get(), amount: amount.into().get() }
    }
    /// Takes from the sum.
    pub fn credit<T>(sum: &'static str, of: Id<T>, amount: impl Into<Amount>) -> Self {
        Self { sum, number: of.get(), amount: -amount.into().get() }
    }
}
