//! The way between the contexts of one node. A message takes no time and arrives once; a test may put a network there.

use crate::domain::{AskId, NoAnswer};
use std::time::Duration;

/// Decides what becomes of messages between contexts.
pub trait Network: Send + Sync {
    /// How a message is delivered: once after each of these pauses. With none it is lost.
    fn deliveries(&self, message: Transmission<'_>) -> Vec<Duration>;
    /// `context` has answered that ask; what becomes of the answer on its way is another question.
    fn observe_answer(&self, _context: &'static str, _ask: &AskId, _answer: &Result<(), NoAnswer>) {
    }
}

/// A message from one context to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmission<'a> {
    /// What it is.
    pub kind: TransmissionKind,
    /// From which context.
    pub from: &'a str,
    /// To which.
    pub to: &'a str,
}

/// What contexts send each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransmissionKind {
    /// A question.
    Ask,
    /// The answer to one.
    Answer,
    /// Events, from their source to a subscriber.
    Events,
}
