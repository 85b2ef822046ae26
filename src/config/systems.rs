//! `systems = [...]`, or `[systems.NAME]`: which systems run, and their settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which systems run, and their settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Systems {
    /// The systems to run (flag `--system`); also written `systems = ["bookrent"]`.
    #[schemars(extend("x-default" = "all", "x-items" = "systems"))]
    pub enabled: Vec<String>,
    /// The settings of each system, by name.
    #[serde(flatten)]
    pub settings: BTreeMap<String, serde_json::Value>,
}
