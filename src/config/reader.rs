//! Reads a layer of the configuration by the schema: takes what is right, and collects what is wrong.

use super::{
    origin::{Origin, variable_name},
    raw::RawValue,
    schema::{Setting, SettingKind, all_settings},
    tables::{Tables, read_tables},
};
use crate::suggestion::find_closest;
use crate::systems;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem::discriminant,
    sync::LazyLock,
};

/// The values that are set, by key, with their origin.
pub type LayerValues = BTreeMap<String, (Value, Origin)>;

/// The settings by key, and by section the names in it.
struct KnownKeys {
    settings: HashMap<&'static str, &'static Setting>,
    sections: BTreeMap<String, BTreeSet<&'static str>>,
}

static KEYS: LazyLock<KnownKeys> = LazyLock::new(|| {
    let mut sections = BTreeMap::<_, BTreeSet<_>>::new();
    for setting in all_settings() {
        let mut rest = setting.key.as_str();
        while let Some((section, name)) = rest.rsplit_once('.') {
            sections.entry(section.to_owned()).or_default().insert(name);
            rest = section;
        }
        sections.entry(String::new()).or_default().insert(rest);
    }
    // A system may have nothing to set.
    for system in systems::NAMES {
        sections.entry(format!("systems.{system}")).or_default();
        sections.entry("systems".to_owned()).or_default().insert(system);
    }
    let settings = all_settings().iter().map(|setting| (setting.key.as_str(), setting)).collect();
    KnownKeys { settings, sections }
});

/// Whether `key` is that of a section.
pub fn is_section(key: &str) -> bool {
    KEYS.sections.contains_key(key)
}

/// The names in a section, as an error lists them.
fn section_names(section: &str) -> String {
    let names = KEYS.sections.get(section).into_iter().flatten();
    names.copied().collect::<Vec<_>>().join(", ")
}

/// Reads layers. A later one wins.
#[derive(Debug, Default)]
pub struct LayerReader {
    /// What has been read.
    pub values: LayerValues,
    /// Where the values in lists of tables come from, by key: `auth.issuers[0].url`.
    pub places: BTreeMap<String, Origin>,
    /// What is wrong, in words.
    pub problems: Vec<String>,
}

impl LayerReader {
    /// Takes the value of a key.
    pub fn read_value(&mut self, key: &str, value: &RawValue, origin: Origin) {
        let Some(setting) = KEYS.settings.get(key) else {
            return self.wrong_key(key, value, &origin);
        };
        let read = match &setting.kind {
            SettingKind::Tables(_) => {
                read_tables(setting, value, &origin).map(|tables| self.take_tables(key, tables))
            }
            _ => value.read_setting(setting),
        };
        match read {
            Some(value) => self.take(key, value, origin),
            None => {
                let found = wrong_value(setting, &value.show_value());
                let allowed = setting.allowed();
                self.problems.push(format!("{key} ({origin}): expected {allowed}, found {found}"));
            }
        }
    }

    /// A later layer wins; within one layer a key is set once, in whichever of its spellings.
    fn take(&mut self, key: &str, value: Value, origin: Origin) {
        if let Some((_, before)) = self.values.get(key)
            && discriminant(before) == discriminant(&origin)
        {
            return self.problems.push(format!("{key} ({origin}): set already ({before})"));
        }
        self.values.insert(key.to_owned(), (value, origin));
    }

    /// Takes the places and problems of tables, instead of those of an earlier layer.
    fn take_tables(&mut self, key: &str, tables: Tables) -> Value {
        let Tables { values, origins, problems } = tables;
        let within = format!("{key}[");
        self.places.retain(|place, _| !place.starts_with(&within));
        self.places.extend(origins);
        self.problems.extend(problems);
        values.into()
    }

    fn wrong_key(&mut self, key: &str, value: &RawValue, origin: &Origin) {
        let problem = if is_section(key) {
            let names = section_names(key);
            format!(
                "{key} ({origin}): expected a table of settings, which are {names}; found {}",
                value.show_value()
            )
        } else {
            unknown_key(key, origin)
        };
        self.problems.push(problem);
    }
}

/// Says that there is no such key, and which it may have been meant for.
fn unknown_key(key: &str, origin: &Origin) -> String {
    let known = KEYS.settings.keys().copied().chain(KEYS.sections.keys().map(String::as_str));
    let meant = find_closest(key, known);
    let meant = meant.map_or_else(
        || ".".to_owned(),
        |meant| match origin {
            Origin::Environment(_) => {
                format!("; did you mean `{meant}`, `{}`?", variable_name(meant))
            }
            _ => format!("; did you mean `{meant}`?"),
        },
    );
    let mut section = key;
    while !is_section(section) {
        section = section.rsplit_once('.').map_or("", |(section, _)| section);
    }
    match (section, section_names(section)) {
        ("", names) => format!("{key} ({origin}): unknown key{meant} The keys are {names}"),
        (section, names) if names.is_empty() => {
            format!("{key} ({origin}): unknown key; {section} has no settings")
        }
        (section, names) => {
            format!("{key} ({origin}): unknown key{meant} The keys of {section} are {names}")
        }
    }
}

/// A value as an error may show it.
fn wrong_value(setting: &Setting, shown: &str) -> String {
    if setting.is_secret {
        "something else, which is a secret".to_owned()
    } else {
        shown.to_owned()
    }
}
