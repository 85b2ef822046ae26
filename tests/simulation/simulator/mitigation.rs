//! What the runtime does against each pitfall. The simulator can leave one out, to see that it would be noticed.

use holdfast::actors::Safeguard;
use strum::{AsRefStr, EnumString, VariantArray};

/// One thing that the runtime does so that the systems stay right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsRefStr, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Mitigation {
    /// An undo takes its question back: one that comes later is refused.
    KeepWithdrawals,
    /// The same question gets the same answer.
    KeepAnswers,
    /// An asker that gives up waiting sends the undo: without an answer, nothing is known.
    UndoAfterSilence,
    /// An order whose question is open is closed to commands.
    RefuseWhileOpen,
    /// A question to one that waits for an answer itself waits for that.
    PostponeWhileOpen,
    /// An answer counts only while its question is open.
    DropLateAnswers,
    /// What comes again from a log is left out, by its position.
    DropDuplicates,
    /// Positions are found again after a crash.
    KeepPositions,
    /// A position and the effect of what was heard there are one batch.
    MoveWithEffect,
    /// What a push did not bring is read in the log.
    ReadTheLog,
    /// Behind an event that is set aside, those of the same thing wait.
    KeepOrderAside,
    /// Where an undo finds nothing, its mark stays.
    KeepMarks,
    /// What the disk has, a crash does not take.
    KeepWhatIsDurable,
    /// What leaves the process waits for the disk.
    WaitForDisk,
    /// A key is claimed by one thing at a time.
    CheckClaims,
    /// Timers are found again after a crash.
    KeepTimers,
    /// Open questions are found again after a crash.
    KeepQuestions,
    /// A number that has been given is not given again.
    KeepNumbers,
    /// A request that comes again under its key is the same request.
    KeepKeys,
    /// A node tells another whose saga it is that it asks in.
    TellOwners,
}

impl Mitigation {
    /// What the runtime leaves out for it; the others are taken away from its disk.
    pub fn safeguard(self) -> Option<Safeguard> {
        match self {
            Self::KeepWithdrawals => Some(Safeguard::KeepWithdrawals),
            Self::KeepAnswers => Some(Safeguard::KeepAnswers),
            Self::UndoAfterSilence => Some(Safeguard::SendUndos),
            Self::RefuseWhileOpen => Some(Safeguard::RefuseWhileOpen),
            Self::PostponeWhileOpen => Some(Safeguard::PostponeWhileOpen),
            Self::DropLateAnswers => Some(Safeguard::DropLateAnswers),
            Self::DropDuplicates => Some(Safeguard::DropDuplicates),
            Self::KeepPositions => Some(Safeguard::KeepPositions),
            Self::ReadTheLog => Some(Safeguard::ReadTheLog),
            Self::KeepOrderAside => Some(Safeguard::KeepParkedOrder),
            Self::KeepMarks => Some(Safeguard::KeepMarks),
            Self::MoveWithEffect
            | Self::KeepWhatIsDurable
            | Self::WaitForDisk
            | Self::CheckClaims
            | Self::KeepTimers
            | Self::KeepQuestions
            | Self::KeepNumbers
            | Self::KeepKeys
            | Self::TellOwners => None,
        }
    }
}
