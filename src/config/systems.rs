//! `systems = [...]`, or `[systems.NAME]`: which systems run, and their settings.

use super::check::{Invalid, require};
use crate::systems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which systems run, and their settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Systems {
    /// The systems to run (flag `--system`); also written `systems = ["bookrent"]`.
    #[schemars(extend("x-default" = "all"))]
    pub enabled: Vec<String>,
    /// The settings of each system, by name.
    #[serde(flatten)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl Systems {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let enabled = self.enabled.iter().map(|name| (name, "systems.enabled".to_owned()));
        let configured = self.settings.keys().map(|name| (name, format!("systems.{name}")));
        for (name, key) in enabled.chain(configured) {
            require(systems::NAMES.contains(&name.as_str()), key, || {
                format!("unknown system `{name}`; systems are {}", systems::NAMES.join(", "))
            })?;
        }
        Ok(())
    }
}
