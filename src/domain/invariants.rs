//! What must hold between the contexts of a system, whatever happens: who has a thing, and which sums come out even.
//!
//! A context declares its part where it declares its state; nothing at run time depends on it. The simulator checks it under
//! every schedule.

use super::Id;

/// How much of something, for a sum: none counts as zero, and a flag as one. With a number beside it, it counts for the sum of
/// that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    of: Option<u64>,
    much: i64,
}

impl From<u64> for Amount {
    fn from(amount: u64) -> Self {
        Self { of: None, much: i64::try_from(amount).unwrap_or(i64::MAX) }
    }
}
impl<T, A: Into<Self>> From<(Id<T>, A)> for Amount {
    fn from((of, amount): (Id<T>, A)) -> Self {
        Self { of: Some(of.get()), ..amount.into() }
    }
}
impl From<Option<u64>> for Amount {
    fn from(amount: Option<u64>) -> Self {
        amount.unwrap_or_default().into()
    }
}
impl From<i32> for Amount {
    fn from(amount: i32) -> Self {
        Self { of: None, much: amount.into() }
    }
}
impl From<bool> for Amount {
    fn from(flag: bool) -> Self {
        Self::from(i32::from(flag))
    }
}

/// What a state or an event adds to a sum, or takes from it.
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
    /// Adds to the sum of that number, unless the amount has one of its own.
    pub fn debit<T>(sum: &'static str, of: Id<T>, amount: impl Into<Amount>) -> Self {
        let Amount { of: other, much: amount } = amount.into();
        Self { sum, number: other.unwrap_or(of.get()), amount }
    }
    /// Takes from the sum, likewise.
    pub fn credit<T>(sum: &'static str, of: Id<T>, amount: impl Into<Amount>) -> Self {
        let added = Self::debit(sum, of, amount);
        Self { amount: -added.amount, ..added }
    }
}
