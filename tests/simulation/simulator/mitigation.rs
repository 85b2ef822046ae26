//! What the runtime does against each pitfall. The simulator can leave one out, to see that it would be noticed.
//!
//! | what has gone wrong | what is done against it |
//! |---|---|
//! | a record that can be written and never read | `store::codec`, by a property of its own; that the runtime writes none: `SplitRows` |
//! | a message that cannot be stored fails its neighbours | `IsolateMessages` |
//! | one damaged state fails the whole context | `IsolateDamage` |
//! | a damaged row of the runtime keeps orders open for ever | `RecoverAsks` |
//! | a state that grows with use | the systems: `tests/simulation/shuffle/gbike.rs` |
//! | damage that no reader notices | in logs `NoticeGaps`, in lists `NameMissingRows`; blocks and runs of the disk are the store's: `tests/store` |
//! | two nodes decide for one context, or one has an older copy of its data | `ComparePasts` for asks, `ContinueLogs` for events |
//! | the name of an event is given twice | `BeginEpochs` |
//! | the answer to one ask is taken for that to another | `CompareAsks` |
//! | a copy of the data is started beside the first process | the lease, which is the broker's: `tests/amqp` |
//! | events of another sender | the seals, which are the transport's: `tests/amqp` |
//! | a damaged directory is changed before it is refused | the store's: `tests/store` |
//! | "nothing was recorded" is said of what was | `TrackProgress` |
//! | a process that was stopped for a while is taken for hanging | the watchdog has a thread and a clock of its own: its tests in `actors/node` |
//! | what a receiver has not taken is not sent again | `KeepUntilTaken` |
//! | time goes back within a process, over a restart, or wraps | `KeepTimeForward`, `CarryTimeOn`, `BoundAdvance` |
//! | the limits of the operating system | `limits` and its tests |
//! | an order is begun that cannot end | `LookAhead` |
//! | an ask waits before a guard that is shut | `SettleAtOnce` |
//! | an ask that must be answered is given up | `RepeatAsks` |

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
    /// What is not published is in a log for no reader.
    HideUnpublished,
    /// A state that cannot be read costs its own number only.
    IsolateDamage,
    /// A message that cannot be stored costs itself only.
    IsolateMessages,
    /// What one turn has to say is shared out over rows.
    SplitRows,
    /// A reader of a log ends before a row that is missing.
    NoticeGaps,
    /// A list names what it cannot show.
    NameMissingRows,
    /// Open questions whose page cannot be read are found again from the states.
    RecoverAsks,
    /// A question from another past than the known one is refused.
    ComparePasts,
    /// A copy of a log goes on after the very event that it has last.
    ContinueLogs,
    /// The name of an event is never given again.
    BeginEpochs,
    /// An answer is that to what was asked then.
    CompareAsks,
    /// A client that gives up and the turn that decides its command take it from each other.
    TrackProgress,
    /// What leaves a log is kept until it is taken.
    KeepUntilTaken,
    /// Time does not go back.
    KeepTimeForward,
    /// Nor does it over a restart.
    CarryTimeOn,
    /// It goes forward by so much at once at the most.
    BoundAdvance,
    /// Nothing is begun that cannot end.
    LookAhead,
    /// Who cannot be asked does not answer, at once.
    SettleAtOnce,
    /// Who must answer is asked again.
    RepeatAsks,
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
            Self::HideUnpublished => Some(Safeguard::HideUnpublished),
            Self::IsolateDamage => Some(Safeguard::IsolateDamage),
            Self::IsolateMessages => Some(Safeguard::IsolateMessages),
            Self::SplitRows => Some(Safeguard::SplitRows),
            Self::NoticeGaps => Some(Safeguard::NoticeGaps),
            Self::NameMissingRows => Some(Safeguard::NameMissingRows),
            Self::RecoverAsks => Some(Safeguard::RecoverAsks),
            Self::ComparePasts => Some(Safeguard::ComparePasts),
            Self::ContinueLogs => Some(Safeguard::ContinueLogs),
            Self::BeginEpochs => Some(Safeguard::BeginEpochs),
            Self::CompareAsks => Some(Safeguard::CompareAsks),
            Self::TrackProgress => Some(Safeguard::TrackProgress),
            Self::KeepUntilTaken => Some(Safeguard::KeepUntilTaken),
            Self::KeepTimeForward => Some(Safeguard::KeepTimeForward),
            Self::CarryTimeOn => Some(Safeguard::CarryTimeOn),
            Self::BoundAdvance => Some(Safeguard::BoundAdvance),
            Self::LookAhead => Some(Safeguard::LookAhead),
            Self::SettleAtOnce => Some(Safeguard::SettleAtOnce),
            Self::RepeatAsks => Some(Safeguard::RepeatAsks),
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
