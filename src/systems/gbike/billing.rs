//! Billing: what a ride costs, from its start to the day on which it is paid.
//!
//! A bill follows the rent with its number. It closes when the deposit says that it has charged this very bill, and by
//! nothing else that happens to a deposit. Of a customer who owes for many rides each bill knows the one that is to be paid
//! after it, and names it when it closes.

use super::{
    rent::{self, Rent},
    user_deposit::{self, UserDeposit},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// The bill of the rent with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Billing {
    userid: Id<UserDeposit>,
    status: Status,
    starttime: Timestamp,
    endtime: Option<Timestamp>,
    fee: Option<u64>,
    /// The bill of the same customer that is to be paid after it, and its fee.
    next: Option<(Id<Billing>, u64)>,
}

/// How far the bill has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    #[serde(rename = "OPENBILL")]
    #[strum(serialize = "OPENBILL")]
    Open,
    #[serde(rename = "APPLYFEE")]
    #[strum(serialize = "APPLYFEE")]
    ApplyFee,
    #[serde(rename = "CLOSEBILL")]
    #[strum(serialize = "CLOSEBILL")]
    Closed,
}

/// A bill as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Billing")]
pub struct Shown {
    /// Its number.
    pub billid: Id<Billing>,
    /// The rent's number.
    pub rentid: Id<Rent>,
    /// Who pays.
    pub userid: Id<UserDeposit>,
    /// When the ride began.
    pub starttime: Timestamp,
    /// When it ended.
    pub endtime: Option<Timestamp>,
    /// What it costs, in won.
    pub fee: Option<u64>,
    /// How far the bill has come.
    pub status: Status,
}

/// What may be asked of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Open {
        user: Id<UserDeposit>,
        start: Timestamp,
    },
    Calculate {
        end: Timestamp,
    },
    Close,
    /// That bill is to be paid after this one.
    Follow {
        user: Id<UserDeposit>,
        next: Id<Billing>,
        fee: u64,
    },
}

/// What a bill may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Event {
    RegisteredBill {
        billid: Id<Billing>,
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        starttime: Timestamp,
    },
    CalculatedFee {
        billid: Id<Billing>,
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        endtime: Timestamp,
        fee: u64,
    },
    ClosedBill {
        billid: Id<Billing>,
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        fee: u64,
    },
    /// Another bill is to be paid after it.
    BillFollowed {
        billid: Id<Billing>,
        nextbillid: Id<Billing>,
        nextfee: u64,
    },
    /// It is paid, and that one is next.
    BillPassedOn {
        billid: Id<Billing>,
        userid: Id<UserDeposit>,
        nextbillid: Id<Billing>,
        nextfee: u64,
    },
}

/// What riding costs: `[systems.gbike]` of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tariff {
    /// For each whole minute, in won.
    pub fee_per_minute: u64,
}

impl Default for Tariff {
    fn default() -> Self {
        Self { fee_per_minute: 100 }
    }
}

impl Tariff {
    /// What a ride costs. A clock that was set back makes no ride shorter than none.
    fn fee(&self, start: Timestamp, end: Timestamp) -> u64 {
        let micros = u64::try_from(end.micros().saturating_sub(start.micros())).unwrap_or_default();
        (micros / MICROS_PER_MINUTE).saturating_mul(self.fee_per_minute)
    }
}

impl Entity for Billing {
    const NAME: Name =
        Name { system: "gbike", context: "gbike.billing", collection: "billings", item: "billing" };
    const PORT: Option<u16> = Some(8083);
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const STATE_VERSION: u16 = 2;
    type Representation = Shown;

    fn represent(&self, billid: Id<Self>) -> Shown {
        let Billing { userid, status, starttime, endtime, fee, .. } = *self;
        Shown { billid, rentid: billid.of(), userid, starttime, endtime, fee, status }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.status == Status::New { Lifecycle::Absent } else { Lifecycle::Established }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into()), ("userid", self.userid.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentid", "billid"]
    }
    fn old_state<D: Decoder>(version: u16, record: D) -> Result<Self, Undecodable> {
        match version {
            // Frozen: a bill that knew of no other, field by field.
            1 => record.read().map(|(userid, status, starttime, endtime, fee)| Self {
                userid,
                status,
                starttime,
                endtime,
                fee,
                next: None,
            }),
            version => Err(Undecodable::Version(version)),
        }
    }
}

impl Aggregate for Billing {
    type Command = Command;
    type Event = Event;
    type Settings = Tariff;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (billid, rentid, userid) = (this.id, this.id.of(), self.userid);
        match (self.status, command) {
            (New, Command::Open { user, start }) => {
                emit(RegisteredBill { billid, rentid, userid: user, starttime: start })
            }
            (Status::Open, Calculate { end }) => {
                let fee = this.settings.fee(self.starttime, end);
                emit(CalculatedFee { billid, rentid, userid, endtime: end, fee })
            }
            (ApplyFee, Close) => {
                let closed =
                    ClosedBill { billid, rentid, userid, fee: self.fee.unwrap_or_default() };
                let passed_on = self.next.map(|(nextbillid, nextfee)| BillPassedOn {
                    billid,
                    userid,
                    nextbillid,
                    nextfee,
                });
                Ok([closed].into_iter().chain(passed_on).collect())
            }
            (Status::Open | ApplyFee, Follow { next, fee, .. }) if self.next.is_none() => {
                emit(BillFollowed { billid, nextbillid: next, nextfee: fee })
            }
            (Status::Open | ApplyFee, Follow { .. }) => ignore(),
            // There is nothing to wait for: whoever waits behind it is next.
            (New | Closed, Follow { user, next, fee }) => {
                emit(BillPassedOn { billid, userid: user, nextbillid: next, nextfee: fee })
            }
            (New | Status::Open, Close) | (New | ApplyFee | Closed, Calculate { .. }) => ignore(),
            (Status::Open | ApplyFee | Closed, Command::Open { .. }) | (Closed, Close) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::RegisteredBill { userid, starttime, .. } => {
                let (userid, starttime) = (*userid, *starttime);
                *self = Billing { userid, starttime, status: Status::Open, ..Billing::default() };
            }
            Event::CalculatedFee { endtime, fee, .. } => {
                (self.status, self.endtime, self.fee) =
                    (Status::ApplyFee, Some(*endtime), Some(*fee));
            }
            Event::ClosedBill { .. } => self.status = Status::Closed,
            Event::BillFollowed { nextbillid, nextfee, .. } => {
                self.next = Some((*nextbillid, *nextfee))
            }
            Event::BillPassedOn { .. } => {}
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match event {
            rent::Event::Rented { rentid, userid, starttime, .. } => {
                Some((rentid.of(), Command::Open { user: *userid, start: *starttime }))
            }
            rent::Event::Returned { rentid, endtime, .. } => {
                Some((rentid.of(), Command::Calculate { end: *endtime }))
            }
            _ => None,
        });
        policies.on::<UserDeposit>(|event| match *event {
            user_deposit::Event::UpdatedDeposit { billid, .. } => {
                billid.map(|bill| (bill, Command::Close))
            }
            user_deposit::Event::FeeQueued { userid, billid, fee, after } => {
                Some((after, Command::Follow { user: userid, next: billid, fee }))
            }
            user_deposit::Event::FeeDeferred { .. } | user_deposit::Event::FeeMovedUp { .. } => {
                None
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

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
        let open = || Open { user: USER, start: at(100) };
        let bill =
            given::<Billing>([]).when(open()).then([registered()]).when(open()).then_nothing();
        let bill = bill.when(Calculate { end: at(701) }).then([calculated(1000, 701)]);
        let bill =
            bill.when(Calculate { end: at(999) }).then_nothing().when(Close).then([closed()]);
        let bill = bill.when(Close).then_nothing().when(open()).then_nothing();
        let shown = bill.when(Calculate { end: at(999) }).then_nothing().0.represent(BILL);
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
                .when(Calculate { end: at(end) })
                .then([calculated(fee, end)]);
        }
    }

    #[test]
    fn the_fee_of_a_minute_is_configured_and_no_ride_is_too_long() {
        let tariff: Tariff = serde_json::from_str(r#"{"fee_per_minute": 150}"#).expect("a tariff");
        assert_eq!(tariff.fee(at(0), at(180)), 450);
        assert_eq!(Tariff { fee_per_minute: u64::MAX }.fee(at(0), at(180)), u64::MAX);
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
            .when(Calculate { end: at(1) })
            .then_nothing();
        assert_eq!(bill.0.lifecycle(), Lifecycle::Absent);
    }

    #[test]
    fn it_knows_the_one_that_is_to_be_paid_after_it_and_names_it_when_it_closes() {
        let follow = |next| Follow { user: USER, next: Id::new(next), fee: 300 };
        let followed = BillFollowed { billid: BILL, nextbillid: Id::new(8), nextfee: 300 };
        let passed_on =
            || BillPassedOn { billid: BILL, userid: USER, nextbillid: Id::new(8), nextfee: 300 };
        let bill = given::<Billing>([registered(), calculated(1000, 701)])
            .when(follow(8))
            .then([followed]);
        let bill = bill.when(follow(9)).then_nothing().when(Close).then([closed(), passed_on()]);
        let _ = bill.when(Close).then_nothing();
        // Whoever queues behind one that is closed already is next at once.
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
