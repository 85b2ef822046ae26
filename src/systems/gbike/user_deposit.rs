//! User deposit: what a customer has paid in, and which fees wait because it does not cover them.
//!
//! A fee is charged whole or not at all, the oldest first: while one is open, the later ones wait behind it. So the money
//! is never negative, and paid in − charged = deposit at every moment.
//!
//! Those that are open are its [`Arrears`].

use super::{
    arrears::{AT_HAND, Arrears},
    billing::{self, Billing},
    rent::Rent,
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The most that a deposit may hold: the largest number that every reader of JSON keeps exactly.
const MOST: u64 = (1 << 53) - 1;

/// The account of the user with this number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserDeposit {
    opened: bool,
    deposit: u64,
    /// The bill that was charged last.
    billid: Option<Id<Billing>>,
    arrears: Arrears,
}

/// An account as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UserDeposit")]
pub struct Shown {
    /// Whose it is.
    pub userid: Id<UserDeposit>,
    /// What is left, in won.
    pub deposit: u64,
    /// What is owed, in won.
    pub arrears: u64,
    /// The bill that was charged last.
    pub billid: Option<Id<Billing>>,
}

/// What may be asked of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    TopUp {
        deposit: u64,
    },
    /// May this rent begin? It may unless older ones are owed for.
    Clear {
        rent: Id<Rent>,
    },
    Charge {
        bill: Id<Billing>,
        fee: u64,
    },
    /// That bill is closed: the next ones at hand may be paid.
    GoOn {
        after: Id<Billing>,
    },
    /// That bill is closed, and this one is next.
    MoveUp {
        after: Id<Billing>,
        bill: Id<Billing>,
        fee: u64,
    },
}

/// What an account may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
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
    /// Money comes in, and pays what it can, oldest first.
    fn top_up(&self, userid: Id<Self>, paid_in: u64) -> Decision<Event> {
        let holds = self.deposit.checked_add(paid_in).filter(|holds| *holds <= MOST);
        let Some(deposit) = holds else {
            return Err(Refusal::invalid(
                "deposit-too-large",
                format!("a deposit holds at most {MOST} won"),
                format!("예치금은 최대 {MOST}원입니다"),
            ));
        };
        let paid_in =
            Event::UpdatedDeposit { userid, deposit, arrears: self.arrears.sum(), billid: None };
        let mut owing = self.clone();
        owing.evolve(&paid_in);
        Ok([paid_in].into_iter().chain(owing.pay(userid)).collect())
    }
    /// Pays of what is at hand as much as is covered, oldest first. What is left behind it waits for the last one that this
    /// pays to be closed.
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
    /// A fee waits: at hand, or behind the last one.
    fn defer(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let queued = self.arrears.last_in_line().map(|after| Event::FeeQueued {
            userid,
            billid,
            fee,
            after,
        });
        let arrears = self.arrears.sum().saturating_add(fee);
        queued.into_iter().chain([Event::FeeDeferred { userid, billid, fee, arrears }]).collect()
    }
}

impl Entity for UserDeposit {
    const NAME: Name = Name {
        system: "gbike",
        context: "gbike.userDeposit",
        collection: "userDeposits",
        item: "userDeposit",
    };
    const PORT: Option<u16> = Some(8084);
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    const STATE_VERSION: u16 = 2;
    type Representation = Shown;

    fn represent(&self, userid: Id<Self>) -> Shown {
        Shown { userid, deposit: self.deposit, arrears: self.arrears.sum(), billid: self.billid }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.opened { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn id_aliases() -> &'static [&'static str] {
        &["userid"]
    }
    fn old_state<D: Decoder>(version: u16, record: D) -> Result<Self, Undecodable> {
        match version {
            // Frozen: an account that kept all open fees, field by field.
            1 => record.read().map(|(opened, deposit, billid, open)| Self {
                opened,
                deposit,
                billid,
                arrears: Arrears::all_at_hand(open),
            }),
            version => Err(Undecodable::Version(version)),
        }
    }
}

impl Aggregate for UserDeposit {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let userid = this.id;
        let was_last = |bill| self.billid == Some(bill);
        match (!self.arrears.is_empty(), command) {
            (_, TopUp { deposit }) => self.top_up(userid, deposit),
            (true, Clear { .. }) => Err(in_arrears()),
            (false, Clear { .. }) => ignore(),
            (false, Charge { bill, fee }) if fee <= self.deposit => emit(UpdatedDeposit {
                userid,
                deposit: self.deposit - fee,
                arrears: 0,
                billid: Some(bill),
            }),
            (_, Charge { bill, fee }) => Ok(self.defer(userid, bill, fee)),

            (true, GoOn { after }) if was_last(after) => Ok(self.clone().pay(userid)),
            (true, MoveUp { after, bill, fee })
                if was_last(after) && self.arrears.first().is_none() =>
            {
                let moved = FeeMovedUp { userid, billid: bill, fee };
                let mut next = self.clone();
                next.evolve(&moved);
                // One that is paid at once needs no place: being paid takes it out of the chain.
                let paid = next.pay(userid);
                Ok(if paid.is_empty() { vec![moved] } else { paid })
            }
            // Something else has been charged since, so that what is at hand was looked at again.
            (_, GoOn { .. } | MoveUp { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.opened = true;
        match event {
            Event::UpdatedDeposit { deposit, billid, .. } => {
                if let Some(bill) = *billid {
                    self.billid = Some(bill);
                    self.arrears.pay(bill, self.deposit.saturating_sub(*deposit));
                }
                self.deposit = *deposit;
            }
            Event::FeeQueued { billid, fee, .. } => self.arrears.queue(*billid, *fee),
            Event::FeeDeferred { billid, fee, .. } => self.arrears.add(*billid, *fee),
            Event::FeeMovedUp { billid, fee, .. } => self.arrears.move_up(*billid, *fee),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Billing>(|event| match *event {
            billing::Event::CalculatedFee { billid, userid, fee, .. } => {
                Some((userid, Command::Charge { bill: billid, fee }))
            }
            billing::Event::ClosedBill { billid, userid, .. } => {
                Some((userid, Command::GoOn { after: billid }))
            }
            billing::Event::BillPassedOn { billid, userid, nextbillid, nextfee } => {
                Some((userid, Command::MoveUp { after: billid, bill: nextbillid, fee: nextfee }))
            }
            billing::Event::RegisteredBill { .. } | billing::Event::BillFollowed { .. } => None,
        });
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Both, |TopUp { userid, deposit }: TopUp| {
            (Target::Chosen(userid), Command::TopUp { deposit })
        });
    }
}

/// `POST /userDeposits`
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TopUp {
    /// Whose account it is; it is opened if there is none.
    pub userid: Id<UserDeposit>,
    /// What is paid in, in won.
    pub deposit: u64,
}

#[cfg(test)]
mod tests;
