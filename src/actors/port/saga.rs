//! What connects the things that one request sets going.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, sync::Arc};

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
    /// The customer whose saga it is: of a client's command, whose the thing is to be that it begins.
    pub owner: Option<Arc<str>>,
}

/// An owner as it is stored: as any text.
pub mod owner_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    /// Writes it.
    pub fn serialize<S: Serializer>(owner: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
        owner.as_deref().serialize(to)
    }
    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Into::into))
    }
}
