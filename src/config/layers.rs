//! The layers of the configuration: flags over environment over file over defaults.

use config::{FileFormat, Source, Value, ValueKind};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt, path::Path};

pub(super) type Table = config::Map<String, Value>;

const PREFIX: &str = "HOLDFAST_";
/// Variables that are read before there is a configuration.
const NOT_SETTINGS: &[&str] = &["HOLDFAST_LOG_FORMAT"];
/// Keys whose value in the environment is a comma-separated list.
const LISTS: &[&str] = &[
    "systems",
    "systems.enabled",
    "http.cors_origins",
    "http.trusted_proxies",
    "node.contexts",
    "node.accept_history",
];
const FLAG: &str = "a flag";
const FROM_ENVIRONMENT: &str = "environment ";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default.
    Default,
    /// A file, by its path.
    File(String),
    /// An environment variable, by its name.
    Environment(String),
    /// The command line.
    Flag,
}

impl Origin {
    /// The origin that a layer has noted on `value`.
    pub(super) fn of(value: &Value) -> Self {
        match value.origin() {
            None => Self::Default,
            Some(FLAG) => Self::Flag,
            Some(other) => match other.strip_prefix(FROM_ENVIRONMENT) {
                Some(variable) => Self::Environment(variable.to_owned()),
                None => Self::File(other.to_owned()),
            },
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Environment(variable) => write!(f, "{FROM_ENVIRONMENT}{variable}"),
            Self::Flag => f.write_str(FLAG),
        }
    }
}
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The flags of the command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--data`
    pub data: Option<String>,
    /// `--system`, each
    pub systems: Vec<String>,
    /// `--contexts`
    pub contexts: Option<Vec<String>>,
    /// `--accept-data-loss`
    pub accept_data_loss: bool,
    /// `--accept-history`, each
    pub accept_history: Vec<String>,
}

impl Flags {
    /// The flags as a layer.
    pub(super) fn layer(self) -> Table {
        let mut layer = Table::new();
        let origin = FLAG.to_owned();
        let mut put =
            |key: &str, kind: ValueKind| set(&mut layer, key, Value::new(Some(&origin), kind));
        if let Some(listen) = self.listen {
            put("http.listen", listen.into());
        }
        if let Some(data) = self.data {
            put("store.dir", data.into());
        }
        if let Some(contexts) = self.contexts {
            put("node.contexts", contexts.into());
        }
        if self.accept_data_loss {
            put("store.accept_data_loss", true.into());
        }
        if !self.accept_history.is_empty() {
            put("node.accept_history", self.accept_history.into());
        }
        if !self.systems.is_empty() {
            put("systems.enabled", self.systems.into());
        }
        layer
    }
}

/// The layer of a file.
///
/// # Errors
/// The file cannot be read, or is not TOML.
pub(super) fn file(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let table = config::File::from_str(&text, FileFormat::Toml)
        .collect()
        .map_err(|error| format!("{} is not valid TOML: {error}", path.display()))?;
    let origin = path.display().to_string();
    let mut layer = Table::new();
    for (key, value) in table {
        layer.insert(key.clone(), normalize(&key, with_origin(value, &origin)));
    }
    Ok(layer)
}

/// The value with `origin` for every value in it.
fn with_origin(value: Value, origin: &String) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => ValueKind::Table(
            table.into_iter().map(|(key, value)| (key, with_origin(value, origin))).collect(),
        ),
        kind => kind,
    };
    Value::new(Some(origin), kind)
}

/// `[guard."bookrent.book"]` becomes `[guard.bookrent.book]`, and `systems = [...]` becomes `systems.enabled = [...]`.
fn normalize(key: &str, value: Value) -> Value {
    let origin = value.origin().map(str::to_owned);
    match (key, value.kind) {
        ("guard" | "peers", ValueKind::Table(table)) => {
            let mut nested = Table::new();
            table.into_iter().for_each(|(key, value)| set(&mut nested, &key, value));
            Value::new(origin.as_ref(), ValueKind::Table(nested))
        }
        ("systems", kind @ ValueKind::Array(_)) => {
            let enabled =
                Table::from_iter([("enabled".to_owned(), Value::new(origin.as_ref(), kind))]);
            Value::new(origin.as_ref(), ValueKind::Table(enabled))
        }
        (_, kind) => Value::new(origin.as_ref(), kind),
    }
}

/// The layer of the environment.
pub(super) fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Table {
    let mut layer = Table::new();
    for (name, value) in variables {
        let Some(rest) =
            name.strip_prefix(PREFIX).filter(|_| !NOT_SETTINGS.contains(&name.as_str()))
        else {
            continue;
        };
        let key = rest.to_lowercase().replace("__", ".");
        let kind = if LISTS.contains(&key.as_str()) {
            let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.collect::<Vec<_>>().into()
        } else {
            // The settings of systems are read as JSON, which has numbers apart from text.
            match value.parse::<u64>() {
                Ok(number) if key.starts_with("systems.") => ValueKind::from(number),
                _ => ValueKind::from(value),
            }
        };
        let key = if key == "systems" { "systems.enabled".to_owned() } else { key };
        set(&mut layer, &key, Value::new(Some(&format!("{FROM_ENVIRONMENT}{name}")), kind));
    }
    layer
}

/// The environment variable of a key: `HOLDFAST_HTTP__LISTEN`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Puts `value` under the dotted `key`.
fn set(table: &mut Table, key: &str, value: Value) {
    let nested = match key.split_once('.') {
        None => Table::from_iter([(key.to_owned(), value)]),
        Some((first, rest)) => {
            let origin = value.origin().map(str::to_owned);
            let mut inner = Table::new();
            set(&mut inner, rest, value);
            Table::from_iter([(
                first.to_owned(),
                Value::new(origin.as_ref(), ValueKind::Table(inner)),
            )])
        }
    };
    merge(table, nested);
}

/// Merges `over` into `under`, key by key.
pub(super) fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        let origin = value.origin().map(str::to_owned);
        match (under.get_mut(&key).map(|value| &mut value.kind), value.kind) {
            (Some(ValueKind::Table(table)), ValueKind::Table(more)) => merge(table, more),
            (_, kind) => {
                under.insert(key, Value::new(origin.as_ref(), kind));
            }
        }
    }
}

/// Collects where each value of `table` comes from.
pub(super) fn origins(table: &Table, within: &str, found: &mut BTreeMap<String, Origin>) {
    for (key, value) in table {
        let key = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
        match &value.kind {
            ValueKind::Table(table) => origins(table, &key, found),
            _ => drop(found.insert(key, Origin::of(value))),
        }
    }
}
