//! How contexts are doing, and what happened in them, for those who operate a node.

use crate::{
    domain::{OrderOutcome, Timestamp},
    durations::DurationCounts,
    store::Commit,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The phase of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Phase {
    Starting,
    Running,
    /// Restarting with backoff after crashes; mail is kept.
    Degraded,
    /// It crashed too often; only a start by hand brings it back.
    Failed,
    /// Stopped by hand.
    Stopped,
}

/// How a context is doing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextHealth {
    /// `bookrent.rent`.
    pub context: &'static str,
    /// Whether it only listens.
    pub view: bool,
    /// Its phase.
    pub state: Phase,
    /// Restarts since the process began.
    pub restarts: u64,
    /// Messages whose decision panicked since the process began.
    pub crashes: u64,
    /// Mail that waits for a turn.
    pub mailbox: u64,
    /// Events of its sources that it has not taken yet.
    pub backlog: u64,
    /// Callers that wait for their aggregate's question to be settled.
    pub waiting: u64,
    /// Events set aside.
    pub parked: u64,
    /// Keys that more than one of its things claims, since what is a key has changed. None is free before all have given
    /// it up.
    pub contested: Vec<Contested>,
    /// How many rows have been rewritten at this start, while that goes on; until then it answers no request.
    pub rebuilding: Option<u64>,
    /// How often something that it keeps was found damaged since the process began.
    pub damaged: u64,
    /// What that was, the last time.
    pub damage: Option<String>,
    /// The commit of its last batch.
    pub last_commit: Commit,
    /// The last sequence in its log.
    pub last_sequence: u64,
    /// How its orders have ended, if it has orders.
    #[serde(skip)]
    pub orders: Option<OrderCounts>,
    /// The fault that is injected into its answers.
    pub fault: Option<Injected>,
    /// The guard in front of it, as its askers see it.
    pub guard: Option<GuardHealth>,
}

/// A key that more than one thing claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contested {
    /// The key.
    pub key: String,
    /// Who claims it.
    pub numbers: Vec<u64>,
}

/// The guard of an asked context.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardHealth {
    /// `closed`, `open` or `halfOpen`.
    pub breaker: &'static str,
    /// How often the breaker has opened since the process began.
    pub opened: u64,
    /// Questions under way.
    pub in_flight: u64,
    /// How long questions took that were answered.
    #[serde(skip)]
    pub answered: DurationCounts,
    /// How long those took that had no answer.
    #[serde(skip)]
    pub unanswered: DurationCounts,
}

/// How many orders have ended in each way since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderCounts([u64; OrderOutcome::ENDED.len()]);

impl OrderCounts {
    /// Counts one; an order that is pending has not ended.
    pub fn count_outcome(&mut self, outcome: OrderOutcome) {
        let place = OrderOutcome::ENDED.iter().position(|known| *known == outcome);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }

    /// Adds what others have counted.
    pub fn add_counts(&mut self, others: Self) {
        self.0.iter_mut().zip(others.0).for_each(|(count, more)| *count += more);
    }

    /// Each outcome, and how many had it.
    pub fn all(&self) -> impl Iterator<Item = (OrderOutcome, u64)> {
        OrderOutcome::ENDED.into_iter().zip(self.0)
    }
}

/// A fault injected into a context's answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Injected {
    /// The answer is held back for a time between these, in milliseconds.
    pub delay_ms: (u64, u64),
    /// The share of answers, 0 to 1, that are lost.
    pub failure_rate: f64,
}

/// Names a parked event: by listener, source, source aggregate and sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ParkedId {
    pub source: String,
    pub aggregate: u64,
    pub sequence: u64,
}

/// Stands in the place of the source aggregate in an id of those who are not shown it. The sequence alone tells which event it is.
pub const PARKED_NUMBER_HIDDEN: &str = "-";

impl ParkedId {
    /// Its id among all that is parked, where `listener` could not take it.
    pub fn write_for(&self, listener: &str) -> String {
        let Self { source, aggregate, sequence } = self;
        format!("{listener}~{source}~{aggregate}~{sequence}")
    }
}

/// An event that its listener could not take.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEvent {
    /// Its name among the parked.
    #[serde(flatten)]
    pub id: ParkedId,
    /// Who could not take it.
    pub listener: &'static str,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: String,
}

/// One thing that happened in a saga.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SagaEntry {
    /// Business time.
    pub at: Timestamp,
    /// Where.
    pub context: Cow<'static, str>,
    /// To which thing.
    pub number: u64,
    /// The sequence in the context's log.
    pub sequence: u64,
    /// The aggregate's version after it.
    pub version: u64,
    /// The event's name, `asks` for an open question, `answered` for one that was put here, `parked` for an event that waits.
    pub what: String,
    /// What caused it: a command, or an event elsewhere.
    pub cause: String,
    /// The event's fields.
    pub data: serde_json::Value,
}

/// Some of what a context knows of a saga.
#[derive(Debug, Clone, Default)]
pub struct SagaPart {
    /// What happened, in sequence.
    pub entries: Vec<SagaEntry>,
    /// Where there is more: the sequence to go on from.
    pub next: Option<u64>,
}
