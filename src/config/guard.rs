//! `[guard."system.context"]`: how one context is asked.

use crate::actors::{BreakerSettings, GuardSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How one context is asked, where that differs from the default of its system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSection {
    /// How long one try may take.
    #[schemars(range(min = 1, max = 600_000))]
    #[schemars(extend("x-default" = "`1000` in bookrent, `1200` in gbike, else `610`"))]
    pub timeout_ms: Option<u64>,
    /// How often an ask without an answer is tried.
    #[schemars(range(min = 1, max = 10))]
    #[schemars(extend("x-default" = "`1`"))]
    pub tries: Option<u32>,
    /// Asks in flight at once; 503 beyond.
    #[schemars(range(min = 1, max = 1 << 20))]
    #[schemars(extend("x-default" = "`1024`"))]
    pub concurrency: Option<usize>,
    /// Asks a second; 503 beyond.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    #[schemars(extend("x-default" = "`100000`"))]
    pub quota_per_second: Option<u32>,
    /// How many of the last tries the circuit breaker looks at.
    #[schemars(range(min = 1, max = 100_000))]
    #[schemars(extend("x-default" = "`100`"))]
    pub breaker_window: Option<usize>,
    /// How many tries the breaker needs before it can open; with more than `breaker_window` it never does.
    #[schemars(range(min = 1, max = 100_000))]
    #[schemars(extend("x-default" = "`20`, or the window if that is less"))]
    pub breaker_minimum: Option<usize>,
    /// The share of failed tries at which the breaker opens.
    #[schemars(range(min = 1, max = 100))]
    #[schemars(extend("x-default" = "`50`"))]
    pub breaker_failure_percent: Option<u8>,
    /// How long the breaker stays open.
    #[schemars(range(min = 1, max = 3_600_000))]
    #[schemars(extend("x-default" = "`5000`"))]
    pub breaker_open_ms: Option<u64>,
    /// How many tries the half-open breaker lets through.
    #[schemars(range(min = 1, max = 1000))]
    #[schemars(extend("x-default" = "`3`"))]
    pub breaker_probes: Option<u32>,
}

impl GuardSection {
    /// What is configured here, and the rest as in `base`.
    pub fn apply_to(&self, base: GuardSettings) -> GuardSettings {
        let millis = |value: Option<u64>, base| value.map_or(base, Duration::from_millis);
        let percent = self.breaker_failure_percent.map(u32::from);
        let window = self.breaker_window.unwrap_or(base.breaker.window);
        let breaker = BreakerSettings {
            window,
            // Only who asks for it gets a breaker that never opens.
            minimum: self.breaker_minimum.unwrap_or(base.breaker.minimum.min(window)),
            failure_percent: percent.unwrap_or(base.breaker.failure_percent),
            open_for: millis(self.breaker_open_ms, base.breaker.open_for),
            probes: self.breaker_probes.map_or(base.breaker.probes, |probes| probes as usize),
        };
        GuardSettings {
            timeout: millis(self.timeout_ms, base.timeout),
            tries: self.tries.unwrap_or(base.tries),
            concurrency: self.concurrency.unwrap_or(base.concurrency),
            quota_per_second: self.quota_per_second.unwrap_or(base.quota_per_second),
            breaker,
        }
    }
}
