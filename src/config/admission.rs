//! `[admission]`: how many commands run at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many commands run at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionSection {
    /// Commands of clients that one context handles at once; 503 beyond.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub per_context: usize,
}

impl Default for AdmissionSection {
    fn default() -> Self {
        Self { per_context: 1024 }
    }
}
