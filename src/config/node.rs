//! `[node]`: this node among others.

use super::{
    check::{Invalid, in_range},
    secret::Secret,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// This node among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSection {
    /// Name of this node in messages of other nodes.
    #[schemars(extend("x-default" = "the address of `http.listen`"))]
    pub name: Option<String>,
    /// The contexts that this node hosts (flag `--contexts`); `none`: it is a gateway.
    #[schemars(extend("x-default" = "all"))]
    pub contexts: Option<Vec<String>>,
    /// What nodes authenticate each other with: the same for all, at least 16 characters.
    pub credential: Option<Secret>,
    /// File that contains the credential.
    pub credential_file: Option<PathBuf>,
    /// Contexts of other nodes whose history is accepted at this start, whatever was known of it (flag
    /// `--accept-history`).
    pub accept_history: Vec<String>,
    /// How many nodes may forward a request; 508 beyond.
    pub max_hops: usize,
    /// The largest answer of another node.
    #[schemars(extend("x-unit" = "bytes"))]
    pub answer_limit: usize,
}

impl Default for NodeSection {
    fn default() -> Self {
        Self {
            name: None,
            contexts: None,
            credential: None,
            credential_file: None,
            accept_history: Vec::new(),
            max_hops: 4,
            answer_limit: 16 << 20,
        }
    }
}

/// In `node.contexts`: no context at all.
pub const NO_CONTEXTS: &str = "none";

impl NodeSection {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        in_range("node.max_hops", self.max_hops as u64, 1, 64)?;
        in_range("node.answer_limit", self.answer_limit as u64, 64 << 10, 1 << 30)
    }
}
