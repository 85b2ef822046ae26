//! What the runtime does against faults. A test leaves one out, to prove that its lack would be noticed.
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

use strum::{AsRefStr, EnumString, VariantArray};

/// One thing that the runtime does against a fault. Most are left out by the runtime itself, where a test wants it; the rows of
/// the others are kept from it by the store of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsRefStr, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Safeguard {
    /// An undo withdraws its ask: one that comes later is refused.
    KeepWithdrawals,
    /// The same ask gets the same answer.
    KeepAnswers,
    /// A context that gives an ask up takes it back.
    SendUndos,
    /// An order whose ask is open takes no commands.
    RefuseWhileOpen,
    /// An ask to an aggregate that waits for an answer itself waits for that.
    PostponeWhileOpen,
    /// An answer counts only while its ask is open.
    DropLateAnswers,
    /// Events that come again are left out, by the position in their log.
    DropDuplicates,
    /// Positions are found again after a restart.
    KeepPositions,
    /// Events that no push brought are read in the log.
    ReadTheLog,
    /// An undo that finds nothing leaves a mark, so that what comes later does nothing.
    KeepMarks,
    /// The events of an aggregate wait for one of it that is parked.
    KeepParkedOrder,
    /// A state that cannot be read costs its own number only.
    IsolateDamage,
    /// A message that cannot be stored costs itself only, not those that are decided with it.
    IsolateMessages,
    /// Events of one turn are shared out over as many rows as they need.
    SplitRows,
    /// A reader of a log ends before a row that is missing.
    NoticeGaps,
    /// What an actor has committed and not published is in its log for no reader yet.
    HideUnpublished,
    /// A list names the numbers whose row is missing.
    NameMissingRows,
    /// Open asks whose page cannot be read are found again from the states.
    RecoverAsks,
    /// An ask is refused if its asker's log, or the one that its asker knows, has another past than the known one.
    ComparePasts,
    /// A replica goes on after the very event that it has last, and not after that event's number.
    ContinueLogs,
    /// Each start of a log's writer is an epoch of its own, so that an event's name is never given again.
    BeginEpochs,
    /// A recorded answer is the answer to what was asked then, and to nothing else.
    CompareAsks,
    /// A client that gives up and the turn that decides its command take it from each other.
    TrackProgress,
    /// The cursor of an outflow moves over what its receiver has taken, and over nothing else.
    KeepUntilTaken,
    /// Business time never goes back.
    KeepTimeForward,
    /// After a restart, business time goes on from where the data has reached.
    CarryTimeOn,
    /// Business time is moved by no more than ten years at once.
    BoundAdvance,
    /// A command begins nothing while a context that it may lead to asking cannot be asked.
    LookAhead,
    /// An ask before an open breaker has no answer, at once.
    SettleAtOnce,
    /// An ask whose answer has changed nothing is asked again.
    RepeatAsks,
    /// A number that has been given is not given again.
    KeepNumbers,
    /// A position and the effect of what was heard there are one batch.
    MoveWithEffect,
    /// What is durable, a crash does not take.
    KeepWhatIsDurable,
    /// What leaves the process waits for the disk.
    WaitForDisk,
    /// A key is claimed by one thing at a time.
    CheckClaims,
    /// Timers are found again after a restart.
    KeepTimers,
    /// Open asks are found again after a restart.
    KeepQuestions,
    /// A request that comes again under its key is the same request.
    KeepKeys,
    /// A node tells another whose saga it is that it asks in.
    TellOwners,
}
