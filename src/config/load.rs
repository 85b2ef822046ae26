//! Puts the configuration together.

use super::{
    layers::{self, Flags, Origin},
    settings::Settings,
    shape,
};
use config::{Value, ValueKind};
use std::{collections::BTreeMap, path::Path};

/// Why there is no configuration: the key, where its value comes from, what is wrong, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigProblem(pub String);

/// The configuration in effect.
#[derive(Debug, Clone)]
pub struct Config {
    /// The values.
    pub settings: Settings,
    origins: BTreeMap<String, Origin>,
}

/// One line of `check-config`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Line {
    /// The key: `http.listen`.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Config {
    /// Puts the configuration together and checks it.
    ///
    /// # Errors
    /// [`ConfigProblem`] names what is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
    ) -> Result<Self, ConfigProblem> {
        let mut merged = layers::Table::new();
        if let Some(path) = file {
            layers::merge(&mut merged, layers::file(path).map_err(ConfigProblem)?);
        }
        layers::merge(&mut merged, layers::environment(environment));
        layers::merge(&mut merged, flags.layer());
        let mut origins = BTreeMap::new();
        layers::origins(&merged, "", &mut origins);
        shape::check(&merged).map_err(ConfigProblem)?;
        let settings: Settings = Value::new(None, ValueKind::Table(merged))
            .try_deserialize()
            .map_err(|error| ConfigProblem(error.to_string()))?;
        let config = Self { settings, origins };
        config.settings.check().map_err(|invalid| {
            let origin = config.origin(&invalid.key);
            ConfigProblem(format!("{} ({origin}): {}", invalid.key, invalid.reason))
        })?;
        Ok(config)
    }

    /// Every value with its origin.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let values = serde_json::to_value(&self.settings).unwrap_or_default();
        self.flatten(String::new(), values, &mut lines);
        lines
    }

    fn flatten(&self, key: String, value: serde_json::Value, lines: &mut Vec<Line>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                    self.flatten(key, value, lines);
                }
            }
            serde_json::Value::Null => {}
            value => lines.push(Line { origin: self.origin(&key), key, value }),
        }
    }

    /// Where the value under `key` comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}
