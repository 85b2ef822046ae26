//! User deposit: what a customer has paid in, and which fees wait because it does not cover them.
//!
//! A fee is charged whole or not at all, the oldest first: while one is open, the later ones wait behind it. So the money
//! is never negative, and paid in − charged = deposit at every moment.
//!
//! However many fees are open, the account keeps the oldest few and the number of the last. The others stand in a chain
//! of bills, each of which knows the one behind it, and says so when it closes: paying off the chain is one short step
//! after the other, and each step is a function of the state.

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

/// So many open fees an account keeps itself, and pays in one step. Few customers ever owe more, and they are answered
/// with the balance after all that their money covers.
const AT_HAND: usize = 4;

/// The account of the user with this number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserDeposit {
    opened: bool,
    deposit: u64,
    /// The bill that was charged last.
    billid: Option<Id<Billing>>,
    /// The oldest of the fees that are open, the oldest first. At most [`AT_HAND`], but for an account from a time in which
    /// all of them stood here: those are paid first, and the list only shrinks.
    open: Vec<(Id<Billing>, u64)>,
    /// The others. While there are some and none is at hand, the bill that was charged last has still to say which one is
    /// next.
    chain: Option<Chain>,
}

/// Open bills, each of which knows the one behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Chain {
    last: Id<Billing>,
    /// What they come to together. Wide enough for any number of any fees.
    fees: u128,
}

impl Chain {
    /// What is left of it when that bill has left it.
    fn without(self, bill: Id<Billing>, fee: u64) -> Option<Self> {
        let Self { last, fees } = self;
        (last != bill).then_some(Self { last, fees: fees.saturating_sub(fee.into()) })
    }
}

/// The account as it was stored when it kept all open fees. Frozen: what is on disks does not change.
#[derive(Deserialize)]
struct UserDepositV1 {
    opened: bool,
    deposit: u64,
    billid: Option<Id<Billing>>,
    open: Vec<(Id<Billing>, u64)>,
}

impl From<UserDepositV1> for UserDeposit {
    fn from(old: UserDepositV1) -> Self {
        let UserDepositV1 { opened, deposit, billid, open } = old;
        Self { opened, deposit, billid, open, chain: None }
    }
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
    UpdatedDeposit { userid: Id<UserDeposit>, deposit: u64, arrears: u64, billid: Option<Id<Billing>> },
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
    fn owes(&self) -> bool {
        !self.open.is_empty() || self.chain.is_some()
    }
    /// All that is open together.
    fn arrears(&self) -> u128 {
        let at_hand: u128 = self.open.iter().map(|(_, fee)| u128::from(*fee)).sum();
        at_hand.saturating_add(self.chain.as_ref().map_or(0, |chain| chain.fees))
    }
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
        let paid_in = Event::UpdatedDeposit { userid, deposit, arrears: shown(self.arrears()), billid: None };
        let mut owing = self.clone();
        owing.evolve(&paid_in);
        Ok([paid_in].into_iter().chain(owing.pay(userid)).collect())
    }
    /// Pays of what is at hand as much as is covered, oldest first. What is left behind it waits for the last one that this
    /// pays to be closed.
    fn pay(mut self, userid: Id<Self>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some((bill, fee)) = self.open.first().copied()
            && fee <= self.deposit
            && events.len() < AT_HAND
        {
            let (deposit, arrears) = (self.deposit - fee, shown(self.arrears().saturating_sub(fee.into())));
            let paid = Event::UpdatedDeposit { userid, deposit, arrears, billid: Some(bill) };
            self.evolve(&paid);
            events.push(paid);
        }
        events
    }
    /// That bill was charged: the oldest one, where any is open.
    fn paid(&mut self, bill: Id<Billing>, fee: u64) {
        self.billid = Some(bill);
        if self.open.is_empty() {
            self.chain = self.chain.take().and_then(|chain| chain.without(bill, fee));
        } else {
            self.open.remove(0);
        }
    }
    /// A fee waits: at hand, or behind the last one.
    fn defer(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let last_at_hand = self.open.last().map(|(bill, _)| *bill).filter(|_| self.open.len() >= AT_HAND);
        let last = self.chain.as_ref().map(|chain| chain.last).or(last_at_hand);
        let queued = last.map(|after| Event::FeeQueued { userid, billid, fee, after });
        let arrears = shown(self.arrears().saturating_add(fee.into()));
        queued.into_iter().chain([Event::FeeDeferred { userid, billid, fee, arrears }]).collect()
    }
}

/// An amount of any size, as far as it can be shown.
fn shown(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

impl Entity for UserDeposit {
    const NAME: Name =
        Name { system: "gbike", context: "gbike.userDeposit", collection: "userDeposits", item: "userDeposit" };
    const PORT: Option<u16> = Some(8084);
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    const STATE_VERSION: u16 = 2;
    type Shown = Shown;

    fn show(&self, userid: Id<Self>) -> Shown {
        Shown { userid, deposit: self.deposit, arrears: shown(self.arrears()), billid: self.billid }
    }
    fn standing(&self) -> Standing {
        if self.opened { Standing::Established } else { Standing::Absent }
    }
    fn numbered_by() -> &'static [&'static str] {
        &["userid"]
    }
    fn old_state<D: Decoder>(version: u16, record: D) -> Result<Self, Undecodable> {
        match version {
            1 => record.read::<UserDepositV1>().map(Into::into),
            version => Err(Undecodable::Version(version)),
        }
    }
}

impl Aggregate for UserDeposit {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let userid = this.id;
        let was_last = |bill| self.billid == Some(bill);
        match (self.owes(), command) {
            (_, TopUp { deposit }) => self.top_up(userid, deposit),
            (true, Clear { .. }) => Err(in_arrears()),
            (false, Clear { .. }) => ignore(),
            (false, Charge { bill, fee }) if fee <= self.deposit => {
                emit(UpdatedDeposit { userid, deposit: self.deposit - fee, arrears: 0, billid: Some(bill) })
            }
            (_, Charge { bill, fee }) => Ok(self.defer(userid, bill, fee)),

            (true, GoOn { after }) if was_last(after) => Ok(self.clone().pay(userid)),
            (true, MoveUp { after, bill, fee }) if was_last(after) && self.open.is_empty() => {
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
                    self.paid(bill, self.deposit.saturating_sub(*deposit));
                }
                self.deposit = *deposit;
            }
            Event::FeeQueued { billid, fee, .. } => {
                let before = self.chain.as_ref().map_or(0, |chain| chain.fees);
                self.chain = Some(Chain { last: *billid, fees: before.saturating_add((*fee).into()) });
            }
            // It has its place in the chain.
            Event::FeeDeferred { billid, .. } if self.chain.as_ref().is_some_and(|chain| chain.last == *billid) => {}
            Event::FeeDeferred { billid, fee, .. } => self.open.push((*billid, *fee)),
            Event::FeeMovedUp { billid, fee, .. } => {
                self.open = vec![(*billid, *fee)];
                self.chain = self.chain.take().and_then(|chain| chain.without(*billid, *fee));
            }
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.hearing::<Billing>(|event| match *event {
            billing::Event::CalculatedFee { billid, userid, fee, .. } => {
                Some((userid, Command::Charge { bill: billid, fee }))
            }
            billing::Event::ClosedBill { billid, userid, .. } => Some((userid, Command::GoOn { after: billid })),
            billing::Event::BillPassedOn { billid, userid, nextbillid, nextfee } => {
                Some((userid, Command::MoveUp { after: billid, bill: nextbillid, fee: nextfee }))
            }
            billing::Event::RegisteredBill { .. } | billing::Event::BillFollowed { .. } => None,
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

    fn queued(bill: u64, fee: u64, after: u64) -> Event {
        FeeQueued { userid: USER, billid: Id::new(bill), fee, after: Id::new(after) }
    }
    /// 50 won, and the fees of bills 1 to 6 open, 100 won each: the last two in the chain.
    fn chained() -> Given<UserDeposit> {
        let mut account = given([updated(50, 0, None)]);
        for (bill, owed) in (1..).zip([100, 200, 300, 400]) {
            account = account.when(charge(bill, 100)).then([deferred(bill, 100, owed)]);
        }
        let account = account.when(charge(5, 100)).then([queued(5, 100, 4), deferred(5, 100, 500)]);
        account.when(charge(6, 100)).then([queued(6, 100, 5), deferred(6, 100, 600)])
    }
    fn go_on(after: u64) -> Command {
        GoOn { after: Id::new(after) }
    }
    fn move_up(after: u64, bill: u64) -> Command {
        MoveUp { after: Id::new(after), bill: Id::new(bill), fee: 100 }
    }

    #[test]
    fn behind_the_first_few_fees_wait_in_a_chain_that_is_paid_one_by_one_as_bills_close() {
        let account = chained().when(top_up(500));
        let at_hand = (1..=4).map(|bill| updated(550 - bill * 100, 600 - bill * 100, Some(bill)));
        let account = account.then([updated(550, 600, None)].into_iter().chain(at_hand));
        assert_eq!(shown(&account), (150, 200, Some(4)), "what is paid so far, and what is still owed");
        // The bills before say that they are closed as well, and have nothing to add.
        let account = account.when(go_on(3)).then_nothing().when(go_on(4)).then_nothing();
        Given(account.0.clone()).when(Clear { rent: RENT }).refused(Kind::Conflict, "in-arrears");
        let account = account.when(move_up(4, 5)).then([updated(50, 100, Some(5))]);
        let account = account.when(move_up(4, 5)).then_nothing();
        let moved = FeeMovedUp { userid: USER, billid: Id::new(6), fee: 100 };
        let account = account.when(move_up(5, 6)).then([moved]);
        assert_eq!(shown(&account), (50, 100, Some(5)), "the rest does not cover it");
        let account = account.when(top_up(60)).then([updated(110, 100, None), updated(10, 0, Some(6))]);
        let _ = account.when(Clear { rent: RENT }).then_nothing().when(go_on(6)).then_nothing();
    }

    #[test]
    fn money_that_comes_in_while_the_chain_moves_up_is_there_for_what_comes_next() {
        let account = chained().when(top_up(350)).then(
            [updated(400, 600, None)].into_iter().chain((1..=4).map(|bill| updated(400 - bill * 100, 600 - bill * 100, Some(bill)))),
        );
        let account = account.when(top_up(250)).then([updated(250, 200, None)]);
        let account = account.when(move_up(4, 5)).then([updated(150, 100, Some(5))]);
        let account = account.when(move_up(5, 6)).then([updated(50, 0, Some(6))]);
        // A fee of now is charged at once again.
        let _ = account.when(charge(7, 50)).then([updated(0, 0, Some(7))]);
    }

    #[test]
    fn a_new_fee_goes_to_the_end_of_the_chain_however_little_is_left_in_front_of_it() {
        let account = chained().when(top_up(300)).then(
            [updated(350, 600, None)].into_iter().chain((1..=3).map(|bill| updated(350 - bill * 100, 600 - bill * 100, Some(bill)))),
        );
        let account = account.when(charge(7, 100)).then([queued(7, 100, 6), deferred(7, 100, 400)]);
        // Where the chain has come to its end, there is room at hand again.
        let account = account.when(top_up(50)).then([updated(100, 400, None), updated(0, 300, Some(4))]);
        let moved = |bill| FeeMovedUp { userid: USER, billid: Id::new(bill), fee: 100 };
        let account = account.when(move_up(4, 5)).then([moved(5)]).when(top_up(200));
        let account = account.then([updated(200, 300, None), updated(100, 200, Some(5))]);
        let account = account.when(move_up(5, 6)).then([updated(0, 100, Some(6))]).when(move_up(6, 7)).then([moved(7)]);
        let _ = account.when(charge(8, 100)).then([deferred(8, 100, 200)]);
    }

    #[test]
    fn an_account_from_when_all_fees_stood_in_it_pays_them_first_some_at_a_time() {
        let past = (1..=10).map(|bill| deferred(bill, 100, bill * 100));
        let account = given::<UserDeposit>(past).when(charge(11, 100)).then([queued(11, 100, 10), deferred(11, 100, 1100)]);
        let paid = |holds: u64, from: u64, to: u64| {
            (from..=to).map(move |bill| updated(holds - (bill - from + 1) * 100, 1100 - bill * 100, Some(bill)))
        };
        let account = account.when(top_up(1100)).then([updated(1100, 1100, None)].into_iter().chain(paid(1100, 1, 4)));
        let account = account.when(go_on(3)).then_nothing();
        let account = account.when(go_on(4)).then(paid(700, 5, 8)).when(go_on(8)).then(paid(300, 9, 10));
        let account = account.when(go_on(10)).then_nothing().when(move_up(10, 11)).then([updated(0, 0, Some(11))]);
        let _ = account.when(Clear { rent: RENT }).then_nothing();
    }

    #[test]
    fn fees_of_any_size_add_up() {
        let past = [deferred(1, 100, 100), deferred(2, u64::MAX, u64::MAX), deferred(3, u64::MAX, u64::MAX)];
        let account = given::<UserDeposit>(past).when(top_up(150));
        let account = account.then([updated(150, u64::MAX, None), updated(50, u64::MAX, Some(1))]);
        assert_eq!(account.0.arrears(), 2 * u128::from(u64::MAX));
    }

    #[test]
    fn it_holds_no_more_than_every_reader_can_count() {
        given::<UserDeposit>([]).when(top_up(u64::MAX)).refused(Kind::Invalid, "deposit-too-large");
        let full = given::<UserDeposit>([]).when(top_up(MOST)).then([updated(MOST, 0, None)]);
        full.when(top_up(1)).refused(Kind::Invalid, "deposit-too-large");
    }
}
