//! Durations, counted by size without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The upper bounds of the buckets, in microseconds. What is longer is in one more.
const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Counts durations by size.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// How many durations there were of each size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DurationCounts {
    /// How many were not longer than each bound; the last are those that were longer than all.
    buckets: [u64; BOUNDS.len() + 1],
    micros: u64,
}

impl Durations {
    /// Counts one.
    pub fn observe_duration(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Relaxed);
        }
        self.micros.fetch_add(micros, Relaxed);
    }

    /// What was counted so far.
    pub fn read_counts(&self) -> DurationCounts {
        let micros = self.micros.load(Relaxed);
        DurationCounts {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Relaxed)),
            micros,
        }
    }
}

impl DurationCounts {
    /// Each bound in seconds, infinity the last, with the number of those between it and the one before.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
        bounds.zip(self.buckets).collect()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How long they were together, in seconds.
    pub fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_holds_it() {
        let durations = Durations::default();
        for micros in [0, 500, 501, 10_000_000, 10_000_001, u64::MAX] {
            durations.observe_duration(Duration::from_micros(micros));
        }
        let counts = durations.read_counts();
        assert_eq!(counts.count(), 6);
        let held: Vec<_> = counts.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(held, [(0.0005, 2), (0.001, 1), (10.0, 1), (f64::INFINITY, 2)]);
    }
}
