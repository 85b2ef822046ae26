//! How much goes wrong under one seed.

use support::chance::Chance;

/// Rates are in a thousand. Each seed has its own: some have no faults of a kind, some have many, since what hides from
/// a mixture often shows where one kind of fault prevails.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    pub nodes: usize,
    pub steps: u64,
    /// Of the steps, how many are client commands, syncs, crashes, stops, clock steps, losses of patience, rebuilds.
    pub orders: u64,
    pub syncs: u64,
    pub crashes: u64,
    pub stops: u64,
    pub clock: u64,
    pub silence: u64,
    pub rebuilds: u64,
    /// Of the deliveries, how many come twice, never, or must be set aside; of the questions, how many are turned away.
    pub doubled: u64,
    pub lost: u64,
    pub parked: u64,
    pub busy: u64,
    /// How far a clock step goes at most, in microseconds.
    pub stride: i64,
}

const SECOND: i64 = 1_000_000;

impl FaultPlan {
    pub fn of(chance: &mut Chance) -> Self {
        let mut some = |often: u64| match chance.between(0, 4) {
            0 => 0,
            1 => often / 4,
            2 => often,
            _ => often / 2,
        };
        let crashes = some(30);
        let stops = some(30);
        let clock = some(60);
        let silence = some(80);
        let rebuilds = some(10);
        let doubled = some(300);
        let lost = some(150);
        let parked = some(100);
        let busy = some(100);
        Self {
            nodes: [1, 1, 2, 3][chance.between(0, 4) as usize],
            steps: chance.between(60, 260),
            orders: [60, 120, 250][chance.between(0, 3) as usize],
            syncs: [20, 80, 250][chance.between(0, 3) as usize],
            crashes,
            stops,
            clock,
            silence,
            rebuilds,
            doubled,
            lost,
            parked,
            busy,
            stride: [SECOND, 60 * SECOND, 3600 * SECOND, 86_400 * SECOND]
                [chance.between(0, 4) as usize],
        }
    }
}
