//! Car: one trip at a time may have it. Its plate is a natural key: a second car with the same plate is refused with
//! `plate-taken`, `GET /cars?plate=12가3456` finds the one, and trips ask for a car by its plate.

use super::trip::{self, Trip};
use crate::domain::prelude::*;

/// A car, and the trip that it is on.
#[entity(context = "carshare.car", collection = "cars", korean = "차량", unique(plate))]
pub struct Car {
    #[exists]
    plate: String,
    trip_id: Option<Id<Trip>>,
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
}

#[event]
pub enum Event {
    Registered { plate: String },
    Unlocked { trip_id: Id<Trip> },
    Locked { trip_id: Id<Trip> },
}

impl Aggregate for Car {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, _: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        match (self.trip_id, command) {
            (_, Register(new)) if self.plate.is_empty() => emit(Registered { plate: new.plate }),
            (None, Unlock { trip }) => emit(Unlocked { trip_id: trip }),
            (Some(on), Unlock { trip }) if on != trip => {
                Err(Refusal::conflict("car-taken", "the car is on a trip", "운행 중인 차량입니다"))
            }
            (Some(on), Lock { trip }) if on == trip => emit(Locked { trip_id: trip }),
            _ => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered { plate } => self.plate.clone_from(plate),
            Event::Unlocked { trip_id } => self.trip_id = Some(*trip_id),
            Event::Locked { .. } => self.trip_id = None,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on_key::<Trip>(|event| match event {
            trip::Event::TripRefused { trip_id: trip, plate, .. }
            | trip::Event::TripEnded { trip_id: trip, plate, .. } => {
                Some((Car::with_plate(plate), Command::Lock { trip: *trip }))
            }
            _ => None,
        });
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Admin, |car: NewCar| (Target::New, Command::Register(car)));
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
    fn only_its_own_trip_locks_it() {
        let car = given::<Car>(unlocked()).when(Lock { trip: OTHER }).then_nothing();
        let _ = car.when(Lock { trip: TRIP }).then([Locked { trip_id: TRIP }]);
    }
}
