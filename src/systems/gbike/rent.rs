//! Rent: a customer takes a bike and brings it back somewhere else.
//!
//! Two are asked, one after the other: the customer's deposit whether older rides are paid for, then the bike itself.
//! `Rented` follows the second yes. Without both there never was a rent, and on `RentFailed` the bike is released,
//! whether or not it had received the question. Returning waits for no other context.

mod state;
mod version_1;

pub use super::order::{Request, Return};
pub use state::Status;

use super::{
    bike::{self, Bike},
    order::{BikeId, RentId, UserId, left_elsewhere, refusal_of},
    user_deposit::{self, UserDeposit},
};
use crate::domain::prelude::*;

/// The first attempt of a rent to ask is that at the customer's deposit.
pub const ASKS_DEPOSIT: u32 = 1;
/// The second one is that at the bike. After a no of either the customer makes another rent.
pub const ASKS_BIKE: u32 = 2;

/// One ride of one customer on one bike.
#[entity(
    context = "gbike.rent", reads = owner, collection = "rents", korean = "대여", port = 8081, order,
    id(rentid: Id<Rent>), personal(userid, location, endlocation),
    index(status, userid, bikeid), owner = self.userid, old_versions(version_1::Rent),
    holds = (self.status == Status::Rented).then_some(self.bikeid)
)]
pub struct Rent {
    /// Who rides.
    userid: Id<UserDeposit>,
    /// On which bike.
    bikeid: Id<Bike>,
    status: Status,
    /// Since when.
    starttime: Option<Timestamp>,
    /// Until when.
    endtime: Option<Timestamp>,
    /// Where the bike was left.
    endlocation: Option<String>,
    /// Why it never came to be.
    #[ends(by = refusal_of)]
    reason: Option<String>,
}

#[command]
pub enum Command {
    Request(Request),
    /// The answer of the deposit or the bike, or that none came in time.
    Settle(Result<(), NoAnswer>),
    Return(Return),
}

#[event]
pub enum Event {
    /// It asks the deposit.
    RentRequested { rentid: RentId, userid: UserId, bikeid: BikeId },
    /// The customer owes nothing.
    RentCleared { rentid: RentId, userid: UserId, bikeid: BikeId },
    /// The bike is theirs.
    Rented { rentid: RentId, userid: UserId, bikeid: BikeId, starttime: Timestamp },
    /// It never came to be.
    RentFailed { rentid: RentId, userid: UserId, bikeid: BikeId, reason: String },
    /// The bike was left there.
    Returned {
        rentid: RentId,
        userid: UserId,
        bikeid: BikeId,
        endtime: Timestamp,
        endlocation: String,
    },
}

impl Aggregate for Rent {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[UserDeposit::NAME, Bike::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let rentid = this.id;
        let Self { userid, bikeid, .. } = *self;
        match (self.status, command) {
            (S::New, Request(wanted)) => emit(wanted.checked(rentid)?),
            (S::Requested, Settle(Ok(()))) => emit(RentCleared { rentid, userid, bikeid }),
            (S::Cleared, Settle(Ok(()))) => {
                emit(Rented { rentid, userid, bikeid, starttime: this.at })
            }
            (S::Requested | S::Cleared, Settle(Err(no))) => {
                emit(RentFailed { rentid, userid, bikeid, reason: no.code().into() })
            }
            (_, Request(_) | Settle(_)) => ignore(),

            (S::Rented, Return(self::Return { endlocation })) => {
                emit(Returned { rentid, userid, bikeid, endtime: this.at, endlocation })
            }
            (S::Returned, Return(end)) if end.repeats(&self.endlocation) => ignore(),
            (S::Returned, Return(_)) => Err(left_elsewhere()),
            (S::New | S::Requested | S::Cleared | S::Failed, Return(_)) => {
                Err(self.not_established())
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = Status::after(event);
        match event.clone() {
            Event::RentRequested { userid, bikeid, .. } => {
                self.userid = userid;
                self.bikeid = bikeid;
            }
            Event::RentCleared { .. } => {}
            Event::Rented { starttime, .. } => self.starttime = Some(starttime),
            Event::RentFailed { reason, .. } => self.reason = Some(reason),
            Event::Returned { endtime, endlocation, .. } => {
                self.endtime = Some(endtime);
                self.endlocation = Some(endlocation);
            }
        }
    }

    fn awaits(&self, rent: Id<Self>) -> Option<Ask<Self>> {
        use {bike::Command::Take, user_deposit::Command::Clear};
        match self.status {
            Status::Requested => {
                let clear = ask(self.userid, Clear { rent }, Command::Settle);
                Some(clear.undone_by(user_deposit::Command::release(rent)))
            }
            Status::Cleared => {
                let take = ask(self.bikeid, Take { rent }, Command::Settle);
                Some(take.undone_by(bike::Command::release(rent)))
            }
            _ => None,
        }
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch(Role::Customer, |end: Return| Command::Return(end));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::order::in_arrears, Command::*, Event::*, *};
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
        assert_eq!(rent.0.represent(RENT).status.as_ref(), "Requested");
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
    fn user_zero_is_refused() {
        let user_zero = Request(super::Request { userid: Id::new(0), bikeid: BIKE });
        given::<Rent>([]).when(user_zero).refused(Kind::Invalid, "user-unknown");
    }
}
