//! Rent: a customer takes a bike and brings it back somewhere else.
//!
//! Two are asked, one after the other: the customer's deposit whether older rides are paid for, then the bike itself.
//! `Rented` is said after the second yes. Without both there never was a rent, and on `RentFailed` the bike lets go,
//! whether or not it had heard the question. Returning waits for nobody.

use super::{
    bike::{self, Bike},
    user_deposit::{self, UserDeposit, in_arrears},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The first attempt of a rent to ask is that at the customer's deposit.
pub const ASKS_DEPOSIT: u32 = 1;
/// The second one is that at the bike. After a no of either the customer makes another rent.
pub const ASKS_BIKE: u32 = 2;

/// One ride of one customer on one bike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rent {
    userid: Id<UserDeposit>,
    bikeid: Id<Bike>,
    status: Status,
    /// The deposit has said yes: the bike is next.
    cleared: bool,
    starttime: Option<Timestamp>,
    endtime: Option<Timestamp>,
    endlocation: Option<String>,
    /// Why it never came to be.
    reason: Option<String>,
}

/// How far the rent has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    #[serde(rename = "Requested")]
    #[strum(serialize = "Requested")]
    Requested,
    /// It never came to be.
    Failed,
    Rented,
    Returned,
}

/// A rent as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rent")]
pub struct Shown {
    /// Its number.
    pub rentid: Id<Rent>,
    /// Who rides.
    pub userid: Id<UserDeposit>,
    /// On which bike.
    pub bikeid: Id<Bike>,
    /// How far the rent has come.
    pub status: Status,
    /// Since when.
    pub starttime: Option<Timestamp>,
    /// Until when.
    pub endtime: Option<Timestamp>,
    /// Where the bike was left.
    pub endlocation: Option<String>,
}

/// What may be asked of a rent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Request(Request),
    /// The deposit or the bike has answered, or nobody has.
    Settle(Result<(), NoAnswer>),
    Return(Return),
}

/// What a rent may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Event {
    RentRequested {
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        bikeid: Id<Bike>,
    },
    /// The customer owes nothing.
    RentCleared {
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        bikeid: Id<Bike>,
    },
    Rented {
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        bikeid: Id<Bike>,
        starttime: Timestamp,
    },
    RentFailed {
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        bikeid: Id<Bike>,
        reason: String,
    },
    Returned {
        rentid: Id<Rent>,
        userid: Id<UserDeposit>,
        bikeid: Id<Bike>,
        endtime: Timestamp,
        endlocation: String,
    },
}

/// The refusal that was kept by its code; nobody's is that of nobody having answered.
fn refusal(reason: Option<&str>) -> Refusal {
    let said = [in_arrears(), bike::in_use(), bike::broken(), bike::unknown()];
    said.into_iter()
        .find(|refusal| Some(refusal.code.as_ref()) == reason)
        .unwrap_or_else(Refusal::retry_later)
}

impl Entity for Rent {
    const NAME: Name =
        Name { system: "gbike", context: "gbike.rent", collection: "rents", item: "rent" };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8081);
    type Representation = Shown;

    fn represent(&self, rentid: Id<Self>) -> Shown {
        let Rent { userid, bikeid, status, starttime, endtime, endlocation, .. } = self.clone();
        Shown { rentid, userid, bikeid, status, starttime, endtime, endlocation }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New => Lifecycle::Absent,
            Status::Requested => Lifecycle::Open,
            Status::Failed => Lifecycle::Ended(refusal(self.reason.as_deref())),
            Status::Rented | Status::Returned => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![
            ("status", self.status.as_ref().into()),
            ("userid", self.userid.into()),
            ("bikeid", self.bikeid.into()),
        ]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentid"]
    }
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[UserDeposit::NAME, Bike::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {
            Command::*,
            Event::*,
            Status::{Failed, New, Requested},
        };
        let (rentid, userid, bikeid) = (this.id, self.userid, self.bikeid);
        match (self.status, command) {
            (New, Request(r)) if r.userid == Id::default() => Err(Refusal::invalid(
                "user-unknown",
                "numbers of users are positive",
                "사용자 번호는 양수여야 합니다",
            )),
            (New, Request(r)) => emit(RentRequested { rentid, userid: r.userid, bikeid: r.bikeid }),
            (Requested, Settle(Ok(()))) if !self.cleared => {
                emit(RentCleared { rentid, userid, bikeid })
            }
            (Requested, Settle(Ok(()))) => {
                emit(Rented { rentid, userid, bikeid, starttime: this.at })
            }
            (Requested, Settle(Err(no))) => {
                emit(RentFailed { rentid, userid, bikeid, reason: no.code().into() })
            }
            (_, Request(_) | Settle(_)) => ignore(),

            (New | Failed, Return(_)) => Err(Refusal::absent("rent")),
            (Requested, Return(_)) => Err(Refusal::still_open()),
            (Status::Rented, Return(end)) if end.endlocation.trim().is_empty() => {
                Err(bike::nowhere())
            }
            (Status::Rented, Return(self::Return { endlocation })) => {
                emit(Returned { rentid, userid, bikeid, endtime: this.at, endlocation })
            }
            (Status::Returned, Return(end))
                if self.endlocation.as_ref() == Some(&end.endlocation) =>
            {
                ignore()
            }
            (Status::Returned, Return(_)) => Err(Refusal::conflict(
                "already-returned",
                "the bike was left elsewhere",
                "이미 다른 곳에 반납되었습니다",
            )),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::RentRequested { userid, bikeid, .. } => {
                *self = Rent {
                    userid: *userid,
                    bikeid: *bikeid,
                    status: Status::Requested,
                    ..Rent::default()
                };
            }
            Event::RentCleared { .. } => self.cleared = true,
            Event::Rented { starttime, .. } => {
                (self.status, self.starttime) = (Status::Rented, Some(*starttime))
            }
            Event::RentFailed { reason, .. } => {
                (self.status, self.reason) = (Status::Failed, Some(reason.clone()))
            }
            Event::Returned { endtime, endlocation, .. } => {
                (self.status, self.endtime) = (Status::Returned, Some(*endtime));
                self.endlocation = Some(endlocation.clone());
            }
        }
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        let deposit = || {
            ask(self.userid, user_deposit::Command::Clear { rent }, ASKS_DEPOSIT, Command::Settle)
        };
        let bike = || ask(self.bikeid, bike::Command::Take { rent }, ASKS_BIKE, Command::Settle);
        (self.status == Status::Requested).then(|| if self.cleared { bike() } else { deposit() })
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch(Role::Customer, |end: Return| Command::Return(end));
    }
}

/// `POST /rents`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Who wants to ride.
    pub userid: Id<UserDeposit>,
    /// On which bike.
    pub bikeid: Id<Bike>,
}

/// `PATCH /rents/{id}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Return {
    /// Where the bike is left.
    pub endlocation: String,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the rent under test is 1; those of its user and its bike are others.
    const RENT: Id<Rent> = Id::new(1);
    const USER: Id<UserDeposit> = Id::new(9);
    const BIKE: Id<Bike> = Id::new(3);
    const NOW: Timestamp = Timestamp::from_micros(0);

    fn request() -> Command {
        Request(super::Request { userid: USER, bikeid: BIKE })
    }
    fn requested() -> Event {
        RentRequested { rentid: RENT, userid: USER, bikeid: BIKE }
    }
    fn cleared() -> Event {
        RentCleared { rentid: RENT, userid: USER, bikeid: BIKE }
    }
    fn rented() -> Event {
        Rented { rentid: RENT, userid: USER, bikeid: BIKE, starttime: NOW }
    }
    fn failed(reason: &str) -> Event {
        RentFailed { rentid: RENT, userid: USER, bikeid: BIKE, reason: reason.into() }
    }
    fn returned() -> Event {
        let endlocation = "분당_정자역_3구역".into();
        Returned { rentid: RENT, userid: USER, bikeid: BIKE, endtime: NOW, endlocation }
    }
    fn bring_back(endlocation: &str) -> Command {
        Return(super::Return { endlocation: endlocation.into() })
    }
    fn riding() -> Given<Rent> {
        given([requested(), cleared(), rented()])
    }

    #[test]
    fn a_request_asks_the_deposit_and_then_the_bike_and_is_open_until_both_have_said_yes() {
        let rent = given::<Rent>([]).when(request()).then([requested()]);
        let rent = rent
            .awaits("gbike.userDeposit-9 <- Clear { rent: #1 }")
            .when(Settle(Ok(())))
            .then([cleared()]);
        assert_eq!(rent.0.lifecycle(), Lifecycle::Open);
        assert_eq!(rent.0.represent(RENT).status, Status::Requested);
        let rent =
            rent.awaits("gbike.bike-3 <- Take { rent: #1 }").when(Settle(Ok(()))).then([rented()]);
        assert_eq!(rent.0.lifecycle(), Lifecycle::Established);
        assert_eq!(rent.0.represent(RENT).starttime, Some(NOW));
        rent.awaits_nothing();
    }

    #[test]
    fn the_two_questions_are_two_attempts() {
        let attempt = |rent: Given<Rent>| rent.0.awaits(RENT).map(|ask| ask.attempt);
        assert_eq!(attempt(given([requested()])), Some(ASKS_DEPOSIT));
        assert_eq!(attempt(given([requested(), cleared()])), Some(ASKS_BIKE));
    }

    #[test]
    fn a_no_of_either_ends_it_with_that_no() {
        for (past, no) in [
            (vec![requested()], in_arrears()),
            (vec![requested(), cleared()], bike::in_use()),
            (vec![requested(), cleared()], bike::broken()),
            (vec![requested(), cleared()], bike::unknown()),
        ] {
            let rent = given::<Rent>(past)
                .when(Settle(Err(NoAnswer::Refused(no.clone()))))
                .then([failed(&no.code)]);
            assert_eq!(rent.0.lifecycle(), Lifecycle::Ended(no));
            rent.awaits_nothing();
        }
    }

    #[test]
    fn without_an_answer_of_either_it_ends_and_may_be_tried_again() {
        for past in [vec![requested()], vec![requested(), cleared()]] {
            let rent = given::<Rent>(past)
                .when(Settle(Err(NoAnswer::Unavailable)))
                .then([failed("no-answer")]);
            assert_eq!(rent.0.lifecycle(), Lifecycle::Ended(Refusal::retry_later()));
            rent.when(Settle(Ok(()))).then_nothing().awaits_nothing();
        }
    }

    #[test]
    fn it_is_returned_once_and_a_repeat_changes_nothing() {
        let rent = riding().when(bring_back("분당_정자역_3구역")).then([returned()]);
        let rent = rent.when(bring_back("분당_정자역_3구역")).then_nothing();
        assert_eq!(rent.0.represent(RENT).status, Status::Returned);
        rent.when(bring_back("분당_정자역_1구역")).refused(Kind::Conflict, "already-returned");
    }

    #[test]
    fn a_bike_is_left_somewhere() {
        riding().when(bring_back("")).refused(Kind::Invalid, "location-blank");
    }

    #[test]
    fn what_is_not_ridden_cannot_be_returned() {
        let end = || bring_back("here");
        given::<Rent>([]).when(end()).refused(Kind::Absent, "not-found");
        given::<Rent>([requested()]).when(end()).refused(Kind::Conflict, "still-open");
        given::<Rent>([requested(), cleared()]).when(end()).refused(Kind::Conflict, "still-open");
        given::<Rent>([requested(), failed("no-answer")])
            .when(end())
            .refused(Kind::Absent, "not-found");
    }

    #[test]
    fn nobody_is_user_zero() {
        let nobody = Request(super::Request { userid: Id::new(0), bikeid: BIKE });
        given::<Rent>([]).when(nobody).refused(Kind::Invalid, "user-unknown");
    }
}
