//! Car: one trip at a time may have it. Its plate is a natural key: a second car with the same plate is refused with
//! `plate-taken`, `GET /cars?plate=12가3456` finds the one, and trips ask for a car by its plate.

use super::trip::{Event as TripEvent, Trip};
use crate::domain::prelude::*;

/// A car, and the trip that it is on.
#[entity(context = "carshare.car", reads = public, collection = "cars", korean = "차량", unique(plate), catalogue,
    held_by = self.trip_id)]
pub struct Car {
    #[exists]
    #[correctable(unless = self.trip_id.is_some())]
    plate: String,
    trip_id: Option<Id<Trip>>,
    #[withdrawn]
    withdrawn: bool,
}

#[command]
pub enum Command {
    /// A new car.
    Register(NewCar),
    /// May this trip have the car? A yes has unlocked it.
    Unlock { trip: Id<Trip> },
    /// The trip is over, or gave up asking. The mark says whose question this takes back: its first and only one.
    #[undo(of = trip, attempt = 1)]
    Lock { trip: Id<Trip> },
    #[catalogue]
    Maintain(Maintenance<CorrectCar>),
}

#[event]
pub enum Event {
    /// Trips may have it.
    Registered { plate: String },
    /// A trip has it.
    Unlocked { trip_id: Id<Trip> },
    /// No trip has it any more.
    Locked { trip_id: Id<Trip> },
    #[corrected]
    CarCorrected(CorrectedCar),
    #[withdrawn]
    CarWithdrawn { car_id: Id<Car> },
    #[restored]
    CarRestored { car_id: Id<Car> },
}

impl Aggregate for Car {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        match (self.trip_id, command) {
            (_, Register(NewCar { plate })) => emit(Registered { plate }),
            (_, Maintain(asked)) => self.maintain(asked, this),
            (Some(on), Unlock { trip }) if on == trip => ignore(),
            (_, Unlock { .. }) if !self.is_offered() => Err(Refusal::unknown(Self::NAME)),
            (None, Unlock { trip }) => emit(Unlocked { trip_id: trip }),
            (Some(_), Unlock { .. }) => Err(super::CAR_TAKEN.into()),
            (Some(on), Lock { trip }) if on == trip => emit(Locked { trip_id: trip }),
            (_, Lock { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Registered { plate } => self.plate = plate,
            Event::Unlocked { trip_id } => self.trip_id = Some(trip_id),
            Event::Locked { .. } => self.trip_id = None,
            Event::CarCorrected(corrected) => self.take_over(corrected),
            Event::CarWithdrawn { .. } => self.withdrawn = true,
            Event::CarRestored { .. } => self.withdrawn = false,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on_key::<Trip>(|event| match event {
            TripEvent::Refused { trip_id, plate, .. } | TripEvent::Ended { trip_id, plate, .. } => {
                Some((Car::with_plate(plate), Command::Lock { trip: *trip_id }))
            }
            TripEvent::Requested { .. } | TripEvent::Begun { .. } => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |car: NewCar| (Target::New, Command::Register(car)));
        routes.catalogue();
    }
}

/// `POST /cars`
#[body]
pub struct NewCar {
    pub plate: String,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const TRIP: Id<Trip> = Id::new(1);
    const OTHER: Id<Trip> = Id::new(2);

    fn unlocked() -> [Event; 2] {
        [Registered { plate: "12가3456".into() }, Unlocked { trip_id: TRIP }]
    }

    #[test]
    fn a_car_on_a_trip_is_not_unlocked_for_another() {
        given::<Car>(unlocked()).when(Unlock { trip: OTHER }).refused(Kind::Conflict, "car-taken");
    }

    #[test]
    fn a_repeated_question_is_answered_as_the_first_one_was() {
        let _ = given::<Car>(unlocked()).when(Unlock { trip: TRIP }).then_nothing();
    }

    #[test]
    fn a_withdrawn_car_is_unknown_to_trips_but_the_one_that_is_on_it() {
        let withdrawn = given::<Car>(unlocked()).when(Maintain(Maintenance::Withdraw));
        let withdrawn = withdrawn.then([CarWithdrawn { car_id: Id::new(1) }]);
        let withdrawn = withdrawn.when(Unlock { trip: TRIP }).then_nothing();
        withdrawn.when(Unlock { trip: OTHER }).refused(Kind::Conflict, "car-unknown");
    }

    #[test]
    fn only_its_own_trip_locks_it() {
        let car = given::<Car>(unlocked()).when(Lock { trip: OTHER }).then_nothing();
        let _ = car.when(Lock { trip: TRIP }).then([Locked { trip_id: TRIP }]);
    }
}
