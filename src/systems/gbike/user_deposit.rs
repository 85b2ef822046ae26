//! User deposit: what a customer has paid in, and which fees wait because it does not cover them.
//!
//! A fee is charged whole or not at all, the oldest first: while one is open, the later ones wait behind it. So the money
//! is never negative, and paid in − charged = deposit at every moment.

use super::{
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
    /// The fees that are open, the oldest first. Few: who has one cannot rent, so there are no more than bikes that the
    /// customer was riding when the first one opened, and a paid one leaves the list.
    open: Vec<(Id<Billing>, u64)>,
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
}

/// What an account may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Event {
    /// It holds another amount now. `billid` is the bill that this very change has paid, none when money was paid in.
    UpdatedDeposit { userid: Id<UserDeposit>, deposit: u64, arrears: u64, billid: Option<Id<Billing>> },
    /// It does not cover this fee, or owes an older one.
    FeeDeferred { userid: Id<UserDeposit>, billid: Id<Billing>, fee: u64, arrears: u64 },
}

/// The customer owes fees.
pub fn in_arrears() -> Refusal {
    Refusal::conflict("in-arrears", "earlier rides are not paid for yet", "미납 요금이 있습니다")
}

impl UserDeposit {
    fn arrears(&self) -> u64 {
        self.open.iter().fold(0, |sum, (_, fee)| sum.saturating_add(*fee))
    }
    /// Money comes in, and pays what it can, oldest first.
    fn top_up(&self, userid: Id<Self>, paid_in: u64) -> Decision<Event> {
        let holds = self.deposit.checked_add(paid_in).filter(|holds| *holds <= MOST);
        let Some(mut deposit) = holds else {
            return Err(Refusal::invalid(
                "deposit-too-large",
                format!("a deposit holds at most {MOST} won"),
                format!("예치금은 최대 {MOST}원입니다"),
            ));
        };
        let mut owing = self.clone();
        let mut events = vec![Event::UpdatedDeposit { userid, deposit, arrears: self.arrears(), billid: None }];
        while let Some((bill, rest)) = owing.open.first().and_then(|(bill, fee)| Some((*bill, deposit.checked_sub(*fee)?)))
        {
            owing.open.remove(0);
            deposit = rest;
            events.push(Event::UpdatedDeposit { userid, deposit, arrears: owing.arrears(), billid: Some(bill) });
        }
        Ok(events)
    }
}

impl Entity for UserDeposit {
    const NAME: Name =
        Name { system: "gbike", context: "gbike.userDeposit", collection: "userDeposits", item: "userDeposit" };
    const PORT: Option<u16> = Some(8084);
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    type Shown = Shown;

    fn show(&self, userid: Id<Self>) -> Shown {
        Shown { userid, deposit: self.deposit, arrears: self.arrears(), billid: self.billid }
    }
    fn standing(&self) -> Standing {
        if self.opened { Standing::Established } else { Standing::Absent }
    }
    fn numbered_by() -> &'static [&'static str] {
        &["userid"]
    }
}

impl Aggregate for UserDeposit {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let (userid, owes) = (this.id, !self.open.is_empty());
        match (owes, command) {
            (_, TopUp { deposit }) => self.top_up(userid, deposit),
            (true, Clear { .. }) => Err(in_arrears()),
            (false, Clear { .. }) => ignore(),
            (false, Charge { bill, fee }) if fee <= self.deposit => {
                emit(UpdatedDeposit { userid, deposit: self.deposit - fee, arrears: 0, billid: Some(bill) })
            }
            (_, Charge { bill, fee }) => {
                emit(FeeDeferred { userid, billid: bill, fee, arrears: self.arrears().saturating_add(fee) })
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.opened = true;
        match event {
            Event::UpdatedDeposit { deposit, billid, .. } => {
                self.deposit = *deposit;
                self.billid = billid.or(self.billid);
                self.open.retain(|(bill, _)| Some(*bill) != *billid);
            }
            Event::FeeDeferred { billid, fee, .. } => self.open.push((*billid, *fee)),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.hearing::<Billing>(|event| match event {
            billing::Event::CalculatedFee { billid, userid, fee, .. } => {
                Some((*userid, Command::Charge { bill: *billid, fee: *fee }))
            }
            _ => None,
        });
    }

    fn doors(doors: &mut impl Doors<Self>) {
        doors.post(Role::Both, |TopUp { userid, deposit }: TopUp| (Target::Chosen(userid), Command::TopUp { deposit }));
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
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the account under test is 1; those of its bills are others.
    const USER: Id<UserDeposit> = Id::new(1);
    const RENT: Id<Rent> = Id::new(7);

    fn updated(deposit: u64, arrears: u64, bill: Option<u64>) -> Event {
        UpdatedDeposit { userid: USER, deposit, arrears, billid: bill.map(Id::new) }
    }
    fn deferred(bill: u64, fee: u64, arrears: u64) -> Event {
        FeeDeferred { userid: USER, billid: Id::new(bill), fee, arrears }
    }
    fn top_up(deposit: u64) -> Command {
        Command::TopUp { deposit }
    }
    fn charge(bill: u64, fee: u64) -> Command {
        Charge { bill: Id::new(bill), fee }
    }
    /// 400 won, and the fees 500, 0 and 300 of bills 7, 8 and 9 open.
    fn owing() -> Given<UserDeposit> {
        given([updated(400, 0, None), deferred(7, 500, 500), deferred(8, 0, 500), deferred(9, 300, 800)])
    }
    fn shown(account: &Given<UserDeposit>) -> (u64, u64, Option<u64>) {
        let shown = account.0.show(USER);
        (shown.deposit, shown.arrears, shown.billid.map(Id::get))
    }

    #[test]
    fn the_first_payment_opens_it_and_the_next_ones_top_it_up() {
        let account = given::<UserDeposit>([]).when(top_up(1000)).then([updated(1000, 0, None)]);
        let account = account.when(top_up(500)).then([updated(1500, 0, None)]);
        assert_eq!(shown(&account), (1500, 0, None));
    }

    #[test]
    fn a_fee_that_is_covered_is_charged_and_a_top_up_afterwards_pays_no_bill() {
        let account = given::<UserDeposit>([updated(1000, 0, None)]).when(charge(7, 1000));
        let account = account.then([updated(0, 0, Some(7))]).when(top_up(100)).then([updated(100, 0, None)]);
        assert_eq!(shown(&account), (100, 0, Some(7)), "the last one charged");
    }

    #[test]
    fn a_fee_that_is_not_covered_is_not_charged_at_all() {
        let account = given::<UserDeposit>([updated(400, 0, None)]).when(charge(7, 401)).then([deferred(7, 401, 401)]);
        assert_eq!(shown(&account), (400, 401, None));
    }

    #[test]
    fn a_new_fee_waits_behind_an_older_one_even_if_it_would_be_covered() {
        let account = given::<UserDeposit>([updated(400, 0, None), deferred(7, 500, 500)]).when(charge(8, 100));
        let account = account.then([deferred(8, 100, 600)]).when(charge(9, 0)).then([deferred(9, 0, 600)]);
        assert_eq!(shown(&account), (400, 600, None));
    }

    #[test]
    fn a_top_up_settles_oldest_first_each_fee_whole() {
        let account = owing().when(top_up(99)).then([updated(499, 800, None)]);
        let account = account.when(top_up(301));
        let account = account.then([updated(800, 800, None), updated(300, 300, Some(7)), updated(300, 300, Some(8)), updated(0, 0, Some(9))]);
        assert_eq!(shown(&account), (0, 0, Some(9)));
    }

    #[test]
    fn a_top_up_stops_at_the_first_fee_that_it_does_not_cover() {
        let account = owing().when(top_up(399));
        let account = account.then([updated(799, 800, None), updated(299, 300, Some(7)), updated(299, 300, Some(8))]);
        account.when(Clear { rent: RENT }).refused(Kind::Conflict, "in-arrears");
    }

    #[test]
    fn who_owes_nothing_may_rent_with_or_without_an_account() {
        let _ = given::<UserDeposit>([]).when(Clear { rent: RENT }).then_nothing();
        let _ = given::<UserDeposit>([updated(0, 0, None)]).when(Clear { rent: RENT }).then_nothing();
        let paid = [updated(800, 800, None), updated(300, 300, Some(7)), updated(300, 300, Some(8)), updated(0, 0, Some(9))];
        let _ = owing().when(top_up(400)).then(paid).when(Clear { rent: RENT }).then_nothing();
    }

    #[test]
    fn a_bill_for_an_unknown_user_opens_an_account_with_nothing_in_it() {
        let account = given::<UserDeposit>([]).when(charge(7, 100)).then([deferred(7, 100, 100)]);
        assert_eq!((shown(&account), account.0.standing()), ((0, 100, None), Standing::Established));
        let account = given::<UserDeposit>([]).when(charge(7, 0)).then([updated(0, 0, Some(7))]);
        assert_eq!((shown(&account), account.0.standing()), ((0, 0, Some(7)), Standing::Established));
    }

    #[test]
    fn it_holds_no_more_than_every_reader_can_count() {
        given::<UserDeposit>([]).when(top_up(u64::MAX)).refused(Kind::Invalid, "deposit-too-large");
        let full = given::<UserDeposit>([]).when(top_up(MOST)).then([updated(MOST, 0, None)]);
        full.when(top_up(1)).refused(Kind::Invalid, "deposit-too-large");
    }
}
