//! Bike: it stands somewhere, and one rent at a time may take it from there.

mod catalogue;

pub use catalogue::{Condition, Correction, Register};
pub(super) use catalogue::{broken, in_use, unknown};

use super::rent::{self, Rent};
use crate::domain::prelude::*;

/// One bike: where it stands, or stood when it was taken, and by which rent.
#[entity(
    context = "gbike.bike", reads = public, collection = "bikes", korean = "자전거", port = 8082,
    id(bikeid: Id<Bike>), index(status), held_by = self.taken_by
)]
pub struct Bike {
    #[exists]
    #[hidden]
    registered: bool,
    /// Whether it may be taken.
    #[correctable]
    status: Status,
    /// Where it stands, or stood when it was taken.
    #[correctable]
    location: String,
    #[hidden]
    taken_by: Option<Id<Rent>>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

/// Whether a bike may be taken.
#[status]
pub enum Status {
    /// It may be taken.
    #[name = "사용가능"]
    Available,
    /// A customer rides it.
    #[name = "사용중"]
    InUse,
    /// It is broken.
    #[name = "불량"]
    Broken,
}

#[command]
pub enum Command {
    /// A new bike.
    Register { status: Option<Status>, location: String },
    /// May this rent have the bike? A yes has taken it.
    Take { rent: Id<Rent> },
    /// The rent gave up asking for it.
    #[undo(of = rent, attempt = rent::ASKS_BIKE)]
    Release { rent: Id<Rent> },
    /// The ride is over.
    PutBack { rent: Id<Rent>, location: String },
    #[catalogue]
    Maintain(Maintenance<Correction>),
}

#[event]
pub enum Event {
    /// It may be taken from now on, or when it is mended.
    RegisteredBike { bikeid: Id<Bike>, status: Status, location: String },
    /// A rent took it, or brought it back.
    UpdatedBike { bikeid: Id<Bike>, status: Status, location: String, rentid: Id<Rent> },
    /// The rent that took it never came to be.
    BikeFreed { bikeid: Id<Bike>, status: Status, location: String, rentid: Id<Rent> },
    #[corrected]
    BikeCorrected(CorrectedBike),
    #[withdrawn]
    BikeWithdrawn { bikeid: Id<Bike> },
    #[restored]
    BikeRestored { bikeid: Id<Bike> },
}

impl Aggregate for Bike {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let bikeid = this.id;
        let here = || self.location.clone();
        match (self.registered, self.status, command) {
            (false, _, Register { status, location }) => {
                emit(RegisteredBike { bikeid, status: status.unwrap_or_default(), location })
            }
            (true, _, Register { .. }) => Err(Refusal::conflict(
                "bike-registered",
                "the bike is registered already",
                "이미 등록된 자전거입니다",
            )),
            (true, _, Take { rent }) if self.taken_by == Some(rent) => ignore(),
            (is_registered, _, Take { .. }) if !is_registered || self.withdrawn => Err(unknown()),
            (_, Available, Take { rent }) => {
                emit(UpdatedBike { bikeid, status: InUse, location: here(), rentid: rent })
            }
            (_, InUse, Take { .. }) => Err(in_use()),
            (_, Broken, Take { .. }) => Err(broken()),
            (_, _, Release { rent }) if self.taken_by == Some(rent) => {
                emit(BikeFreed { bikeid, status: Available, location: here(), rentid: rent })
            }
            (_, _, PutBack { rent, location }) if self.taken_by == Some(rent) => {
                emit(UpdatedBike { bikeid, status: Available, location, rentid: rent })
            }
            (_, _, Release { .. } | PutBack { .. }) => ignore(),
            (_, _, Maintain(asked)) => self.maintain(asked, this),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::RegisteredBike { status, location, .. } => {
                *self = Bike { registered: true, status, location, ..Bike::default() };
            }
            Event::UpdatedBike { status, location, rentid, .. }
            | Event::BikeFreed { status, location, rentid, .. } => {
                self.status = status;
                self.location = location;
                self.taken_by = (status == Status::InUse).then_some(rentid);
            }
            Event::BikeCorrected(corrected) => self.take_over(corrected),
            Event::BikeWithdrawn { .. } => self.withdrawn = true,
            Event::BikeRestored { .. } => self.withdrawn = false,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::*, rent::Event::*};
        policies.on::<Rent>(|event| match event.clone() {
            RentFailed { rentid: rent, bikeid, .. } => Some((bikeid, Release { rent })),
            Returned { rentid: rent, bikeid, endlocation: location, .. } => {
                Some((bikeid, PutBack { rent, location }))
            }
            _ => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |Register { bikeid, status, location }: Register| {
            (Target::Chosen(bikeid), Command::Register { status, location })
        });
        routes.catalogue();
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, Status::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the bike under test is 1; those of its rents are others.
    const BIKE: Id<Bike> = Id::new(1);
    const RENT: Id<Rent> = Id::new(7);
    const OTHER: Id<Rent> = Id::new(8);

    fn register(status: Option<Status>) -> Command {
        Command::Register { status, location: "분당_정자역_1구역".into() }
    }
    fn registered(status: Status) -> Event {
        RegisteredBike { bikeid: BIKE, status, location: "분당_정자역_1구역".into() }
    }
    fn updated(status: Status, location: &str) -> Event {
        UpdatedBike { bikeid: BIKE, status, location: location.into(), rentid: RENT }
    }
    fn taken() -> Given<Bike> {
        given([registered(Available), updated(InUse, "분당_정자역_1구역")])
    }
    fn put_back(rent: Id<Rent>) -> Command {
        PutBack { rent, location: "분당_정자역_3구역".into() }
    }

    #[test]
    fn it_is_registered_once_and_may_be_taken_if_nothing_else_is_said() {
        let bike = given::<Bike>([]).when(register(None)).then([registered(Available)]);
        bike.when(register(Some(Broken))).refused(Kind::Conflict, "bike-registered");
    }

    #[test]
    fn one_rent_takes_it_and_the_next_is_refused_as_in_use() {
        let bike = given::<Bike>([registered(Available)]).when(Take { rent: RENT });
        let bike = bike
            .then([updated(InUse, "분당_정자역_1구역")])
            .when(Take { rent: RENT })
            .then_nothing();
        bike.when(Take { rent: OTHER }).refused(Kind::Conflict, "bike-in-use");
    }

    #[test]
    fn what_is_in_use_broken_or_unknown_is_not_taken() {
        given::<Bike>([registered(InUse)])
            .when(Take { rent: RENT })
            .refused(Kind::Conflict, "bike-in-use");
        given::<Bike>([registered(Broken)])
            .when(Take { rent: RENT })
            .refused(Kind::Conflict, "bike-broken");
        given::<Bike>([]).when(Take { rent: RENT }).refused(Kind::Conflict, "bike-unknown");
    }

    #[test]
    fn the_rent_that_took_it_puts_it_back_somewhere_else_and_only_once() {
        let bike = taken().when(put_back(OTHER)).then_nothing().when(put_back(RENT));
        let bike = bike
            .then([updated(Available, "분당_정자역_3구역")])
            .when(put_back(RENT))
            .then_nothing();
        assert_eq!(bike.0.location, "분당_정자역_3구역");
        assert_eq!(bike.0.taken_by, None);
    }

    #[test]
    fn a_failed_rent_leaves_it_where_it_is() {
        let bike =
            taken().when(Release { rent: OTHER }).then_nothing().when(Release { rent: RENT });
        let freed = BikeFreed {
            bikeid: BIKE,
            status: Available,
            location: "분당_정자역_1구역".into(),
            rentid: RENT,
        };
        let _ = bike
            .then([freed])
            .when(Release { rent: RENT })
            .then_nothing()
            .when(put_back(RENT))
            .then_nothing();
        assert_eq!(Release { rent: RENT }.compensates(), Some(AskId::of(RENT, rent::ASKS_BIKE)));
        assert_eq!(put_back(RENT).compensates(), None);
    }

    fn correct(status: Option<Condition>, location: Option<&str>) -> Command {
        let location = location.map(Into::into);
        Maintain(Maintenance::Correct(Correction { status, location }))
    }

    #[test]
    fn staff_says_that_it_is_broken_or_mended_and_where_it_stands_while_no_rent_has_it() {
        let broken =
            BikeCorrected(CorrectedBike { bikeid: BIKE, status: Some(Broken), location: None });
        let bike = given::<Bike>([registered(Available)])
            .when(correct(Some(Condition::Broken), None))
            .then([broken]);
        bike.when(Take { rent: RENT }).refused(Kind::Conflict, "bike-broken");
        let location = Some("분당_정자역_2구역".into());
        let moved =
            BikeCorrected(CorrectedBike { bikeid: BIKE, status: Some(Available), location });
        let mended = correct(Some(Condition::Available), Some("분당_정자역_2구역"));
        let bike = given::<Bike>([registered(InUse)]).when(mended.clone()).then([moved]);
        let _ = bike
            .when(mended)
            .then_nothing()
            .when(Take { rent: RENT })
            .then([updated(InUse, "분당_정자역_2구역")]);
        taken().when(correct(None, Some("분당"))).refused(Kind::Conflict, "held");
    }

    #[test]
    fn a_withdrawn_bike_is_unknown_to_rents_and_the_one_that_has_it_brings_it_back() {
        let bike = taken()
            .when(Maintain(Maintenance::Withdraw))
            .then([BikeWithdrawn { bikeid: BIKE }])
            .when(Take { rent: RENT })
            .then_nothing()
            .when(put_back(RENT))
            .then([updated(Available, "분당_정자역_3구역")]);
        assert_eq!(bike.0.lifecycle(), Lifecycle::Withdrawn);
        let state = bike.0.clone();
        bike.when(Take { rent: OTHER }).refused(Kind::Conflict, "bike-unknown");
        Given(state.clone()).when(register(None)).refused(Kind::Conflict, "bike-registered");
        let bike =
            Given(state).when(Maintain(Maintenance::Restore)).then([BikeRestored { bikeid: BIKE }]);
        assert_eq!(bike.0.lifecycle(), Lifecycle::Established);
    }

    #[test]
    fn a_policy_finds_nothing_to_do_where_there_is_no_bike() {
        let bike = given::<Bike>([])
            .when(Release { rent: RENT })
            .then_nothing()
            .when(put_back(RENT))
            .then_nothing();
        assert_eq!(bike.0.lifecycle(), Lifecycle::Absent);
    }
}
