//! A seventh business in one file: car share. Nothing in the crate knows of it; routes, storage, events, documents,
//! metrics and administration come with the notes on its board.
//!
//! ```text
//! Admin    ─▶ Register ─▶ car  ──▶ Registered
//! Customer ─▶ Begin    ─▶ trip ──▶ TripRequested ══ car: Unlock ══▶ TripBegun
//!                                      └─ refused, or no answer ─▶ TripRefused ┄▶ car: Lock
//! Customer ─▶ End      ─▶ trip ──▶ TripEnded ┄▶ car: Lock ─▶ Locked
//! ```
//!
//! `cargo run --example seventh_system`, and then
//!
//! ```text
//! http POST :8099/cars plate=12가3456
//! http POST :8099/trips carId=1 userId=7
//! http PATCH :8099/trips/1 status=Ended
//! http :8099/usages/1
//! ```
#![allow(missing_docs, reason = "an example is read, not linked to")]

use holdfast::{
    actors::{LocalNode, Node, NodeSettings},
    domain::*,
    http::{self, HttpSettings},
    store::{Options, SledStore},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};
use strum::AsRefStr;

const fn name(context: &'static str, collection: &'static str, item: &'static str) -> Name {
    Name { system: "carshare", context, collection, item }
}

/// A car, and the trip that it is on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Car {
    plate: String,
    trip_id: Option<Id<Trip>>,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "CarCommand")]
enum CarCommand {
    Register { plate: String },
    Unlock { trip: Id<Trip> },
    Lock { trip: Id<Trip> },
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[schemars(rename = "CarEvent")]
enum CarEvent {
    Registered { plate: String },
    Unlocked { trip_id: Id<Trip> },
    Locked { trip_id: Id<Trip> },
}

impl Entity for Car {
    const NAME: Name = name("carshare.car", "cars", "car");
    type Representation = Self;
    fn represent(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.plate.is_empty() { Lifecycle::Absent } else { Lifecycle::Established }
    }
}
impl Aggregate for Car {
    type Command = CarCommand;
    type Event = CarEvent;
    type Settings = ();

    fn decide(&self, command: CarCommand, _: &DecisionContext<'_, Self>) -> Decision<CarEvent> {
        use {CarCommand::*, CarEvent::*};
        match (self.trip_id, command) {
            (_, Register { plate }) if self.plate.is_empty() => emit(Registered { plate }),
            (_, Register { .. }) => ignore(),
            (_, Unlock { .. }) if self.plate.is_empty() => {
                Err(Refusal::conflict("car-unknown", "there is no such car", "없는 차량입니다"))
            }
            (None, Unlock { trip }) => emit(Unlocked { trip_id: trip }),
            (Some(on), Unlock { trip }) if on == trip => ignore(),
            (Some(_), Unlock { .. }) => {
                Err(Refusal::conflict("car-taken", "the car is on a trip", "운행 중인 차량입니다"))
            }
            (Some(on), Lock { trip }) if on == trip => emit(Locked { trip_id: trip }),
            (_, Lock { .. }) => ignore(),
        }
    }
    fn evolve(&mut self, event: &CarEvent) {
        match event {
            CarEvent::Registered { plate } => self.plate.clone_from(plate),
            CarEvent::Unlocked { trip_id } => self.trip_id = Some(*trip_id),
            CarEvent::Locked { .. } => self.trip_id = None,
        }
    }
    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Trip>(|event| match event {
            TripEvent::TripRefused { trip_id, car_id, .. }
            | TripEvent::TripEnded { trip_id, car_id } => {
                Some((*car_id, CarCommand::Lock { trip: *trip_id }))
            }
            _ => None,
        });
    }
    fn compensates(command: &CarCommand) -> Option<AskId> {
        match command {
            CarCommand::Lock { trip } => Some(AskId::of(*trip, 1)),
            _ => None,
        }
    }
    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Admin, |car: NewCar| {
            (Target::New, CarCommand::Register { plate: car.plate })
        });
    }
}
/// `POST /cars`
#[derive(Debug, Deserialize, JsonSchema)]
struct NewCar {
    plate: String,
}

/// A trip of one user in one car.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Trip {
    car_id: Id<Car>,
    user_id: u64,
    status: Status,
    refusal: Option<Refusal>,
}
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[schemars(rename = "TripStatus")]
enum Status {
    #[default]
    New,
    Requested,
    Driving,
    Ended,
    Refused,
}
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Trip")]
struct ShownTrip {
    car_id: Id<Car>,
    user_id: u64,
    status: Status,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "TripCommand")]
enum TripCommand {
    Begin(NewTrip),
    End,
    Settle(Result<(), NoAnswer>),
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[schemars(rename = "TripEvent")]
#[allow(clippy::enum_variant_names, reason = "the words of the wall")]
enum TripEvent {
    TripRequested { trip_id: Id<Trip>, car_id: Id<Car>, user_id: u64 },
    TripBegun { trip_id: Id<Trip>, car_id: Id<Car>, user_id: u64 },
    TripRefused { trip_id: Id<Trip>, car_id: Id<Car>, refusal: Refusal },
    TripEnded { trip_id: Id<Trip>, car_id: Id<Car> },
}

impl Entity for Trip {
    const NAME: Name = name("carshare.trip", "trips", "trip");
    const IS_ORDER: bool = true;
    type Representation = ShownTrip;
    fn represent(&self, _: Id<Self>) -> ShownTrip {
        ShownTrip { car_id: self.car_id, user_id: self.user_id, status: self.status }
    }
    fn lifecycle(&self) -> Lifecycle {
        match (self.status, &self.refusal) {
            (Status::New, _) => Lifecycle::Absent,
            (Status::Requested, _) => Lifecycle::Open,
            (_, Some(refusal)) => Lifecycle::Ended(refusal.clone()),
            _ => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into()), ("userId", self.user_id.into())]
    }
}
impl Aggregate for Trip {
    type Command = TripCommand;
    type Event = TripEvent;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Begin", &[Car::NAME])];

    fn decide(
        &self,
        command: TripCommand,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<TripEvent> {
        use {Status::*, TripCommand::*, TripEvent::*};
        let (trip_id, car_id, user_id) = (this.id, self.car_id, self.user_id);
        match (self.status, command) {
            (New, Begin(trip)) => {
                emit(TripRequested { trip_id, car_id: trip.car_id, user_id: trip.user_id })
            }
            (Requested, Settle(Ok(()))) => emit(TripBegun { trip_id, car_id, user_id }),
            (Requested, Settle(Err(NoAnswer::Refused(refusal)))) => {
                emit(TripRefused { trip_id, car_id, refusal })
            }
            (Requested, Settle(Err(NoAnswer::Unavailable))) => {
                emit(TripRefused { trip_id, car_id, refusal: Refusal::retry_later() })
            }
            (Driving, End) => emit(TripEnded { trip_id, car_id }),
            _ => ignore(),
        }
    }
    fn evolve(&mut self, event: &TripEvent) {
        match event.clone() {
            TripEvent::TripRequested { car_id, user_id, .. } => {
                *self = Self { car_id, user_id, status: Status::Requested, refusal: None };
            }
            TripEvent::TripBegun { .. } => self.status = Status::Driving,
            TripEvent::TripRefused { refusal, .. } => {
                (self.status, self.refusal) = (Status::Refused, Some(refusal));
            }
            TripEvent::TripEnded { .. } => self.status = Status::Ended,
        }
    }
    fn awaits(&self, trip: Id<Self>) -> Option<Ask<Self>> {
        (self.status == Status::Requested)
            .then(|| ask(self.car_id, CarCommand::Unlock { trip }, 1, TripCommand::Settle))
    }
    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |trip: NewTrip| (Target::New, TripCommand::Begin(trip)));
        doors.patch(Role::Customer, |change: TripChange| match change.status {
            Wanted::Ended => TripCommand::End,
        });
    }
}
/// `POST /trips`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewTrip {
    car_id: Id<Car>,
    user_id: u64,
}
/// `PATCH /trips/{id}`
#[derive(Debug, Deserialize, JsonSchema)]
struct TripChange {
    status: Wanted,
}
#[derive(Debug, Deserialize, JsonSchema)]
enum Wanted {
    Ended,
}

/// A view: how often each car has been out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Usage {
    trips: u64,
}
impl Entity for Usage {
    const NAME: Name = name("carshare.usage", "usages", "usage");
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    type Representation = Self;
    fn represent(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::Established
    }
}
impl View for Usage {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Trip>(
            |event| match event {
                TripEvent::TripBegun { car_id, .. } => Some(car_id.get()),
                _ => None,
            },
            |row, _| row.trips += 1,
        );
    }
}

/// The wall with its notes.
fn lay_out(board: &mut impl Board) {
    board.aggregate::<Car>();
    board.aggregate::<Trip>();
    board.view::<Usage>();
}

/// Runs it: `seventh_system [ADDRESS [DIRECTORY]]`.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().unwrap_or_else(|| "127.0.0.1:8099".into()))?;
    let directory = arguments
        .next()
        .map_or_else(|| std::env::temp_dir().join("holdfast-carshare"), PathBuf::from);
    let address = listener.local_addr()?;
    actix_rt::System::new().block_on(async {
        let store = Arc::new(SledStore::open(directory, &Options::default())?);
        let node = Arc::new(LocalNode::start(store.clone(), NodeSettings::default(), |board| {
            lay_out(board)
        })?);
        while !node.ready() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("listening on http://{address}");
        let settings = HttpSettings { bare: true, development: true, ..HttpSettings::default() };
        let ended = async { drop(tokio::signal::ctrl_c().await) };
        http::serve(settings, node, listener, ended).await?;
        store.close();
        Ok(())
    })
}
