//! Arrears: the fees that a deposit does not cover, the oldest first.
//!
//! However many there are, the account keeps the oldest few and the number of the last. The others stand in a chain of
//! bills, each of which knows the one after it, and names it when it closes: paying off the chain is one short step after
//! the other, and each step is a function of the state.

use super::billing::Billing;
use crate::domain::{Id, number::LARGEST};
use serde::{Deserialize, Serialize};

/// So many open fees an account keeps itself, and pays in one step. Few customers ever owe more, and they are answered
/// with the balance after all that their money covers.
pub const AT_HAND: usize = 4;

/// The fees of an account that are open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrears {
    /// The oldest ones. At most [`AT_HAND`], but for an account from a time in which all of them stood here: those are paid
    /// first, and the list only shrinks.
    at_hand: Vec<(Id<Billing>, u64)>,
    /// The others. While there are some and none is at hand, the bill that was charged last has still to say which one is
    /// next.
    chain: Option<Chain>,
}

/// Open bills, each of which knows the one after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Chain {
    last: Id<Billing>,
    /// What they come to together. Wide enough for any number of any fees.
    fees: u128,
}

impl Arrears {
    /// Those of an account that kept all of them.
    pub fn all_at_hand(at_hand: Vec<(Id<Billing>, u64)>) -> Self {
        Self { at_hand, chain: None }
    }
    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.at_hand.is_empty() && self.chain.is_none()
    }
    /// All of them together.
    pub fn total(&self) -> u128 {
        let at_hand: u128 = self.at_hand.iter().map(|(_, fee)| u128::from(*fee)).sum();
        at_hand.saturating_add(self.chain.as_ref().map_or(0, |chain| chain.fees))
    }
    /// The same, as far as it can be shown.
    pub fn sum(&self) -> u64 {
        u64::try_from(self.total()).map_or(LARGEST, |total| total.min(LARGEST))
    }
    /// The oldest one, unless its bill has still to be named.
    pub fn first(&self) -> Option<(Id<Billing>, u64)> {
        self.at_hand.first().copied()
    }
    /// The bill that a further one queues after, where there is no place at hand.
    pub fn last_in_line(&self) -> Option<Id<Billing>> {
        let last_at_hand =
            self.at_hand.last().map(|(bill, _)| *bill).filter(|_| self.at_hand.len() >= AT_HAND);
        self.chain.as_ref().map(|chain| chain.last).or(last_at_hand)
    }
    /// A further fee waits, unless it has its place in the chain.
    pub fn add(&mut self, bill: Id<Billing>, fee: u64) {
        if self.chain.as_ref().is_none_or(|chain| chain.last != bill) {
            self.at_hand.push((bill, fee));
        }
    }
    /// A further fee waits at the end of the chain.
    pub fn queue(&mut self, last: Id<Billing>, fee: u64) {
        let before = self.chain.as_ref().map_or(0, |chain| chain.fees);
        self.chain = Some(Chain { last, fees: before.saturating_add(fee.into()) });
    }
    /// The first one of the chain has been named.
    pub fn move_up(&mut self, bill: Id<Billing>, fee: u64) {
        self.leave_chain(bill, fee);
        self.at_hand = vec![(bill, fee)];
    }
    /// The oldest one is paid: that bill.
    pub fn pay(&mut self, bill: Id<Billing>, fee: u64) {
        if self.at_hand.is_empty() {
            self.leave_chain(bill, fee);
        } else {
            self.at_hand.remove(0);
        }
    }
    fn leave_chain(&mut self, bill: Id<Billing>, fee: u64) {
        let left = |Chain { last, fees }| Chain { last, fees: fees.saturating_sub(fee.into()) };
        self.chain = self.chain.take().filter(|chain| chain.last != bill).map(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_shown_within_the_bound_of_numbers_and_kept_in_full() {
        let mut arrears = Arrears::default();
        arrears.add(Id::new(1), LARGEST);
        assert_eq!(arrears.sum(), LARGEST);
        arrears.queue(Id::new(2), u64::MAX);
        assert_eq!(arrears.sum(), LARGEST);
        assert_eq!(arrears.total(), u128::from(LARGEST) + u128::from(u64::MAX));
    }
}
