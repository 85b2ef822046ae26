//! A job that redrives or drops all that is parked and that a filter wants.

use super::filter::SagaFilter;
use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What a job does to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobAction {
    /// Tries it again.
    Redrive,
    /// Gives it up.
    Drop,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It has come to the end.
    Done,
    /// It was stopped by hand.
    Canceled,
    /// It goes on, also after a restart.
    Running,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOrder {
    /// Names the job, on all nodes.
    pub id: String,
    /// What is done to each.
    pub action: JobAction,
    /// To which.
    pub filter: SagaFilter,
    /// Who wants it.
    pub by: String,
}

/// A job of this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// What is to be done.
    pub order: JobOrder,
    /// How far it has come.
    pub state: JobState,
    /// When it began, by the machine's clock.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How many it has redriven or dropped.
    pub touched: u64,
    /// How many of those could not be processed again, and are still parked.
    pub parked_again: u64,
    /// How many could not be redriven or dropped.
    pub failed: u64,
    /// Why not, the last time.
    pub error: Option<String>,
    /// The cursor of the last one, from which it goes on.
    pub cursor: Option<String>,
}

impl Job {
    /// One that begins.
    pub fn new(order: JobOrder, now: Timestamp) -> Self {
        Self {
            order,
            state: JobState::Running,
            begun: now,
            ended: None,
            touched: 0,
            parked_again: 0,
            failed: 0,
            error: None,
            cursor: None,
        }
    }

    /// It has ended.
    pub fn end(&mut self, state: JobState, now: Timestamp) {
        self.state = state;
        self.ended = Some(now);
    }
}
