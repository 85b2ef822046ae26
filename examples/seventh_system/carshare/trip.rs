//! Trip: a user drives a car. It asks the car once; without a yes there never was a trip.
//!
//! A user drives one car at a time, which is a claim. A trip that is not ended within a day is ended by the time.

use super::car::{self, Car};
use crate::domain::prelude::*;

/// A trip asks for its car once.
pub const ONLY_ATTEMPT: u32 = 1;
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A trip of one user in one car.
#[entity(
    context = "carshare.trip", collection = "trips", order, index(status, user_id),
    lifecycle = self.progress()
)]
pub struct Trip {
    car_id: Id<Car>,
    user_id: u64,
    status: Status,
    since: Option<Timestamp>,
    #[hidden]
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
#[allow(clippy::enum_variant_names, reason = "the words of the board")]
pub enum Event {
    TripRequested { trip_id: Id<Trip>, car_id: Id<Car>, user_id: u64 },
    TripBegun { trip_id: Id<Trip>, car_id: Id<Car>, user_id: u64, since: Timestamp },
    TripRefused { trip_id: Id<Trip>, car_id: Id<Car>, refusal: Refusal },
    TripEnded { trip_id: Id<Trip>, car_id: Id<Car>, user_id: u64 },
}

impl Trip {
    /// A refused trip is none: the client who ordered it gets the refusal.
    fn progress(&self) -> Lifecycle {
        self.refusal.clone().map_or(self.status.lifecycle(), Lifecycle::Ended)
    }
}

impl Aggregate for Trip {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Begin", &[Car::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status as S};
        let trip_id = this.id;
        let car_id = self.car_id;
        let user_id = self.user_id;
        match (self.status, command) {
            (S::New, Begin(NewTrip { car_id, user_id })) => {
                emit(TripRequested { trip_id, car_id, user_id })
            }
            (S::Requested, Settle(Ok(()))) => {
                emit(TripBegun { trip_id, car_id, user_id, since: this.at })
            }
            (S::Requested, Settle(Err(no))) => {
                emit(TripRefused { trip_id, car_id, refusal: no.refusal() })
            }
            (S::Driving, End) => emit(TripEnded { trip_id, car_id, user_id }),
            _ => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = match event.clone() {
            Event::TripRequested { car_id, user_id, .. } => {
                *self = Self { car_id, user_id, ..Self::default() };
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
            ask(self.car_id, car::Command::Unlock { trip }, Command::Settle)
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
        Some((since.plus_micros(MICROS_PER_DAY), Command::End))
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |trip: NewTrip| (Target::New, Command::Begin(trip)));
        routes.patch(Role::Customer, |Change { status: Wanted::Ended }| Command::End);
    }
}

/// `POST /trips`
#[body]
pub struct NewTrip {
    pub car_id: Id<Car>,
    pub user_id: u64,
}

/// `PATCH /trips/{id}`
#[body]
pub enum Wanted {
    Ended,
}
