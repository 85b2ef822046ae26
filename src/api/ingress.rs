//! The health of a way in for commands besides HTTP.

use serde::Serialize;
use std::fmt::Debug;

/// A way in for commands besides HTTP.
pub trait Ingress: Debug + Send + Sync {
    /// Its health.
    fn health(&self) -> IngressHealth;
}

/// The health of an ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressHealth {
    /// Its name: `commands`.
    pub inlet: &'static str,
    /// Whether commands can arrive.
    pub up: bool,
    /// `connected`, `blocked`, `away`.
    pub state: &'static str,
    /// Why they cannot.
    pub error: Option<String>,
    /// How many replies were sent.
    pub answered: u64,
    /// How many replies had no queue to go to any more.
    pub unroutable: u64,
    /// How many commands were rejected without a queue to reply to.
    pub rejected: u64,
    /// How often it reconnected.
    pub reconnects: u64,
}
