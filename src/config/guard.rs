//! `[guard."system.context"]`: how one context is asked.

use super::check::{Invalid, in_range, require};
use crate::actors::{BreakerSettings, GuardSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How one context is asked, where that differs from the default of its system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSection {
    /// How long one try may take.
    #[schemars(extend("x-default" = "`1000` in bookrent, `1200` in gbike, else `610`"))]
    pub timeout_ms: Option<u64>,
    /// How often an ask without an answer is tried.
    #[schemars(extend("x-default" = "`1`"))]
    pub tries: Option<u32>,
    /// Asks in flight at once; 503 beyond.
    #[schemars(extend("x-default" = "`1024`"))]
    pub concurrency: Option<usize>,
    /// Asks a second; 503 beyond.
    #[schemars(extend("x-default" = "`100000`"))]
    pub quota_per_second: Option<u32>,
    /// How many of the last tries the circuit breaker looks at.
    #[schemars(extend("x-default" = "`100`"))]
    pub breaker_window: Option<usize>,
    /// How many tries the breaker needs before it can open.
    #[schemars(extend("x-default" = "`20`"))]
    pub breaker_minimum: Option<usize>,
    /// The share of failed tries at which the breaker opens.
    #[schemars(extend("x-default" = "`50`"))]
    pub breaker_failure_percent: Option<u8>,
    /// How long the breaker stays open.
    #[schemars(extend("x-default" = "`5000`"))]
    pub breaker_open_ms: Option<u64>,
    /// How many tries the half-open breaker lets through.
    #[schemars(extend("x-default" = "`3`"))]
    pub breaker_probes: Option<u32>,
}

impl GuardSection {
    /// What is configured here, and the rest as in `base`.
    pub fn over(&self, base: GuardSettings) -> GuardSettings {
        let millis = |value: Option<u64>, base| value.map_or(base, Duration::from_millis);
        let percent = self.breaker_failure_percent.map(u32::from);
        let breaker = BreakerSettings {
            window: self.breaker_window.unwrap_or(base.breaker.window),
            minimum: self.breaker_minimum.unwrap_or(base.breaker.minimum),
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

    /// Checks the guard of the context `name`.
    fn check(&self, name: &str) -> Result<(), Invalid> {
        let check = |field: &str, value: Option<u64>, least, most| match value {
            Some(value) => in_range(&format!("guard.{name}.{field}"), value, least, most),
            None => Ok(()),
        };
        let percent = self.breaker_failure_percent.map(u64::from);
        check("timeout_ms", self.timeout_ms, 1, 600_000)?;
        check("tries", self.tries.map(u64::from), 1, 10)?;
        check("concurrency", self.concurrency.map(|n| n as u64), 1, 1 << 20)?;
        check("quota_per_second", self.quota_per_second.map(u64::from), 1, 1_000_000_000)?;
        check("breaker_window", self.breaker_window.map(|n| n as u64), 1, 100_000)?;
        check("breaker_minimum", self.breaker_minimum.map(|n| n as u64), 1, 100_000)?;
        check("breaker_failure_percent", percent, 1, 100)?;
        check("breaker_open_ms", self.breaker_open_ms, 1, 3_600_000)?;
        check("breaker_probes", self.breaker_probes.map(u64::from), 1, 1000)
    }
}

/// Checks all guards; `askable` are the contexts that can be asked.
pub(super) fn check(
    guards: &BTreeMap<String, BTreeMap<String, GuardSection>>,
    askable: &[&'static str],
) -> Result<(), Invalid> {
    for (system, contexts) in guards {
        for (context, guard) in contexts {
            let name = format!("{system}.{context}");
            require(askable.contains(&name.as_str()), format!("guard.{name}"), || {
                let askable = askable.join(", ");
                format!("unknown context `{name}`; contexts that can be asked are {askable}")
            })?;
            guard.check(&name)?;
        }
    }
    Ok(())
}
