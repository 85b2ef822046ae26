//! Puts the configuration together.

use super::{
    check::Invalid,
    environment, file,
    flags::{self, Flags},
    origin::Origin,
    reader::{LayerReader, LayerValues},
    schema::{self, Setting},
    secret_files,
    settings::Settings,
    system_settings,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::Path};

/// Why there is no configuration. Each problem has its key, where the value comes from, what is wrong, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigProblem(pub String);

impl From<Invalid> for ConfigProblem {
    fn from(Invalid { key, reason }: Invalid) -> Self {
        Self(format!("{key}: {reason}"))
    }
}

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
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Config {
    /// Puts the configuration together and checks it.
    ///
    /// # Errors
    /// [`ConfigProblem`] names all that is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
    ) -> Result<Self, ConfigProblem> {
        let config = Self::read(file, environment, flags)?;
        let wrong = config.settings.check();
        fail_with(wrong.iter().map(|invalid| config.describe_problem(invalid)).collect())?;
        Ok(config)
    }

    /// Puts the configuration together. Whether its values may be so, and fit each other, is not checked.
    ///
    /// # Errors
    /// [`ConfigProblem`] names what cannot be read.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
    ) -> Result<Self, ConfigProblem> {
        let mut reader = LayerReader::default();
        if let Some(path) = file {
            file::read_file(path, &mut reader);
        }
        environment::read_environment(environment, &mut reader);
        flags::read_flags(flags, &mut reader);
        let LayerReader { values, places, problems } = reader;
        fail_with(problems)?;

        let origins = values.iter().map(|(key, (_, origin))| (key.clone(), origin.clone()));
        let origins = origins.chain(places).collect();
        let mut settings = read_settings(nest_values(values), &origins)?;
        let mut config = Self { settings: Settings::default(), origins };
        let from_files = secret_files::read_secrets(&mut settings);
        let from_files =
            from_files.map_err(|invalid| ConfigProblem(config.describe_problem(&invalid)))?;
        for key in from_files {
            let origin = config.origin_of(&format!("{key}_file"));
            config.origins.insert(key.to_owned(), origin);
        }
        config.settings = settings;
        Ok(config)
    }

    fn describe_problem(&self, Invalid { key, reason }: &Invalid) -> String {
        format!("{key} ({}): {reason}", self.origin_of(key))
    }

    /// Every value with its origin, in the order of the documents.
    pub fn list_settings(&self) -> Vec<Line> {
        let values = serde_json::to_value(&self.settings).unwrap_or_default();
        let enabled = self.settings.enabled_systems();
        let lines = schema::all_settings().iter().filter_map(|setting| {
            let key = setting.key.clone();
            let of_system = key.strip_prefix("systems.").and_then(|rest| rest.split_once('.'));
            if of_system.is_some_and(|(system, _)| !enabled.contains(&system)) {
                return None;
            }
            let set = values.pointer(&format!("/{}", key.replace('.', "/"))).cloned();
            let value = set.or_else(|| of_system.map(|_| setting.default_value.clone()))?;
            (!value.is_null()).then(|| Line { origin: self.origin_of(&key), key, value })
        });
        lines.collect()
    }

    /// Where the value under `key` comes from; one that a table leaves out, from where the table is.
    pub fn origin_of(&self, key: &str) -> Origin {
        let table = || key.rsplit_once("].").map(|(table, _)| format!("{table}]"));
        let origin = self.origins.get(key).or_else(|| self.origins.get(&table()?));
        origin.cloned().unwrap_or(Origin::Default)
    }
}

fn fail_with(problems: Vec<String>) -> Result<(), ConfigProblem> {
    if problems.is_empty() { Ok(()) } else { Err(ConfigProblem(problems.join("\n"))) }
}

/// The values as one object.
fn nest_values(values: LayerValues) -> Value {
    let mut root = Map::new();
    for (key, (value, _)) in values {
        let mut object = &mut root;
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                object.insert(part.to_owned(), value);
                break;
            }
            let inner = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { break };
            object = inner;
        }
    }
    Value::Object(root)
}

/// The values in their types, those of the systems too.
fn read_settings(
    values: Value,
    origins: &BTreeMap<String, Origin>,
) -> Result<Settings, ConfigProblem> {
    let problem = |key: String, value: &Value| {
        // The place may be an item of a list.
        let is_of = |setting: &&Setting| {
            key == setting.key || key.starts_with(&format!("{}[", setting.key))
        };
        let setting = schema::all_settings().iter().find(is_of);
        let key = setting.map_or(key.as_str(), |setting| setting.key.as_str());
        let origin = origins.get(key).unwrap_or(&Origin::Default);
        let found =
            value.pointer(&format!("/{}", key.replace('.', "/"))).cloned().unwrap_or_default();
        let found = match (setting, found) {
            (Some(setting), _) if setting.is_secret => {
                "something else, which is a secret".to_owned()
            }
            (_, Value::String(text)) => format!("`{text}`"),
            (_, value) => format!("`{value}`"),
        };
        let allowed = setting.map_or_else(|| "another value".to_owned(), Setting::allowed);
        ConfigProblem(format!("{key} ({origin}): expected {allowed}, found {found}"))
    };
    let settings: Settings = serde_path_to_error::deserialize(&values)
        .map_err(|error| problem(error.path().to_string(), &values))?;
    for (system, of_system) in &settings.systems.settings {
        if let Some(key) = system_settings::first_wrong(system, of_system) {
            return Err(problem(key, &values));
        }
    }
    Ok(settings)
}
