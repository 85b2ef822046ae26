//! Where a reader of logs goes on: after the last event that it has, named by its id, or at a sequence.
//!
//! An id that is not in a log's history belongs to a data directory that was replaced or restored from a backup. The
//! numbers that follow are then not the events that the reader lacks, so the reader gets an error.

use crate::{
    actors::{EventId, EventLog, RecordedEvent},
    api::Problem,
};
use std::sync::Arc;

/// The log of a context.
pub type Log = Arc<dyn EventLog<RecordedEvent>>;

/// Why a cursor cannot be used.
pub enum CursorError {
    /// It is malformed.
    Malformed,
    /// It names an event that the log of this context does not have.
    HistoryChanged(&'static str),
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        match error {
            CursorError::Malformed => bad_parameter("from"),
            CursorError::HistoryChanged(context) => history_changed(context),
        }
    }
}

/// The parameter `name` of the query is malformed.
pub fn bad_parameter(name: &str) -> Problem {
    Problem::new(
        "bad-request",
        format!(
            "`{name}` is malformed; `from` is a sequence or the id of the last event that you have, or for several contexts \
             a comma-separated list of `context:sequence` or `context:id`"
        ),
        format!("`{name}`의 형식이 올바르지 않습니다"),
    )
}

/// The log does not have the event that the reader has.
pub fn history_changed(context: &str) -> Problem {
    Problem::new(
        "history-changed",
        format!(
            "the last event that you have is not in the log of {context}: its data was replaced or restored from a backup. \
             Read the log from the beginning, and replace what you have by what you read"
        ),
        format!("{context}의 기록이 바뀌었습니다. 처음부터 다시 읽어 주세요"),
    )
}

/// The next sequence of `log` for a reader at `cursor`: a sequence to go on with; or, with its epoch (`3f0c2a91b7d4-13`,
/// `0-13`), the last event that the reader has. With `is_id` a bare number is the id of an event of the first epoch.
///
/// # Errors
/// [`CursorError`].
pub fn next(log: &Log, cursor: &str, is_id: bool) -> Result<u64, CursorError> {
    let id: EventId = cursor.parse().map_err(|()| CursorError::Malformed)?;
    if is_id || cursor.contains('-') {
        let next = log.has_event(id).then(|| id.sequence.saturating_add(1));
        return next.ok_or_else(|| CursorError::HistoryChanged(log.context()));
    }
    // A reader that has everything goes on with the next event; none can know of a later one.
    if id.sequence > log.latest().borrow().saturating_add(1) {
        return Err(CursorError::HistoryChanged(log.context()));
    }
    Ok(id.sequence.max(1))
}

/// The cursor of a reader that goes on with sequence `next`.
pub fn cursor_text(log: &Log, next: u64) -> String {
    match next.checked_sub(1) {
        None | Some(0) => "1".into(),
        Some(last) => log.id_of(last).in_full(),
    }
}
