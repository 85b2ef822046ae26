//! How much goes wrong under one seed.

use std::time::Duration;
use support::chance::Chance;

/// Rates are in a thousand. Each seed has its own: some have no faults of a kind, some have many, since what hides from
/// a mixture often shows where one kind of fault prevails.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub steps: u64,
    /// Of the steps, how many are client commands, syncs, deaths of the process, stops, clock steps, rebuilds.
    pub orders: u64,
    pub syncs: u64,
    pub deaths: u64,
    pub stops: u64,
    pub clock: u64,
    pub rebuilds: u64,
    /// Of the messages between contexts, how many come twice or never.
    pub doubled: u64,
    pub lost: u64,
    /// Of the turns, how many crash before or after their batch is accepted; of the events, how many cannot be applied.
    pub crashes: u64,
    pub parked: u64,
    /// Of the batches, how many conflict.
    pub conflicts: u64,
    /// Of the steps, how many damage a row.
    pub damage: u64,
    /// Of the requests of clients, how many the store refuses.
    pub unstorable: u64,
    /// How long a message takes at most, and a step.
    pub delay: Duration,
    /// How long what comes twice takes at most, the second time.
    pub late: Duration,
    pub pace: Duration,
    /// How far a clock step goes at most, in microseconds.
    pub stride: i64,
}

const SECOND: i64 = 1_000_000;

fn one_of<T: Copy>(chance: &mut Chance, all: &[T]) -> T {
    all[chance.number() as usize % all.len()]
}

impl Plan {
    pub fn of(chance: &mut Chance) -> Self {
        let mut some = |often: u64| match chance.between(0, 4) {
            0 => 0,
            1 => often / 4,
            2 => often,
            _ => often / 2,
        };
        let deaths = some(40);
        let stops = some(30);
        let clock = some(60);
        let rebuilds = some(10);
        let doubled = some(300);
        let lost = some(150);
        let crashes = some(40);
        let parked = some(100);
        let conflicts = some(100);
        let damage = some(20);
        let unstorable = some(40);
        let millis = Duration::from_millis;
        Self {
            steps: chance.between(60, 200),
            orders: one_of(chance, &[300, 500, 700]),
            syncs: one_of(chance, &[60, 200, 250]),
            deaths,
            stops,
            clock,
            rebuilds,
            doubled,
            lost,
            crashes,
            parked,
            conflicts,
            damage,
            unstorable,
            delay: one_of(chance, &[millis(0), millis(3), millis(40), millis(1500)]),
            late: one_of(chance, &[millis(0), millis(100), millis(2_000), millis(20_000)]),
            pace: one_of(chance, &[millis(2), millis(20), millis(200)]),
            stride: one_of(chance, &[SECOND, 60 * SECOND, 3600 * SECOND, 86_400 * SECOND]),
        }
    }
}
