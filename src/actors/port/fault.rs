//! Why an order or a look came to nothing.

use crate::domain::{Noun, OrderOutcome, Refusal, lenient::BadBody};
use std::time::Duration;

/// What a request named that there is not, where it is nothing of a business.
pub const CONTEXT: Noun = Noun::new("context", "컨텍스트");
/// The same of a route of a context.
pub const ROUTE: Noun = Noun::new("route", "경로");
/// The same of a parked event.
pub const PARKED_EVENT: Noun = Noun::new("parked event", "보류된 이벤트");

/// Why an order or a look came to nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The business refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was refused before, and the answer was kept under the idempotency key.
    #[error(transparent)]
    RefusedBefore(Refusal),
    /// The body is not what the route takes: where (a JSON pointer) and what.
    #[error("the body cannot be read: {0}")]
    BadBody(#[from] BadBody),
    /// The body of a `PATCH` gives none of the fields that it may change.
    #[error("there is nothing to change: none of {fields} is given")]
    NothingToChange {
        /// Which fields those are, in words.
        fields: String,
    },
    /// It is longer than what is kept of one thing.
    #[error("this is too long: {limit} bytes in all are kept of one thing")]
    TooLong {
        /// How many bytes are kept.
        limit: usize,
    },
    /// `If-Match` names another version than the current one.
    #[error("the version is {current} by now")]
    VersionMismatch {
        /// The current version, 0 where there is no such thing.
        current: u64,
    },
    /// The idempotency key was used with another payload.
    #[error("the idempotency key was used with another payload")]
    KeyReused,
    /// Not even begun, as it was too much at once or a guard refused; or nothing came of it, as the context that was asked did not
    /// answer, and may not be asked again before that time is over.
    #[error("please try again in a moment")]
    Busy {
        /// When.
        retry_after: Duration,
    },
    /// Not even begun: the sender has as many commands under way here as one may have.
    #[error("at most {limit} commands of one sender are carried out at once")]
    TooManyAtOnce {
        /// How many that is.
        limit: usize,
    },
    /// Not even begun: the disk has no room for more than what was accepted.
    #[error("the disk is full")]
    DiskFull,
    /// The context is stopped, failed or restarting.
    #[error("{0} is away")]
    Away(&'static str),
    /// The command crashed its context; it had no effect.
    #[error("the command failed unexpectedly; nothing was recorded")]
    Crashed,
    /// The log of a context has another past than the one that is known.
    #[error("{detail}")]
    HistoryChanged {
        /// Whose log.
        context: String,
        /// What was found, and what to do.
        detail: String,
    },
    /// The store has failed.
    #[error("{0}")]
    Store(String),
    /// What this rests on cannot be read any more. Everything else goes on.
    #[error("this is damaged and cannot be read: {0}")]
    Damaged(String),
    /// The server has stopped in the middle of it: it may be done, or not.
    #[error("whether it was done is not known")]
    Unknown,
    /// A sort that no index serves.
    #[error("lists of {collection} are sorted by {allowed}")]
    SortUnsupported {
        /// The collection.
        collection: &'static str,
        /// What it can be sorted by, in words.
        allowed: String,
    },
    /// A filter value that is none for its field.
    #[error("`{value}` is no value of {field}")]
    BadFilter {
        /// The field.
        field: String,
        /// The value.
        value: String,
    },
    /// The number of a filter is beyond the bound of all numbers, and nothing has it.
    #[error("{0} is out of range")]
    OutOfRange(String),
    /// A list is not filtered by that.
    #[error("there is no filter `{field}`; there are: {allowed}")]
    UnknownFilter {
        /// What was given.
        field: String,
        /// What it can be filtered by, in words.
        allowed: String,
    },
    /// A filter that is there twice.
    #[error("the filter {0} is given twice")]
    FilterTwice(String),
    /// More filters than are taken.
    #[error("at most {0} filters are taken")]
    TooManyFilters(usize),
    /// A cursor that no page of this list gave.
    #[error("`after` is no cursor of this list")]
    BadCursor,
    /// The page is too far into the list to be found by counting.
    #[error("the page is too deep; follow `next` of the first page instead")]
    PageTooDeep,
}

/// Why a command came to nothing, and what that means for the order that it concerns.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct CommandFault {
    /// Why.
    pub fault: Fault,
    /// How the order has ended. `None`: there is no order, because nothing was recorded or what the command is for is none.
    pub order: Option<OrderOutcome>,
}

impl<F: Into<Fault>> From<F> for CommandFault {
    fn from(fault: F) -> Self {
        Self { fault: fault.into(), order: None }
    }
}
