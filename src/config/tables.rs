//! A list of tables: `[[auth.issuers]]`, or, as a variable has it, `[{ url = "…" }, …]`.

use super::{
    origin::Origin,
    raw::{RawValue, TableField},
    schema::{Setting, SettingKind},
    toml_value::read_value,
};
use crate::suggestion::find_closest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The tables, and where each of their values comes from.
#[derive(Debug, Default)]
pub struct Tables {
    /// Each as an object.
    pub values: Vec<Value>,
    /// By key: `auth.issuers[0].url`.
    pub origins: BTreeMap<String, Origin>,
    /// What is wrong, in words.
    pub problems: Vec<String>,
}

/// Reads the tables of `setting` from `value`; `None` where that is no list of tables.
pub fn read_tables(setting: &Setting, value: &RawValue, origin: &Origin) -> Option<Tables> {
    let SettingKind::Tables(fields) = &setting.kind else { return None };
    let written = match value {
        RawValue::Text(text) => read_value(text)?,
        value => value.clone(),
    };
    let RawValue::List(items) = written else { return None };
    let mut tables = Tables::default();
    for (at, item) in items.iter().enumerate() {
        let RawValue::Table(written) = item else { return None };
        let key = format!("{}[{at}]", setting.key);
        // A table is where its first value is.
        let first = written.iter().min_by_key(|field| field.line);
        let place = first.map_or_else(|| origin.clone(), |field| field.origin(origin));
        tables.origins.insert(key.clone(), place);
        let mut object = Map::new();
        for field in written {
            tables.read_field(&key, fields, field, origin, &mut object);
        }
        tables.values.push(object.into());
    }
    Some(tables)
}

impl Tables {
    fn read_field(
        &mut self,
        table: &str,
        known: &[Setting],
        field: &TableField,
        origin: &Origin,
        object: &mut Map<String, Value>,
    ) {
        let TableField { name, value, .. } = field;
        let key = format!("{table}.{name}");
        let origin = field.origin(origin);
        let Some(setting) = known.iter().find(|setting| setting.key == *name) else {
            let names: Vec<_> = known.iter().map(|setting| setting.key.as_str()).collect();
            let meant = find_closest(name, names.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let names = names.join(", ");
            let problem = format!("{key} ({origin}): unknown key{meant} The keys are {names}");
            return self.problems.push(problem);
        };
        match value.read_setting(setting) {
            Some(value) => {
                object.insert(name.clone(), value);
                self.origins.insert(key, origin);
            }
            None => {
                let allowed = setting.allowed();
                let found = value.show_value();
                self.problems.push(format!("{key} ({origin}): expected {allowed}, found {found}"));
            }
        }
    }
}
