//! Trip: a user drives a car. It asks the car once, by its plate; without a yes there never was a trip.
//!
//! A user drives one car at a time, which is a claim. A trip that is not ended within a day is ended by the time.

use super::car::{self, Car};
use crate::domain::prelude::*;

/// A trip of one user in one car.
#[entity(
    context = "carshare.trip",
    collection = "trips",
    korean = "이용",
    order,
    index(status, user_id, plate)
)]
pub struct Trip {
    plate: String,
    user_id: u64,
    status: Status,
    since: Option<Timestamp>,
    #[ends]
    refusal: Option<Refusal>,
}

#[status]
pub enum Status {
    #[absent]
    New,
    #[open]
    Requested,
    Driving,
    Ended,
    Refused,
}

#[command]
pub enum Command {
    Begin(NewTrip),
    End,
    Settle(Result<(), NoAnswer>),
}

#[event]
pub enum Event {
    TripRequested { trip_id: Id<Trip>, plate: String, user_id: u64 },
    TripBegun { trip_id: Id<Trip>, user_id: u64, since: Timestamp },
    TripRefused { trip_id: Id<Trip>, plate: String, refusal: Refusal },
    TripEnded { trip_id: Id<Trip>, plate: String, user_id: u64 },
}

impl Aggregate for Trip {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Begin", &[Car::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let trip_id = this.id;
        let Self { plate, user_id, .. } = self.clone();
        match (self.status, command) {
            (S::New, Begin(NewTrip { plate, user_id })) => {
                emit(TripRequested { trip_id, plate, user_id })
            }
            (S::Requested, Settle(Ok(()))) => emit(TripBegun { trip_id, user_id, since: this.at }),
            (S::Requested, Settle(Err(no))) => {
                emit(TripRefused { trip_id, plate, refusal: no.refusal() })
            }
            (S::Driving, End) => emit(TripEnded { trip_id, plate, user_id }),
            _ => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = match event.clone() {
            Event::TripRequested { plate, user_id, .. } => {
                *self = Self { plate, user_id, ..Self::default() };
                Status::Requested
            }
            Event::TripBegun { since, .. } => {
                self.since = Some(since);
                Status::Driving
            }
            Event::TripRefused { refusal, .. } => {
                self.refusal = Some(refusal);
                Status::Refused
            }
            Event::TripEnded { .. } => Status::Ended,
        };
    }

    fn awaits(&self, trip: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested).then(|| {
            ask(Car::with_plate(&self.plate), car::Command::Unlock { trip }, Command::Settle)
                .undone_by(car::Command::lock(trip))
        })
    }

    fn claims(&self) -> Vec<String> {
        let is_on = matches!(self.status, Status::Requested | Status::Driving);
        if is_on { vec![format!("user {}", self.user_id)] } else { Vec::new() }
    }

    fn claim_refusal(_: &str) -> Refusal {
        Refusal::conflict("user-driving", "the user is on another trip", "이미 운행 중입니다")
    }

    fn due(&self) -> Option<(Timestamp, Command)> {
        let since = self.since.filter(|_| self.status == Status::Driving)?;
        Some((since.plus_hours(24), Command::End))
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |trip: NewTrip| (Target::New, Command::Begin(trip)));
        routes.patch_verb(Role::Customer, "end", || Command::End);
    }
}

/// `POST /trips`
#[body]
pub struct NewTrip {
    pub plate: String,
    pub user_id: u64,
}
