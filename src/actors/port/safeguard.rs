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
}
