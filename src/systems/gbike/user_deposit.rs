//! User deposit: what a customer has paid in, and which fees wait because it does not cover them.
//!
//! A fee is charged whole or not at all, the oldest first: while one is open, the later ones wait for it. So the money is
//! never negative, and paid in − charged = deposit at every moment.

pub use super::order::{TopUp, in_arrears};

use super::{
    allowance::{self, Allowance, Rides},
    arrears::Arrears,
    billing::{self, Billing},
    order::{BillId, RentId, UserId},
    rent::{ASKS_DEPOSIT, Rent},
};
use crate::domain::prelude::*;

mod paying;
mod version_1;

/// The account of the user with this number.
#[entity(
    context = "gbike.userDeposit", reads = owner, collection = "userDeposits", korean = "예치금", port = 8084,
    generic, personal(userid),
    id(userid: Id<UserDeposit>), owner = id, old_versions(version_1::UserDeposit), credit(arrears = self.arrears.sum())
)]
pub struct UserDeposit {
    #[exists]
    #[hidden]
    opened: bool,
    /// What is left, in won.
    #[shown(
        /// What is left, in won.
        deposit: u64 = self.deposit,
        /// What is owed, in won.
        arrears: u64 = self.arrears.sum()
    )]
    deposit: u64,
    /// The bill that was charged last.
    billid: Option<Id<Billing>>,
    #[hidden]
    arrears: Arrears,
    #[hidden]
    #[since = 3]
    rides: Rides,
}

#[command]
pub enum Command {
    /// Money is paid in.
    TopUp { deposit: u64 },
    /// May this rent begin? It may unless older ones are owed for.
    Clear { rent: Id<Rent> },
    /// The rent that was let begin has not come to be.
    #[undo(of = rent, attempt = ASKS_DEPOSIT)]
    Release { rent: Id<Rent> },
    /// The bike of that rent is back.
    EndRide { rent: Id<Rent> },
    /// A ride is over.
    Charge { bill: Id<Billing>, fee: u64 },
    /// That bill is closed: the next ones at hand may be paid.
    GoOn { after: Id<Billing> },
    /// That bill is closed, and this one is next.
    MoveUp { after: Id<Billing>, bill: Id<Billing>, fee: u64 },
}

#[event]
pub enum Event {
    /// It holds another amount now. `billid` is the bill that this very change has paid, none when money was paid in.
    UpdatedDeposit { userid: UserId, deposit: u64, arrears: u64, billid: Option<BillId> },
    /// It does not cover this fee, or owes an older one.
    FeeDeferred { userid: UserId, billid: BillId, fee: u64, arrears: u64 },
    /// This deferred fee waits at the end of the chain, behind that of bill `after`.
    FeeQueued { userid: UserId, billid: BillId, fee: u64, after: BillId },
    /// All before it are paid: this is the oldest one that is open.
    FeeMovedUp { userid: UserId, billid: BillId, fee: u64 },
    /// That rent counts among those that the customer has at once.
    RideCounted { userid: UserId, rentid: RentId },
    /// It counts no longer.
    RideEnded { userid: UserId, rentid: RentId },
}

impl Aggregate for UserDeposit {
    type Command = Command;
    type Event = Event;
    type Settings = Allowance;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let userid = this.id;
        let arrears = &self.arrears;
        let was_last = |bill| self.billid == Some(bill);
        match (!arrears.is_empty(), command) {
            (_, TopUp { deposit }) => self.top_up(userid, deposit),
            (true, Clear { .. }) => Err(in_arrears()),
            (false, Clear { rent }) => self.rides.begin(userid, rent, this.settings),
            (_, Release { rent } | EndRide { rent }) => self.rides.end(userid, rent),
            (false, Charge { bill, fee }) if fee <= self.deposit => {
                let billid = Some(bill);
                emit(UpdatedDeposit { userid, deposit: self.deposit - fee, arrears: 0, billid })
            }
            (_, Charge { bill, fee }) => Ok(self.defer(userid, bill, fee)),
            (true, GoOn { after }) if was_last(after) => Ok(self.clone().pay(userid)),
            (true, MoveUp { after, bill, fee }) if was_last(after) && arrears.first().is_none() => {
                Ok(self.move_up(userid, bill, fee))
            }
            // Another bill has been charged since, which looked at what is at hand again.
            (_, GoOn { .. } | MoveUp { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.opened |= !allowance::concerns_ride(event);
        match *event {
            Event::UpdatedDeposit { deposit, billid, .. } => {
                if let Some(bill) = billid {
                    self.billid = Some(bill);
                    self.arrears.pay(bill, self.deposit.saturating_sub(deposit));
                }
                self.deposit = deposit;
            }
            Event::FeeQueued { billid, fee, .. } => self.arrears.queue(billid, fee),
            Event::FeeDeferred { billid, fee, .. } => self.arrears.add(billid, fee),
            Event::FeeMovedUp { billid, fee, .. } => self.arrears.move_up(billid, fee),
            Event::RideCounted { .. } | Event::RideEnded { .. } => self.rides.evolve(event),
        }
    }

    fn entries(&self, _: Id<Self>, event: &Event) -> Vec<Entry> {
        paying::entries(self.deposit, event)
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::*, billing::Event::*};
        policies.on::<Rent>(allowance::end_ride);
        policies.on::<Billing>(|event| match *event {
            CalculatedFee { billid: bill, userid, fee, .. } => Some((userid, Charge { bill, fee })),
            ClosedBill { billid: after, userid, .. } => Some((userid, GoOn { after })),
            BillPassedOn { billid: after, userid, nextbillid: bill, nextfee: fee } => {
                Some((userid, MoveUp { after, bill, fee }))
            }
            RegisteredBill { .. } | BillFollowed { .. } => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Both, TopUp::addressed);
    }
}

#[cfg(test)]
mod tests;
