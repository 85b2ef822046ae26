//! `[admission]`: how many commands run at once.

use super::check::{Invalid, in_range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many commands run at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admission {
    /// Commands of clients that one context handles at once; 503 beyond.
    pub per_context: usize,
}

impl Default for Admission {
    fn default() -> Self {
        Self { per_context: 1024 }
    }
}

impl Admission {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        in_range("admission.per_context", self.per_context as u64, 1, 1 << 20)
    }
}
