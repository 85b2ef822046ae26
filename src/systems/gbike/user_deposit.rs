//! User deposit: what a customer has paid in, and which fees wait because it does not cover them.
//!
//! A fee is charged whole or not at all, the oldest first: while one is open, the later ones wait for it. So the money is
//! never negative, and paid in − charged = deposit at every moment.
//!
//! The open fees are its [`Arrears`].

use super::{
    arrears::{AT_HAND, Arrears},
    billing::{self, Billing},
    rent::Rent,
};
use crate::domain::prelude::*;

mod version_1;

/// The most that a deposit may hold: the largest number that every reader of JSON keeps exactly.
const MOST: u64 = (1 << 53) - 1;

/// The account of the user with this number.
#[entity(
    context = "gbike.userDeposit", collection = "userDeposits", port = 8084, generic,
    id(userid: Id<UserDeposit>), old_versions(version_1::UserDeposit)
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
}

/// What may be asked of an account.
#[command]
pub enum Command {
    /// Money is paid in.
    TopUp { deposit: u64 },
    /// May this rent begin? It may unless older ones are owed for.
    Clear { rent: Id<Rent> },
    /// A ride is over.
    Charge { bill: Id<Billing>, fee: u64 },
    /// That bill is closed: the next ones at hand may be paid.
    GoOn { after: Id<Billing> },
    /// That bill is closed, and this one is next.
    MoveUp { after: Id<Billing>, bill: Id<Billing>, fee: u64 },
}

/// What an account may say has happened.
#[event]
pub enum Event {
    /// It holds another amount now. `billid` is the bill that this very change has paid, none when money was paid in.
    UpdatedDeposit {
        userid: Id<UserDeposit>,
        deposit: u64,
        arrears: u64,
        billid: Option<Id<Billing>>,
    },
    /// It does not cover this fee, or owes an older one.
    FeeDeferred { userid: Id<UserDeposit>, billid: Id<Billing>, fee: u64, arrears: u64 },
    /// This deferred fee waits at the end of the chain, behind that of bill `after`.
    FeeQueued { userid: Id<UserDeposit>, billid: Id<Billing>, fee: u64, after: Id<Billing> },
    /// All before it are paid: this is the oldest one that is open.
    FeeMovedUp { userid: Id<UserDeposit>, billid: Id<Billing>, fee: u64 },
}

/// The customer owes fees.
pub fn in_arrears() -> Refusal {
    Refusal::conflict("in-arrears", "earlier rides are not paid for yet", "미납 요금이 있습니다")
}

impl UserDeposit {
    /// Money comes in, and pays what it covers, oldest first.
    fn top_up(&self, userid: Id<Self>, paid_in: u64) -> Decision<Event> {
        let holds = self.deposit.checked_add(paid_in).filter(|holds| *holds <= MOST);
        let Some(deposit) = holds else {
            let en = format!("a deposit holds at most {MOST} won");
            let ko = format!("예치금은 최대 {MOST}원입니다");
            return Err(Refusal::invalid("deposit-too-large", en, ko));
        };
        let paid_in =
            Event::UpdatedDeposit { userid, deposit, arrears: self.arrears.sum(), billid: None };
        let mut owing = self.clone();
        owing.evolve(&paid_in);
        Ok([paid_in].into_iter().chain(owing.pay(userid)).collect())
    }
    /// Pays of what is at hand as much as is covered, oldest first. The rest waits until the last bill that this pays is
    /// closed.
    fn pay(mut self, userid: Id<Self>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some((bill, fee)) = self.arrears.first()
            && fee <= self.deposit
            && events.len() < AT_HAND
        {
            let mut left = self.arrears.clone();
            left.pay(bill, fee);
            let (deposit, arrears) = (self.deposit - fee, left.sum());
            let paid = Event::UpdatedDeposit { userid, deposit, arrears, billid: Some(bill) };
            self.evolve(&paid);
            events.push(paid);
        }
        events
    }
    /// A fee waits: at hand, or after the last one.
    fn defer(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let last = self.arrears.last_in_line();
        let queued = last.map(|after| Event::FeeQueued { userid, billid, fee, after });
        let arrears = self.arrears.sum().saturating_add(fee);
        queued.into_iter().chain([Event::FeeDeferred { userid, billid, fee, arrears }]).collect()
    }
    /// A fee that waited in the chain is next.
    fn move_up(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let moved = Event::FeeMovedUp { userid, billid, fee };
        let mut next = self.clone();
        next.evolve(&moved);
        // One that is paid at once needs no place: being paid takes it out of the chain.
        let paid = next.pay(userid);
        if paid.is_empty() { vec![moved] } else { paid }
    }
}

impl Aggregate for UserDeposit {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let (userid, arrears) = (this.id, &self.arrears);
        let was_last = |bill| self.billid == Some(bill);
        match (!arrears.is_empty(), command) {
            (_, TopUp { deposit }) => self.top_up(userid, deposit),
            (true, Clear { .. }) => Err(in_arrears()),
            (false, Clear { .. }) => ignore(),
            (false, Charge { bill, fee }) if fee <= self.deposit => {
                let (deposit, billid) = (self.deposit - fee, Some(bill));
                emit(UpdatedDeposit { userid, deposit, arrears: 0, billid })
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
        self.opened = true;
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
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Billing>(|event| match *event {
            billing::Event::CalculatedFee { billid: bill, userid, fee, .. } => {
                Some((userid, Command::Charge { bill, fee }))
            }
            billing::Event::ClosedBill { billid: after, userid, .. } => {
                Some((userid, Command::GoOn { after }))
            }
            billing::Event::BillPassedOn {
                billid: after,
                userid,
                nextbillid: bill,
                nextfee: fee,
            } => Some((userid, Command::MoveUp { after, bill, fee })),
            billing::Event::RegisteredBill { .. } | billing::Event::BillFollowed { .. } => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Both, |TopUp { userid, deposit }: TopUp| {
            (Target::Chosen(userid), Command::TopUp { deposit })
        });
    }
}

/// `POST /userDeposits`
#[body]
pub struct TopUp {
    /// Whose account it is; it is opened if there is none.
    pub userid: Id<UserDeposit>,
    /// What is paid in, in won.
    pub deposit: u64,
}

#[cfg(test)]
mod tests;
