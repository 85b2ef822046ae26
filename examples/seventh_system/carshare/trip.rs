//! Trip: a user drives a car. It asks the car once, by its plate; without a yes there never was a trip. A user drives one
//! car at a time, which is a claim. A trip that is not ended within a day is ended by the time.

use super::car::{self, Car};
use crate::domain::prelude::*;

/// A trip of one user in one car.
#[entity(context = "carshare.trip", reads = owner, collection = "trips", korean = "운행", order, index(user_id),
    owner = self.user_id,
    holds = (self.status == Status::Driving).then(|| Car::with_plate(&self.plate)),
    debit(receipts = self.status == Status::Over && self.refusal.is_none()))]
pub struct Trip {
    plate: String,
    user_id: u64,
    status: Status,
    until: Timestamp,
    #[ends]
    refusal: Option<Refusal>,
}

#[status]
pub enum Status {
    #[absent]
    New,
    #[open]
    Asking,
    Driving,
    Over,
}

#[command]
pub enum Command {
    Begin(NewTrip),
    End,
    Settle(Result<(), NoAnswer>),
}

#[event]
pub enum Event {
    Requested { trip_id: Id<Trip>, plate: String, user_id: u64, until: Timestamp },
    Begun { trip_id: Id<Trip>, user_id: u64 },
    Refused { trip_id: Id<Trip>, plate: String, refusal: Refusal },
    Ended { trip_id: Id<Trip>, plate: String, user_id: u64 },
}

impl Aggregate for Trip {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Begin", &[Car::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let trip_id = this.id;
        let Self { plate, user_id, .. } = self.clone();
        match (self.status, command) {
            (New, Begin(NewTrip { plate, user_id })) => {
                emit(Requested { trip_id, plate, user_id, until: this.at.plus_hours(24) })
            }
            (Asking, Settle(Ok(()))) => emit(Begun { trip_id, user_id }),
            (Asking, Settle(Err(no))) => emit(Refused { trip_id, plate, refusal: no.refusal() }),
            (Driving, End) => emit(Ended { trip_id, plate, user_id }),
            _ => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::Requested { plate, user_id, until, .. } => {
                *self = Self { plate, user_id, until, status: Status::Asking, refusal: None };
            }
            Event::Begun { .. } => self.status = Status::Driving,
            Event::Refused { refusal, .. } => {
                *self = Self { refusal: Some(refusal), status: Status::Over, ..self.clone() };
            }
            Event::Ended { .. } => self.status = Status::Over,
        }
    }

    fn awaits(&self, trip: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Asking).then(|| {
            ask(Car::with_plate(&self.plate), car::Command::Unlock { trip }, Command::Settle)
                .undone_by(car::Command::lock(trip))
        })
    }

    fn claims(&self) -> Vec<String> {
        let drives = matches!(self.status, Status::Asking | Status::Driving);
        drives.then(|| format!("user {}", self.user_id)).into_iter().collect()
    }

    fn claim_refusal(_: &str) -> Refusal {
        super::USER_DRIVING.into()
    }

    fn due(&self) -> Option<(Timestamp, Command)> {
        (self.status == Status::Driving).then_some((self.until, Command::End))
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
    #[subject]
    pub user_id: u64,
}
