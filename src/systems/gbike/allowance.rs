//! How many bikes one customer may have at once: `[systems.gbike]` of the configuration.
//!
//! Where that is bounded, the account counts the rents that it lets begin, from the question on: two of them at the same moment
//! cannot both be the last one.

use super::{
    order::{UserId, too_many_bikes},
    rent::{self, Rent},
    user_deposit::{Command, Event, UserDeposit},
};
use crate::domain::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How much one customer may have at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Allowance {
    /// Bikes that one customer may have at once. What was rented before it is set does not count.
    #[schemars(range(min = 1, max = 100))]
    pub bikes_per_customer: Option<u64>,
}

/// The rents of a customer that count. There are as many as were ever allowed, at most.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rides(BTreeSet<Id<Rent>>);

impl Rides {
    /// A rent may begin, and counts from now on where rents are bounded.
    pub fn begin(
        &self,
        userid: UserId,
        rentid: Id<Rent>,
        allowance: &Allowance,
    ) -> Decision<Event> {
        let Some(most) = allowance.bikes_per_customer else { return ignore() };
        if self.0.contains(&rentid) {
            return ignore();
        }
        if u64::try_from(self.0.len()).is_ok_and(|rides| rides < most) {
            emit(Event::RideCounted { userid, rentid })
        } else {
            Err(too_many_bikes())
        }
    }

    /// A rent is over, or has never come to be.
    pub fn end(&self, userid: UserId, rentid: Id<Rent>) -> Decision<Event> {
        if self.0.contains(&rentid) { emit(Event::RideEnded { userid, rentid }) } else { ignore() }
    }

    /// What has happened to the account.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::RideCounted { rentid, .. } => drop(self.0.insert(*rentid)),
            Event::RideEnded { rentid, .. } => drop(self.0.remove(rentid)),
            _ => {}
        }
    }
}

/// Whether it is about a ride: such an event opens no account.
pub fn concerns_ride(event: &Event) -> bool {
    matches!(event, Event::RideCounted { .. } | Event::RideEnded { .. })
}

/// What an account does when a rent is over, or has never come to be.
pub fn end_ride(event: &rent::Event) -> Option<(Id<UserDeposit>, Command)> {
    match *event {
        rent::Event::RentFailed { rentid: rent, userid, .. } => {
            Some((userid, Command::Release { rent }))
        }
        rent::Event::Returned { rentid: rent, userid, .. } => {
            Some((userid, Command::EndRide { rent }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Lifecycle, spec::given};
    use Command::{Clear, EndRide, Release};
    use Event::{RideCounted, RideEnded};

    // The number of the account under test is 1.
    const USER: Id<UserDeposit> = Id::new(1);

    fn counted(rent: u64) -> Event {
        RideCounted { userid: USER, rentid: Id::new(rent) }
    }
    fn ended(rent: u64) -> Event {
        RideEnded { userid: USER, rentid: Id::new(rent) }
    }
    /// What an account with these rides does about a further one, where so many are allowed.
    fn begin(rides: &[u64], rent: u64, most: Option<u64>) -> Result<Vec<Event>, String> {
        let account = given::<UserDeposit>(rides.iter().map(|rent| counted(*rent))).0;
        let settings = Allowance { bikes_per_customer: most };
        let this = DecisionContext { id: USER, at: Timestamp::default(), settings: &settings };
        let decided = account.decide(Clear { rent: Id::new(rent) }, &this);
        decided.map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn a_customer_has_as_many_bikes_at_once_as_are_allowed() {
        assert_eq!(begin(&[], 7, Some(1)), Ok(vec![counted(7)]));
        assert_eq!(begin(&[7], 8, Some(1)), Err("too-many-bikes".into()));
        assert_eq!(begin(&[7], 8, Some(2)), Ok(vec![counted(8)]));
        assert_eq!(begin(&[7, 8], 9, Some(2)), Err("too-many-bikes".into()));
        assert_eq!(begin(&[7, 8], 8, Some(2)), Ok(Vec::new()), "it counts already");
    }

    #[test]
    fn without_a_bound_nothing_is_counted() {
        assert_eq!(begin(&[], 7, None), Ok(Vec::new()));
        assert_eq!(begin(&[7, 8, 9], 10, None), Ok(Vec::new()));
    }

    #[test]
    fn what_is_returned_or_has_never_come_to_be_counts_no_longer_whatever_is_allowed() {
        for over in [EndRide { rent: Id::new(7) }, Release { rent: Id::new(7) }] {
            let account = given::<UserDeposit>([counted(7), counted(8)]).when(over.clone());
            let account = account.then([ended(7)]).when(over.clone()).then_nothing();
            assert_eq!(
                account.when(EndRide { rent: Id::new(8) }).then([ended(8)]).0.lifecycle(),
                Lifecycle::Absent
            );
            let _ = given::<UserDeposit>([]).when(over).then_nothing();
        }
    }

    #[test]
    fn a_ride_opens_no_account() {
        assert_eq!(given::<UserDeposit>([counted(7)]).0.lifecycle(), Lifecycle::Absent);
        assert_eq!(given::<UserDeposit>([counted(7), ended(7)]).0.lifecycle(), Lifecycle::Absent);
    }
}
