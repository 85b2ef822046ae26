//! What would come of a command now, without giving it.

use crate::domain::Refusal;
use serde_json::Value;

/// A command that might be given to a thing.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The index of its route among the context's routes.
    pub route: usize,
    /// Its body, or one like it.
    pub body: Value,
}

/// What would come of it now.
#[derive(Debug, Clone, PartialEq)]
pub enum Prospect {
    /// Something would happen. The command in JSON tells it from others.
    Effective(Vec<u8>),
    /// It is so already.
    WithoutEffect,
    /// The state of the thing forbids it.
    Refused(Refusal),
    /// It depends on what is given; this was not good.
    Undecided,
}
