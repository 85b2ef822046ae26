//! How far a client's command has come, as its context and the one who waits for it both see it.
//!
//! A client who is told to come again in a moment may believe that nothing was done. So who gives up and who decides take
//! the command from each other in one step: once it is in hand, its client waits until it is known what came of it, and
//! once the client has gone, nothing comes of it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tokio::sync::Notify;

const WAITS: u64 = 0;
const IN_HAND: u64 = u64::MAX;
const GIVEN_UP: u64 = u64::MAX - 1;

/// How far it has come.
#[derive(Debug, Default)]
pub struct CommandProgress {
    /// One of the above, or the number under which it is recorded.
    state: AtomicU64,
    moved: Notify,
}

/// What its client learns who does not want to wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandStage {
    /// Nothing is recorded, and nothing will be.
    Nothing,
    /// It is being decided.
    InHand,
    /// It is recorded under this number.
    Recorded(u64),
}

impl CommandProgress {
    /// The context begins to decide it, perhaps not for the first time. `false`: nobody waits for it any more.
    pub fn take_in_hand(&self) -> bool {
        self.state.compare_exchange(WAITS, IN_HAND, SeqCst, SeqCst) != Err(GIVEN_UP)
    }

    /// It is recorded.
    pub fn record(&self, number: u64) {
        self.state.store(number, SeqCst);
        self.moved.notify_one();
    }

    /// The client waits no longer, unless it is in hand.
    pub fn give_up(&self) -> CommandStage {
        match self.state.compare_exchange(WAITS, GIVEN_UP, SeqCst, SeqCst) {
            Ok(_) | Err(GIVEN_UP) => CommandStage::Nothing,
            Err(IN_HAND) => CommandStage::InHand,
            Err(number) => CommandStage::Recorded(number),
        }
    }

    /// Resolves once it has been recorded.
    pub async fn recorded(&self) {
        self.moved.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_has_it() {
        let progress = CommandProgress::default();
        assert_eq!(progress.give_up(), CommandStage::Nothing);
        assert!(!progress.take_in_hand(), "its client has gone");
        let progress = CommandProgress::default();
        assert!(
            progress.take_in_hand() && progress.take_in_hand(),
            "after a conflict it is decided anew"
        );
        assert_eq!(progress.give_up(), CommandStage::InHand);
        progress.record(7);
        assert_eq!(progress.give_up(), CommandStage::Recorded(7));
    }
}
