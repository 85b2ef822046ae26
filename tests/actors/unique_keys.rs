//! Asks that find their number by a unique key: the trips of the example, which ask for a car by its plate.

use super::{
    bench::{Bench, ensure, hasty},
    carshare::{self, car, trip::Trip},
    step_failures::{Saga, fail_every_step},
};
use holdfast::{
    actors::{CommandRequest, Fault, Injected, NodeBuilder, NodeSettings, PeerQuestion},
    domain::{Aggregate, AskId, Entity, Id, NoAnswer, Timestamp},
    store::MemoryStore,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

const PLATE: &str = "12가3456";
const OTHER: &str = "34나5678";

fn car_share(board: &mut NodeBuilder<'_>) {
    carshare::lay_out(board);
}

fn register(plate: &str) -> CommandRequest {
    CommandRequest { body: json!({ "plate": plate }), ..CommandRequest::default() }
}

fn begin(plate: &str, user: u64) -> CommandRequest {
    let body = json!({ "plate": plate, "userId": user });
    CommandRequest { body, ..CommandRequest::default() }
}

fn end(trip: u64) -> CommandRequest {
    CommandRequest { route: 1, number: Some(trip), ..CommandRequest::default() }
}

/// The `attempt`-th ask of a trip for the car with a plate, as another node puts it.
fn question(trip: u64, attempt: u32, plate: &str) -> PeerQuestion {
    let context = Trip::NAME.context;
    PeerQuestion {
        id: AskId { context: context.into(), number: trip, attempt },
        after: None,
        saga: serde_json::from_value(json!({ "context": context, "number": trip })).unwrap(),
        client: None,
        trace: None,
        owner: None,
        number: 0,
        key: Some(format!("plate={plate}")),
        command: json!({ "Unlock": { "trip": trip } }),
        past: None,
        heard: None,
    }
}

async fn bench() -> Bench {
    Bench::of(MemoryStore::new(), NodeSettings::default(), car_share).ready().await
}

/// The code of the refusal that an ask gets, or nothing where the answer is yes.
async fn answer(bench: &Bench, question: PeerQuestion) -> Option<String> {
    let answer = bench.context("carshare.car").answer_peer(question).await.expect("an answer");
    answer.err().map(|refusal| refusal.code.into_owned())
}

#[actix_rt::test]
async fn an_ask_reaches_the_thing_that_has_the_key() {
    let bench = bench().await;
    for plate in [OTHER, PLATE] {
        bench.order("carshare.car", register(plate)).await.expect("registered");
    }
    bench.order("carshare.trip", begin(PLATE, 7)).await.expect("begun");
    assert_eq!(bench.see("carshare.car", 2).unwrap()["tripId"], 1);
    assert_eq!(bench.see("carshare.car", 1).unwrap()["tripId"], Value::Null);
    bench.order("carshare.trip", end(1)).await.expect("ended");
    let is_locked = |bench: &Bench| {
        let car = bench.see("carshare.car", 2).unwrap();
        ensure(car["tripId"].is_null(), format!("the car is {car}"))
    };
    bench.becomes_consistent(is_locked).await;
}

#[actix_rt::test]
async fn an_ask_for_a_key_that_nothing_has_is_refused_and_stays_refused() {
    let bench = bench().await;
    match bench.order("carshare.trip", begin(PLATE, 7)).await {
        Err(Fault::Refused(refusal)) => {
            assert_eq!(refusal.code, "car-unknown");
            assert_eq!(refusal.en, format!("there is no car with plate={PLATE}"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(answer(&bench, question(9, 1, PLATE)).await.as_deref(), Some("car-unknown"));
    bench.order("carshare.car", register(PLATE)).await.expect("registered");
    // The same ask gets the same answer, another one finds the car now; also after a crash.
    for _ in 0..2 {
        assert_eq!(answer(&bench, question(9, 1, PLATE)).await.as_deref(), Some("car-unknown"));
    }
    let bench = bench.crashed(NodeSettings::default(), car_share).await;
    assert_eq!(answer(&bench, question(9, 1, PLATE)).await.as_deref(), Some("car-unknown"));
    assert_eq!(answer(&bench, question(9, 2, PLATE)).await, None);
    assert_eq!(bench.see("carshare.car", 1).unwrap()["tripId"], 9);
}

#[actix_rt::test]
async fn the_same_ask_for_another_key_is_noticed() {
    let bench = bench().await;
    for plate in [OTHER, PLATE] {
        bench.order("carshare.car", register(plate)).await.expect("registered");
    }
    assert_eq!(answer(&bench, question(9, 1, PLATE)).await, None);
    assert_eq!(answer(&bench, question(9, 1, OTHER)).await.as_deref(), Some("asked-otherwise"));
    assert_eq!(answer(&bench, question(9, 1, PLATE)).await, None);
}

#[actix_rt::test]
async fn an_undo_that_finds_nothing_under_the_key_still_refuses_the_late_ask() {
    let settings = || NodeSettings {
        system_guards: BTreeMap::from([("carshare".to_owned(), hasty(100))]),
        ..NodeSettings::default()
    };
    let bench = Bench::of(MemoryStore::new(), settings(), car_share).ready().await;
    // The car's answer is lost, so the trip gives up, and its undo comes where there is no car yet.
    let lost = Injected { delay_ms: (0, 0), failure_rate: 1.0 };
    bench.context("carshare.car").set_fault(Some(lost));
    let given_up = bench.order("carshare.trip", begin(PLATE, 7)).await;
    assert!(matches!(given_up, Err(Fault::Refused(_) | Fault::Busy { .. })), "{given_up:?}");
    bench.context("carshare.car").set_fault(None);
    bench.becomes_consistent(|_| Ok(())).await;
    bench.order("carshare.car", register(PLATE)).await.expect("registered");
    assert_eq!(answer(&bench, question(1, 1, PLATE)).await.as_deref(), Some("withdrawn"));
    assert_eq!(bench.see("carshare.car", 1).unwrap()["tripId"], Value::Null);
}

/// Each car is on the trip that drives it, and on no other.
fn is_consistent(bench: &Bench) -> Result<(), String> {
    let trips = bench.all("carshare.trip");
    for (number, car) in bench.all("carshare.car") {
        let driving = trips
            .iter()
            .filter(|(_, trip)| trip["plate"] == car["plate"] && trip["status"] == "Driving");
        let driving: Vec<u64> = driving.map(|(number, _)| *number).collect();
        let on: Vec<u64> = car["tripId"].as_u64().into_iter().collect();
        ensure(on == driving, format!("car {number} is {car}, driven on {driving:?}"))?;
    }
    let ended = trips.iter().filter(|(_, trip)| trip["status"] == "Over").count() as u64;
    let receipts = bench.total("carshare.receipt", &[]);
    ensure(receipts == ended, format!("{ended} trips have ended, {receipts} receipts are written"))
}

#[actix_rt::test]
async fn after_any_failing_step_of_the_car_share_the_data_is_consistent() {
    let orders = vec![
        ("carshare.trip", begin(PLATE, 7)),
        ("carshare.car", register(PLATE)),
        ("carshare.trip", begin(PLATE, 7)),
        ("carshare.trip", begin(PLATE, 8)),
        ("carshare.trip", end(2)),
        ("carshare.trip", begin(PLATE, 8)),
    ];
    let lay_out = Arc::new(car_share);
    fail_every_step(Saga { lay_out, orders, right: is_consistent }).await;
}

#[test]
fn a_question_shows_the_key_that_it_goes_to() {
    let ask = Trip::awaits(
        &{
            let mut trip = Trip::default();
            let user_id = 7;
            let trip_id = Id::new(1);
            let plate = PLATE.to_owned();
            let until = Timestamp::default();
            trip.evolve(&carshare::trip::Event::Requested { trip_id, plate, user_id, until });
            trip
        },
        Id::new(1),
    );
    let ask = ask.expect("it waits");
    assert_eq!(
        format!("{ask:?}"),
        format!("carshare.car-[plate={PLATE}] <- Unlock {{ trip: #1 }}")
    );
    let settled = (ask.then)(Err(NoAnswer::Unavailable));
    assert!(matches!(settled, carshare::trip::Command::Settle(Err(_))));
    let same = car::Car::with_plate(PLATE).into_addressee();
    assert_eq!(ask.to, same);
}
