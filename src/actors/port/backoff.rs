//! How long to wait before something outside is tried again.

use std::time::Duration;

/// Nothing before the first failure, then twice as long each time, from `shortest` up to `longest`.
pub fn backoff_delay(failures: u64, shortest: Duration, longest: Duration) -> Duration {
    match failures {
        0 => Duration::ZERO,
        failures => shortest.saturating_mul(1 << (failures - 1).min(16)).min(longest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let shortest = Duration::from_millis(100);
        let longest = Duration::from_secs(5);
        assert_eq!(backoff_delay(0, shortest, longest), Duration::ZERO);
        assert_eq!(backoff_delay(1, shortest, longest), shortest);
        assert_eq!(backoff_delay(4, shortest, longest), shortest * 8);
        assert_eq!(backoff_delay(u64::MAX, shortest, longest), longest);
    }
}
