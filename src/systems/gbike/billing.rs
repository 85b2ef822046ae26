//! Billing: what a ride costs, from its start to the day on which it is paid.
//!
//! A bill follows the rent with its number. It closes when the deposit has charged this very bill, and on no other change
//! of a deposit. Where a customer owes for many rides, each bill knows the next one, and names it when it closes.

use super::{
    order::{BillId, RentId, UserId},
    rent::{self, Rent},
    tariff::Tariff,
    user_deposit::{self, UserDeposit},
};
use crate::domain::prelude::*;
mod version_1;

/// The bill of the rent with the same number.
#[entity(
    context = "gbike.billing", reads = owner, collection = "billings", korean = "청구서", port = 8083, supporting,
    id(billid: Id<Billing>, rentid: Id<Rent>), index(status, userid), owner = self.userid, personal(userid),
    old_versions(version_1::Billing), credit(charged = self.fee.filter(|_| self.status == Status::Closed)),
    debit(arrears = (self.userid, self.fee.filter(|_| self.status == Status::ApplyFee)))
)]
pub struct Billing {
    /// Who pays.
    userid: UserId,
    #[hidden]
    status: Status,
    /// When the ride began.
    starttime: Timestamp,
    /// When it ended.
    endtime: Option<Timestamp>,
    /// What it costs, in won.
    fee: Option<u64>,
    /// The bill of the same customer that is to be paid after it, and its fee.
    #[shown(status: Status = self.status)]
    next: Option<(Id<Billing>, u64)>,
}

/// How far the bill has come.
#[status]
pub enum Status {
    #[absent]
    New,
    #[name = "OPENBILL"]
    Open,
    #[name = "APPLYFEE"]
    ApplyFee,
    #[name = "CLOSEBILL"]
    Closed,
}

#[command]
pub enum Command {
    /// The ride has begun.
    Open { userid: UserId, starttime: Timestamp },
    /// The ride is over.
    Calculate { endtime: Timestamp },
    /// It is paid.
    Close,
    /// That bill is to be paid after this one.
    Follow { userid: UserId, next: Id<Billing>, fee: u64 },
}

#[event]
pub enum Event {
    /// The ride has begun.
    RegisteredBill { billid: BillId, rentid: RentId, userid: UserId, starttime: Timestamp },
    /// The ride is over, and this is what it costs.
    CalculatedFee { billid: BillId, rentid: RentId, userid: UserId, endtime: Timestamp, fee: u64 },
    /// It is paid.
    ClosedBill { billid: BillId, rentid: RentId, userid: UserId, fee: u64 },
    /// Another bill is to be paid after it.
    BillFollowed { billid: BillId, nextbillid: BillId, nextfee: u64 },
    /// It is paid, and that one is next.
    BillPassedOn { billid: BillId, userid: UserId, nextbillid: BillId, nextfee: u64 },
}

impl Aggregate for Billing {
    type Command = Command;
    type Event = Event;
    type Settings = Tariff;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let billid = this.id;
        let rentid = this.id.of();
        let userid = self.userid;
        let passed_on =
            |userid, (nextbillid, nextfee)| BillPassedOn { billid, userid, nextbillid, nextfee };
        match (self.status, command) {
            (S::New, Open { userid, starttime }) => {
                emit(RegisteredBill { billid, rentid, userid, starttime })
            }
            (S::Open, Calculate { endtime }) => {
                let fee = this.settings.fee(self.starttime, endtime);
                emit(CalculatedFee { billid, rentid, userid, endtime, fee })
            }
            (S::ApplyFee, Close) => {
                let fee = self.fee.unwrap_or_default();
                let next = self.next.map(|next| passed_on(userid, next));
                Ok([ClosedBill { billid, rentid, userid, fee }].into_iter().chain(next).collect())
            }
            (S::Open | S::ApplyFee, Follow { next, fee, .. }) if self.next.is_none() => {
                emit(BillFollowed { billid, nextbillid: next, nextfee: fee })
            }
            (S::Open | S::ApplyFee, Follow { .. }) => ignore(),
            // Nothing is to be paid before that one: it is next.
            (S::New | S::Closed, Follow { userid, next, fee }) => {
                emit(passed_on(userid, (next, fee)))
            }
            (_, Open { .. } | Calculate { .. } | Close) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match *event {
            Event::RegisteredBill { userid, starttime, .. } => {
                *self = Billing { userid, starttime, status: Status::Open, ..Billing::default() };
            }
            Event::CalculatedFee { endtime, fee, .. } => {
                let endtime = Some(endtime);
                let fee = Some(fee);
                *self = Billing { status: Status::ApplyFee, endtime, fee, ..*self };
            }
            Event::ClosedBill { .. } => self.status = Status::Closed,
            Event::BillFollowed { nextbillid: bill, nextfee, .. } => {
                self.next = Some((bill, nextfee))
            }
            Event::BillPassedOn { .. } => {}
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::*, rent::Event::*, user_deposit::Event::*};
        policies.on::<Rent>(|event| match *event {
            Rented { rentid, userid, starttime, .. } => {
                Some((rentid.of(), Open { userid, starttime }))
            }
            Returned { rentid, endtime, .. } => Some((rentid.of(), Calculate { endtime })),
            _ => None,
        });
        policies.on::<UserDeposit>(|event| match *event {
            UpdatedDeposit { billid, .. } => Some((billid?, Close)),
            FeeQueued { userid, billid: next, fee, after } => {
                Some((after, Follow { userid, next, fee }))
            }
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::{number::LARGEST, spec::given};

    const BILL: Id<Billing> = Id::new(1);
    const RENT: Id<Rent> = Id::new(1);
    const USER: Id<UserDeposit> = Id::new(9);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }
    fn registered() -> Event {
        RegisteredBill { billid: BILL, rentid: RENT, userid: USER, starttime: at(100) }
    }
    fn calculated(fee: u64, seconds: i64) -> Event {
        CalculatedFee { billid: BILL, rentid: RENT, userid: USER, endtime: at(seconds), fee }
    }
    fn closed() -> Event {
        ClosedBill { billid: BILL, rentid: RENT, userid: USER, fee: 1000 }
    }

    #[test]
    fn it_opens_with_the_ride_has_its_fee_at_the_end_and_closes_when_that_is_paid() {
        let open = || Open { userid: USER, starttime: at(100) };
        let bill =
            given::<Billing>([]).when(open()).then([registered()]).when(open()).then_nothing();
        let bill = bill.when(Calculate { endtime: at(701) }).then([calculated(1000, 701)]);
        let bill =
            bill.when(Calculate { endtime: at(999) }).then_nothing().when(Close).then([closed()]);
        let bill = bill.when(Close).then_nothing().when(open()).then_nothing();
        let shown = bill.when(Calculate { endtime: at(999) }).then_nothing().0.represent(BILL);
        assert_eq!(
            (shown.status, shown.fee, shown.endtime),
            (Status::Closed, Some(1000), Some(at(701)))
        );
    }

    #[test]
    fn only_whole_minutes_cost_something() {
        for (end, fee) in [(100, 0), (159, 0), (160, 100), (219, 100), (220, 200), (99, 0), (0, 0)]
        {
            let _ = given::<Billing>([registered()])
                .when(Calculate { endtime: at(end) })
                .then([calculated(fee, end)]);
        }
    }

    #[test]
    fn the_fee_of_a_minute_is_configured_and_no_ride_is_too_long() {
        let tariff: Tariff = serde_json::from_str(r#"{"fee_per_minute": 150}"#).expect("a tariff");
        assert_eq!(tariff.fee(at(0), at(180)), 450);
        assert_eq!(Tariff { fee_per_minute: u64::MAX }.fee(at(0), at(180)), LARGEST);
        assert_eq!(
            serde_json::from_str::<Tariff>("{}").expect("a tariff"),
            Tariff { fee_per_minute: 100 }
        );
    }

    #[test]
    fn it_closes_only_when_there_was_a_fee_to_pay() {
        let _ = given::<Billing>([registered()]).when(Close).then_nothing();
        let bill = given::<Billing>([])
            .when(Close)
            .then_nothing()
            .when(Calculate { endtime: at(1) })
            .then_nothing();
        assert_eq!(bill.0.lifecycle(), Lifecycle::Absent);
    }

    #[test]
    fn it_knows_the_one_that_is_to_be_paid_after_it_and_names_it_when_it_closes() {
        let follow = |next| Follow { userid: USER, next: Id::new(next), fee: 300 };
        let followed = BillFollowed { billid: BILL, nextbillid: Id::new(8), nextfee: 300 };
        let passed_on =
            || BillPassedOn { billid: BILL, userid: USER, nextbillid: Id::new(8), nextfee: 300 };
        let bill = given::<Billing>([registered(), calculated(1000, 701)])
            .when(follow(8))
            .then([followed]);
        let bill = bill.when(follow(9)).then_nothing().when(Close).then([closed(), passed_on()]);
        let _ = bill.when(Close).then_nothing();
        // One that queues after a closed bill is next at once.
        let closed = given::<Billing>([registered(), calculated(1000, 701), closed()]);
        let _ = closed.when(follow(8)).then([passed_on()]);
        assert_eq!(
            given::<Billing>([]).when(follow(8)).then([passed_on()]).0.lifecycle(),
            Lifecycle::Absent
        );
    }

    /// What a bill makes of the events of a deposit.
    struct Heard<'a>(&'a user_deposit::Event, Option<(Id<Billing>, Command)>);
    impl Policies<Billing> for Heard<'_> {
        fn on<S: Aggregate>(&mut self, react: React<Billing, S>) {
            let event: &dyn std::any::Any = self.0;
            self.1 = event.downcast_ref::<S::Event>().and_then(react).or(self.1.take());
        }
        fn on_key<S: Aggregate>(&mut self, _: ReactByKey<Billing, S>) {}
        fn creating<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<Command>) {}
    }

    #[test]
    fn a_deposit_that_grows_closes_no_bill_and_one_that_paid_closes_the_bill_that_it_paid() {
        let told = |event| {
            let mut heard = Heard(&event, None);
            Billing::whenever(&mut heard);
            heard.1
        };
        let updated = |billid| user_deposit::Event::UpdatedDeposit {
            userid: USER,
            deposit: 500,
            arrears: 0,
            billid,
        };
        assert_eq!(told(updated(None)), None);
        assert_eq!(told(updated(Some(Id::new(7)))), Some((Id::new(7), Close)));
        let billid = Id::new(7);
        assert_eq!(
            told(user_deposit::Event::FeeDeferred { userid: USER, billid, fee: 600, arrears: 600 }),
            None
        );
    }
}
