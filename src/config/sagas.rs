//! `[sagas]`: when operators are shown that a saga waits or is stuck, and how fast what is parked is redriven.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When operators are shown that a saga waits or is stuck, and how fast what is parked is redriven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SagasSection {
    /// What a context owes for longer than this is waited for; until then it is being done.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub waiting_after_ms: u64,
    /// What was tried so often without success is stuck.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub stuck_after: u32,
    /// How many parked events and texts a job redrives or drops in a second on a node, at most.
    #[schemars(range(min = 1, max = 10_000))]
    pub redrive_per_second: u32,
}

impl Default for SagasSection {
    fn default() -> Self {
        Self { waiting_after_ms: 5000, stuck_after: 10, redrive_per_second: 20 }
    }
}
