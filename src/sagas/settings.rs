//! When a saga counts as waiting, when as stuck, and how fast what is parked is settled.

use std::time::Duration;

/// When a saga counts as waiting, and when as stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SagaSettings {
    /// What is owed for longer than this is waited for.
    pub waiting_after: Duration,
    /// What was tried so often without success is stuck.
    pub stuck_after: u32,
    /// So many parked ones a job settles in a second, at most.
    pub redrive_per_second: u32,
}

impl Default for SagaSettings {
    fn default() -> Self {
        Self { waiting_after: Duration::from_secs(5), stuck_after: 10, redrive_per_second: 20 }
    }
}
