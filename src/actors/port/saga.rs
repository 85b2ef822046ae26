//! What connects the things that one request sets going.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// A saga by its correlation id: the aggregate that began it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SagaId {
    /// The context of the aggregate that began it.
    pub context: Cow<'static, str>,
    /// Its number.
    pub number: u64,
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.context, self.number)
    }
}

/// What runs through everything that one request sets going.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TraceContext {
    /// The client's own correlation id.
    pub client: Option<String>,
    /// The trace.
    pub trace: Option<String>,
}
