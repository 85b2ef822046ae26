//! Where a reader of logs goes on: behind the event that it had last, which it names by its id; or at a sequence.
//!
//! An id that is not in a log's history is of another past: of a data directory that was put back from a copy, or of a
//! store that has been replaced. Then the numbers that follow are not those that the reader is missing, and it is told so.

use crate::{
    actors::{EventId, EventLog, RecordedEvent},
    api::Problem,
};
use std::sync::Arc;

/// A log of a context.
pub type Log = Arc<dyn EventLog<RecordedEvent>>;

/// Why a reader cannot go on.
pub enum Astray {
    /// What it says is no cursor.
    Unreadable,
    /// The log of this context has another past than the one that the reader knows.
    Changed(&'static str),
}

impl From<Astray> for Problem {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::Unreadable => bad("from"),
            Astray::Changed(context) => changed(context),
        }
    }
}

/// `what` of the query is not what it should be.
pub fn bad(what: &str) -> Problem {
    Problem::new(
        "bad-request",
        format!(
            "`{what}` cannot be read; `from` is a sequence or the id of the last event that you have, or of several \
             contexts `context:sequence` or `context:id` with commas between them"
        ),
        format!("`{what}`을(를) 읽을 수 없습니다"),
    )
}

/// The log is not the one that its reader knows.
pub fn changed(context: &str) -> Problem {
    Problem::new(
        "history-changed",
        format!(
            "the event that you have last is not in the log of {context}: its data was put back from a copy, or replaced. \
             Read it from the beginning, and take over what you find instead of what you have"
        ),
        format!("{context}의 기록이 바뀌었습니다. 처음부터 다시 읽어 주세요"),
    )
}

/// The next sequence of `log` for who has got as far as `text` says: a sequence to go on with; or, with its epoch
/// (`3f0c2a91b7d4-13`, `0-13`), the last event that is known. A bare number may be the id of such an event too, of the
/// first epoch, where `is_id` says so.
///
/// # Errors
/// [`Astray`].
pub fn next(log: &Log, text: &str, is_id: bool) -> Result<u64, Astray> {
    let id: EventId = text.parse().map_err(|()| Astray::Unreadable)?;
    if is_id || text.contains('-') {
        return match log.has(id) {
            true => Ok(id.sequence.saturating_add(1)),
            false => Err(Astray::Changed(log.context())),
        };
    }
    // Whoever has everything goes on with the next; nobody knows of a later one.
    match id.sequence > log.latest().borrow().saturating_add(1) {
        true => Err(Astray::Changed(log.context())),
        false => Ok(id.sequence.max(1)),
    }
}

/// The cursor of who goes on with sequence `next`.
pub fn text(log: &Log, next: u64) -> String {
    match next.checked_sub(1) {
        None | Some(0) => "1".into(),
        Some(last) => log.id_of(last).in_full(),
    }
}
