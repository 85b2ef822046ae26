//! Who has a ticket: the reservations that have it, as their events come in any order.

use super::reservation::Reservation;
use crate::domain::Id;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A ticket is reserved by one at a time, so of more than a few the oldest have given it back, and only their ends have
/// not come yet.
pub const HOLDERS: usize = 32;

/// The view keeps who has a ticket beside who had it last, so both must find room in its row.
pub const LONGEST_USER: usize = 1024;

/// So many bytes of those who have a ticket find room in a row.
const FULL: usize = 4 * LONGEST_USER;

/// The reservations that have a ticket, and what is known of each. Seldom more than one: while the end of the last is on
/// its way.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Holders<T>(BTreeMap<Id<Reservation>, T>);

/// Who a reservation is for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user_id: Option<String>,
    /// What kind of customer that is.
    pub user_grade: Option<String>,
}

impl<T> Holders<T> {
    /// How many have it.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether none has it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether that reservation has it.
    pub fn contains(&self, reservation: Id<Reservation>) -> bool {
        self.0.contains_key(&reservation)
    }
    /// The last one counts: the ends of those before it are on their way.
    pub fn last(&self) -> Option<(Id<Reservation>, &T)> {
        self.0.last_key_value().map(|(reservation, holder)| (*reservation, holder))
    }
    /// A further one has it.
    pub fn add(&mut self, reservation: Id<Reservation>, holder: T) {
        self.0.insert(reservation, holder);
        while self.0.len() > HOLDERS {
            self.0.pop_first();
        }
    }
    /// That one has it no longer.
    pub fn remove(&mut self, reservation: Id<Reservation>) -> Option<T> {
        self.0.remove(&reservation)
    }
}

impl Holders<Holder> {
    /// The oldest make room where all of them find none in a row. One always does.
    pub fn fit_into_row(&mut self) {
        while self.0.len() > 1 && self.0.values().map(Holder::length).sum::<usize>() > FULL {
            self.0.pop_first();
        }
    }
}

impl Holder {
    fn length(&self) -> usize {
        length(&self.user_id, &self.user_grade)
    }
}

/// How many bytes a user and their grade have together.
pub fn length(user_id: &Option<String>, user_grade: &Option<String>) -> usize {
    [user_id, user_grade].into_iter().flatten().map(String::len).sum()
}

impl<T> Default for Holders<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Holders<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(bytes: usize) -> Holder {
        Holder { user_id: Some("u".repeat(bytes)), user_grade: None }
    }

    #[test]
    fn the_last_one_counts_and_the_oldest_makes_room() {
        let mut holders = Holders::default();
        for reservation in 0..=HOLDERS as u64 {
            holders.add(Id::new(reservation), reservation);
        }
        assert_eq!((holders.len(), holders.contains(Id::new(0))), (HOLDERS, false));
        let last = HOLDERS as u64;
        assert_eq!(holders.last(), Some((Id::new(last), &last)));
        assert_eq!(holders.remove(Id::new(last)), Some(last));
        assert_eq!(holders.last(), Some((Id::new(last - 1), &(last - 1))));
    }

    #[test]
    fn as_many_as_find_room_in_a_row_are_kept_and_one_always() {
        let mut holders = Holders::default();
        for reservation in 1..=5 {
            holders.add(Id::new(reservation), holder(LONGEST_USER));
            holders.fit_into_row();
        }
        assert_eq!((holders.len(), holders.contains(Id::new(1))), (4, false));
        holders.add(Id::new(6), holder(FULL + 1));
        holders.fit_into_row();
        assert_eq!((holders.len(), holders.contains(Id::new(6))), (1, true));
    }
}
