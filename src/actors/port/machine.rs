//! The machine under a node: its clock, and its randomness. Everything else that the runtime does follows from its messages
//! and from tokio's clock, so with a machine of their own and a paused clock tests can repeat a run.

use super::backoff::backoff_delay;
use crate::domain::Timestamp;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The clock and the randomness that a node uses.
#[derive(Clone)]
pub struct Machine {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Machine {
    /// A machine whose clock shows `now`, and whose random numbers are those of `random`.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        random: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), random: Arc::new(random) }
    }

    /// The machine's time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The machine's time in whole seconds, for what expires.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.now().micros() / 1_000_000).unwrap_or(0)
    }

    /// A random number.
    pub fn random(&self) -> u64 {
        (self.random)()
    }

    /// A [`backoff_delay`] that is never the same for two: those that lost the same neighbour at one moment do not come back to it
    /// at one moment.
    pub fn random_backoff(&self, failures: u64, shortest: Duration, longest: Duration) -> Duration {
        let most = backoff_delay(failures.max(1), shortest, longest);
        let chance = self.random() % 1000;
        most.mul_f64(0.5 + chance as f64 / 2000.0)
    }
}

/// The machine that the process runs on.
impl Default for Machine {
    fn default() -> Self {
        Self::new(system_time, random)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("now", &self.now()).finish_non_exhaustive()
    }
}

fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The lower half of such an identifier is random but for its first two bits.
fn random() -> u64 {
    let low = uuid::Uuid::now_v7().as_u64_pair().1;
    let high = uuid::Uuid::now_v7().as_u64_pair().1;
    (low & 0xffff_ffff) | (high << 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let machine = Machine::default();
        let shortest = Duration::from_millis(100);
        let longest = Duration::from_secs(5);
        let pause = |failures| machine.random_backoff(failures, shortest, longest);
        assert!((shortest / 2..=shortest).contains(&pause(1)));
        assert!((shortest * 2..=shortest * 4).contains(&pause(3)));
        assert!((longest / 2..=longest).contains(&pause(u64::MAX)));
        assert!((0..20).map(|_| pause(40)).collect::<BTreeSet<_>>().len() > 1);
    }

    #[test]
    fn random_numbers_use_all_bits() {
        let machine = Machine::default();
        let seen = (0..200).map(|_| machine.random());
        let (some, all) = seen.fold((0, u64::MAX), |(some, all), one| (some | one, all & one));
        assert_eq!((some, all), (u64::MAX, 0), "no bit is always the same");
    }
}
