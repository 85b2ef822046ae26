//! How far a client's command has come, as its context and the one who waits for it both see it.
//!
//! A client who is told to come again in a moment may believe that nothing was done. So who gives up and who decides take
//! the command from each other in one step: once it is in hand, its client waits until it is known what came of it, and
//! once the client has gone, nothing comes of it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tokio::sync::Notify;

const WAITING: u64 = 0;
const IN_PROGRESS: u64 = u64::MAX;
const ABANDONED: u64 = u64::MAX - 1;

/// How far it has come.
#[derive(Debug, Default)]
pub struct CommandProgress {
    /// One of the above, or the number under which it is recorded.
    state: AtomicU64,
    changed: Notify,
}

/// What its client learns who does not want to wait any longer.
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
    /// The context begins to decide it, perhaps not for the first time. `false`: nobody waits for it any more.
    pub fn begin(&self) -> bool {
        self.state.compare_exchange(WAITING, IN_PROGRESS, SeqCst, SeqCst) != Err(ABANDONED)
    }

    /// It is recorded.
    pub fn set_recorded(&self, number: u64) {
        self.state.store(number, SeqCst);
        self.changed.notify_one();
    }

    /// The client waits no longer, unless it is in hand.
    pub fn abandon(&self) -> CommandStage {
        match self.state.compare_exchange(WAITING, ABANDONED, SeqCst, SeqCst) {
            Ok(_) | Err(ABANDONED) => CommandStage::Unrecorded,
            Err(IN_PROGRESS) => CommandStage::InProgress,
            Err(number) => CommandStage::Recorded(number),
        }
    }

    /// Resolves once it has been recorded.
    pub async fn wait_recorded(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_has_it() {
        let progress = CommandProgress::default();
        assert_eq!(progress.abandon(), CommandStage::Unrecorded);
        assert!(!progress.begin(), "its client has gone");
        let progress = CommandProgress::default();
        assert!(progress.begin() && progress.begin(), "after a conflict it is decided anew");
        assert_eq!(progress.abandon(), CommandStage::InProgress);
        progress.set_recorded(7);
        assert_eq!(progress.abandon(), CommandStage::Recorded(7));
    }
}
