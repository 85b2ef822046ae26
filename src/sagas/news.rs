//! News of sagas that are stuck.

use super::row::{Reason, SagaRow};
use crate::{actors::NotSent, domain::Timestamp};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// A saga that is stuck, as receivers get it: nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckSaga {
    /// The system.
    pub system: String,
    /// The context in which it began.
    pub context: String,
    /// Its number there.
    pub number: u64,
    /// The context that owes it something.
    pub owed_by: String,
    /// What is owed, in a word.
    pub what: String,
    /// Why it has not been done.
    pub reason: Reason,
    /// Since when, in business time.
    pub since: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
}

impl From<SagaRow> for StuckSaga {
    fn from(row: SagaRow) -> Self {
        let SagaRow { system, context, number, owed_by, what, reason, since, attempts, .. } = row;
        Self { system, context, number, owed_by, what, reason, since, attempts }
    }
}

/// What has become of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewsKind {
    /// It is stuck.
    Stuck,
    /// It goes on, or has ended.
    Freed,
}

impl NewsKind {
    /// Its name on the wire.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Stuck => "saga.stuck",
            Self::Freed => "saga.freed",
        }
    }
}

/// What has become of a saga, to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SagaNews {
    /// The same for a repeat of the same news.
    pub id: String,
    /// What has become of it.
    pub kind: NewsKind,
    /// When that was noticed, by the machine's clock.
    pub at: Timestamp,
    /// The saga.
    pub saga: StuckSaga,
}

/// Receives news of sagas that are stuck.
pub trait StuckReceiver: Send + Sync {
    /// Sends it. A repeat comes under the same id.
    fn tell<'a>(&'a self, news: &'a SagaNews) -> BoxFuture<'a, Result<(), NotSent>>;
}
