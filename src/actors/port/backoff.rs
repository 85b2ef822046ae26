//! How long to wait before something outside is tried again.

use std::time::Duration;

/// Nothing before the first failure, then twice as long each time, from `shortest` up to `longest`.
pub fn backoff_delay(failures: u64, shortest: Duration, longest: Duration) -> Duration {
    match failures {
        0 => Duration::ZERO,
        failures => shortest.saturating_mul(1 << (failures - 1).min(16)).min(longest),
    }
}

/// A [`backoff_delay`] that is never the same for two: those that lost the same neighbour at one moment do not come back to it
/// at one moment.
pub fn random_backoff(failures: u64, shortest: Duration, longest: Duration) -> Duration {
    let most = backoff_delay(failures.max(1), shortest, longest);
    // The last bits of such an id are drawn by chance.
    let chance = uuid::Uuid::now_v7().as_u128() % 1000;
    most.mul_f64(0.5 + chance as f64 / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let shortest = Duration::from_millis(100);
        let longest = Duration::from_secs(5);
        assert_eq!(backoff_delay(0, shortest, longest), Duration::ZERO);
        assert_eq!(backoff_delay(1, shortest, longest), shortest);
        assert_eq!(backoff_delay(4, shortest, longest), shortest * 8);
        assert_eq!(backoff_delay(u64::MAX, shortest, longest), longest);
        assert!((shortest / 2..=shortest).contains(&random_backoff(1, shortest, longest)));
        assert!((shortest * 2..=shortest * 4).contains(&random_backoff(3, shortest, longest)));
        assert!((longest / 2..=longest).contains(&random_backoff(u64::MAX, shortest, longest)));
        assert!(
            (0..20).map(|_| random_backoff(40, shortest, longest)).collect::<HashSet<_>>().len()
                > 1
        );
    }
}
