//! What the runtime does against faults. A test leaves one out, to prove that its lack would be noticed.

/// One thing that the runtime does against a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}
