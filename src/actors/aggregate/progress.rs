//! How far a client's command has got, shared by the context and the request that waits for it.
//!
//! A client that gets `retry later` may assume that nothing was done. So giving up and beginning to decide exclude each
//! other in one atomic step: once the command is in progress, the request waits for the result, and once the request has
//! given up, the command has no effect.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tokio::sync::Notify;

const WAITING: u64 = 0;
const IN_PROGRESS: u64 = u64::MAX;
const ABANDONED: u64 = u64::MAX - 1;

/// How far a command has got.
#[derive(Debug, Default)]
pub struct CommandProgress {
    /// One of the constants above, or the number under which it is recorded.
    state: AtomicU64,
    changed: Notify,
}

/// What a request learns that does not want to wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandStage {
    /// Nothing is recorded, and nothing will be.
    Unrecorded,
    /// It is being decided.
    InProgress,
    /// It is recorded under this number.
    Recorded(u64),
}

impl CommandProgress {
    /// The context begins to decide it, perhaps not for the first time. `false`: the request has
    /// given up.
    pub fn begin_decision(&self) -> bool {
        self.state.compare_exchange(WAITING, IN_PROGRESS, SeqCst, SeqCst) != Err(ABANDONED)
    }

    /// It is recorded under `number`.
    pub fn set_recorded(&self, number: u64) {
        self.state.store(number, SeqCst);
        self.changed.notify_one();
    }

    /// The request stops waiting, unless the command is in progress.
    pub fn abandon_command(&self) -> CommandStage {
        match self.state.compare_exchange(WAITING, ABANDONED, SeqCst, SeqCst) {
            Ok(_) | Err(ABANDONED) => CommandStage::Unrecorded,
            Err(IN_PROGRESS) => CommandStage::InProgress,
            Err(number) => CommandStage::Recorded(number),
        }
    }

    /// Resolves once it is recorded.
    pub async fn wait_recorded(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_claimant_has_it() {
        let progress = CommandProgress::default();
        assert_eq!(progress.abandon_command(), CommandStage::Unrecorded);
        assert!(!progress.begin_decision(), "its client has gone");
        let progress = CommandProgress::default();
        assert!(
            progress.begin_decision() && progress.begin_decision(),
            "after a conflict it is decided again"
        );
        assert_eq!(progress.abandon_command(), CommandStage::InProgress);
        progress.set_recorded(7);
        assert_eq!(progress.abandon_command(), CommandStage::Recorded(7));
    }
}
