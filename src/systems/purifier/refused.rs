//! The refused rentals whose delivery's cancel has not come yet: all that a product remembers of what it has judged.
//!
//! Many orders may have been taken while the product was away, and then all of them are refused before the first cancel
//! comes. Their numbers are neighbours for the most part, so runs of them are kept, and runs are stored as gap and length,
//! a byte or two each.

use super::rental::Rental;
use crate::domain::Id;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// As many runs as a record has room for.
const MOST_RUNS: usize = 1_500;

/// A set of rentals, as runs of neighbouring numbers: the first of each, and the last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Refused(BTreeMap<u64, u64>);

impl Refused {
    /// Whether it is among them.
    pub fn contains(&self, rental: Id<Rental>) -> bool {
        self.run_of(rental.get()).is_some()
    }

    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST_RUNS
    }

    /// Adds one.
    pub fn insert(&mut self, rental: Id<Rental>) {
        let number = rental.get();
        if self.contains(rental) {
            return;
        }
        let before = self.0.range(..number).next_back().filter(|(_, last)| last.saturating_add(1) == number);
        let first = before.map_or(number, |(first, _)| *first);
        let last = self.0.remove(&number.saturating_add(1)).unwrap_or(number);
        self.0.insert(first, last);
    }

    /// Takes one out.
    pub fn remove(&mut self, rental: Id<Rental>) {
        let number = rental.get();
        let Some((first, last)) = self.run_of(number) else { return };
        self.0.remove(&first);
        if first < number {
            self.0.insert(first, number - 1);
        }
        if number < last {
            self.0.insert(number + 1, last);
        }
    }

    fn run_of(&self, number: u64) -> Option<(u64, u64)> {
        let (first, last) = self.0.range(..=number).next_back()?;
        (*last >= number).then_some((*first, *last))
    }
}

impl From<Refused> for Vec<(u64, u64)> {
    fn from(Refused(runs): Refused) -> Self {
        let written = |end: &mut u64, (first, last): (u64, u64)| {
            Some((first - std::mem::replace(end, last), last - first))
        };
        runs.into_iter().scan(0, written).collect()
    }
}
impl From<Vec<(u64, u64)>> for Refused {
    fn from(written: Vec<(u64, u64)>) -> Self {
        let read = |end: &mut u64, (gap, length): (u64, u64)| {
            let first = end.saturating_add(gap);
            *end = first.saturating_add(length);
            Some((first, *end))
        };
        Self(written.into_iter().scan(0, read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set_and_survives_being_written(acts in prop::collection::vec((any::<bool>(), 1..40_u64), 0..120)) {
            let (mut refused, mut model) = (Refused::default(), BTreeSet::new());
            for (add, number) in acts {
                if add {
                    refused.insert(Id::new(number));
                    model.insert(number);
                } else {
                    refused.remove(Id::new(number));
                    model.remove(&number);
                }
                prop_assert!((0..42).all(|number| refused.contains(Id::new(number)) == model.contains(&number)));
                let written: Vec<(u64, u64)> = refused.clone().into();
                prop_assert_eq!(&Refused::from(written), &refused);
            }
            let runs = model.iter().filter(|number| !model.contains(&(*number - 1))).count();
            prop_assert_eq!(refused.0.len(), runs);
        }
    }

    #[test]
    fn neighbours_are_one_run() {
        let mut refused = Refused::default();
        (1..=100_000).for_each(|number| refused.insert(Id::new(number)));
        assert_eq!(Vec::from(refused), [(1, 99_999)]);
    }
}
