//! When a saga counts as waiting, and when as stuck.

use std::time::Duration;

/// When a saga counts as waiting, and when as stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SagaSettings {
    /// What is owed for longer than this is waited for.
    pub waiting_after: Duration,
    /// What was tried so often in vain is stuck.
    pub stuck_after: u32,
}

impl Default for SagaSettings {
    fn default() -> Self {
        Self { waiting_after: Duration::from_secs(5), stuck_after: 10 }
    }
}
