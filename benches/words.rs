//! What the words and records cost by themselves: a turn of BookRent's decisions, a record written and read.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use holdfast::{
    domain::{Aggregate, DecisionContext, Id, Timestamp},
    store::{codec, keys::Space},
    systems::bookrent::rent::{self, Rent},
};
use std::hint::black_box;

fn request() -> rent::Command {
    let book_id = Id::new(31);
    let user_id = 7;
    rent::Command::Request(rent::Request {
        book_id, user_id, address: "서울시 종로구 1".into()
    })
}

/// Decides `command` and lets what follows happen.
fn turn(rent: &mut Rent, command: rent::Command) {
    let moment = DecisionContext { id: Id::new(1), at: Timestamp::default(), settings: &() };
    for event in rent.decide(command, &moment).unwrap_or_default() {
        rent.evolve(&event);
    }
}

fn rented() -> Rent {
    let mut rent = Rent::default();
    turn(&mut rent, request());
    turn(&mut rent, rent::Command::Settle(Ok(())));
    rent
}

fn words(bench: &mut Criterion) {
    bench.bench_function("a rent is requested, settled and cancelled", |bench| {
        bench.iter(|| {
            let mut rent = black_box(rented());
            turn(&mut rent, rent::Command::Cancel);
            rent
        });
    });
    bench.bench_function("a rent says what it awaits", |bench| {
        let mut rent = Rent::default();
        turn(&mut rent, request());
        bench.iter(|| black_box(&rent).awaits(Id::new(1)));
    });
}

fn records(bench: &mut Criterion) {
    let rent = rented();
    bench.bench_function("a rent becomes a record", |bench| {
        bench.iter(|| codec::encode(Space::State, 1, black_box(&rent)));
    });
    let record = codec::encode(Space::State, 1, &rent).unwrap_or_default();
    println!("the record of a rent has {} bytes", record.len());
    bench.bench_function("a record becomes a rent", |bench| {
        bench.iter(|| codec::decode::<Rent>(Space::State, black_box(&record)));
    });
}

criterion_group!(benches, words, records);
criterion_main!(benches);
