//! `[events]`: how events look to consumers.

use super::check::{Invalid, require};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The prefixes that the attributes of a CloudEvent may have in AMQP headers.
pub const PREFIXES: [&str; 4] = ["cloudEvents:", "cloudEvents_", "ce-", ""];

/// How events look to consumers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Prefix of the attributes of a CloudEvent in AMQP headers: `cloudEvents:`, `cloudEvents_`, `ce-` or nothing.
    pub amqp_prefix: String,
    /// By context, the version in which its events are written for other nodes and consumers, where
    /// all of them read a later one than the release writes by itself.
    pub write_versions: BTreeMap<String, u16>,
}

impl Default for Events {
    fn default() -> Self {
        Self { amqp_prefix: PREFIXES[0].into(), write_versions: BTreeMap::new() }
    }
}

impl Events {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let is_known = PREFIXES.contains(&self.amqp_prefix.as_str());
        require(is_known, "events.amqp_prefix", || {
            format!("`{}` is not allowed; allowed are {PREFIXES:?}", self.amqp_prefix)
        })
    }
}
