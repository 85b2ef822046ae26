//! Text messages on their way to people.

use super::event_log::OutboundMessage;
use crate::domain::Timestamp;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// Sends text messages.
pub trait MessageGateway: Send + Sync {
    /// Sends one. A repeat comes under the same id.
    fn send<'a>(&'a self, message: &'a OutboundMessage) -> BoxFuture<'a, Result<(), NotSent>>;
}

/// Why a text message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The gateway will never take it.
    #[error("{0}")]
    Refused(String),
    /// It may take it later.
    #[error("{0}")]
    Failed(String),
}

/// A text message that the gateway refuses, until an operator retries or drops it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedMessage {
    /// The context whose message it is.
    pub context: String,
    /// Its number there.
    pub number: u64,
    /// The event that queued it.
    pub event: String,
    /// The saga that it belongs to.
    pub saga: String,
    /// When it was queued.
    pub at: Timestamp,
    /// Why it is refused.
    pub reason: String,
}

/// A refused text message as it is listed. Of one whose row is damaged there is what the row's key tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedMessage {
    /// The context whose message it is.
    pub context: String,
    /// Its number there.
    pub number: u64,
    /// The rest, or why it cannot be read.
    pub message: Result<RefusedMessage, String>,
}
