//! Business time at the start.

use crate::{actors::ClockHealth, domain::Timestamp};
use std::time::SystemTime;

/// The machine's clock.
pub fn machine_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Logs business time, if it is not the machine's.
pub(super) fn log_business_time(clock: &ClockHealth, ahead: i64) {
    let ClockHealth { now, carried_on_from, .. } = clock;
    match carried_on_from {
        Some(reached) => tracing::warn!(
            %now, %reached,
            "business time continues where the data ended"
        ),
        None if ahead != 0 => tracing::info!(%now, "business time differs from the machine's"),
        None => {}
    }
}
