//! Numbers of asks.

use super::{Entity, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Identifies one ask for ever: who asks, and which of its attempts this is. Asking again after a crash repeats the
/// attempt; asking anew after an undo is the next one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AskId {
    /// The asking context: `bookrent.rent`.
    pub context: Cow<'static, str>,
    /// The asking aggregate's number.
    pub number: u64,
    /// Counts the asking aggregate's attempts, from 1.
    pub attempt: u32,
}

impl AskId {
    /// The `attempt`-th ask of aggregate `id`.
    pub fn of<A: Entity>(id: Id<A>, attempt: u32) -> Self {
        Self { context: Cow::Borrowed(A::NAME.context), number: id.get(), attempt }
    }
}
impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}/{}", self.context, self.number, self.attempt)
    }
}
impl fmt::Debug for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
