//! The settings, from the JSON Schemas of their types: doc comments are the meanings.

use super::table::{code, table};
use crate::{
    config,
    domain::{Aggregate, Board, View},
    systems,
};
use schemars::schema_for;
use serde_json::{Map, Value};

/// Key, environment variable, default, unit and meaning of every setting.
pub fn settings() -> String {
    let schema = config::schema();
    let mut rows = SettingRows { root: &schema, keys: Vec::new(), rows: Vec::new() };
    rows.object(&schema, "");
    let mut all = rows.rows;
    for system in systems::NAMES {
        let mut found = SystemSettings { system, keys: Vec::new(), rows: Vec::new() };
        systems::lay_out(system, &mut found);
        all.extend(found.rows);
    }
    let columns = ["key", "environment variable", "default", "unit", "meaning"];
    table(columns, all)
}

/// The rows of one schema.
struct SettingRows<'a> {
    root: &'a Value,
    keys: Vec<String>,
    rows: Vec<[String; 5]>,
}

impl<'a> SettingRows<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|path| self.root.pointer(path.trim_start_matches('#')));
        target.unwrap_or(schema)
    }

    /// Adds the properties of an object under `prefix`.
    fn object(&mut self, schema: &'a Value, prefix: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            self.property(property, &format!("{prefix}{name}"));
        }
    }

    fn property(&mut self, property: &'a Value, key: &str) {
        let schema = self.resolve(property);
        if schema.get("properties").is_some() {
            return self.object(schema, &format!("{key}."));
        }
        // A map by system of a map by context: a table for each context.
        let of_system = schema.get("additionalProperties").map(|inner| self.resolve(inner));
        let of_context = of_system.and_then(|inner| inner.get("additionalProperties"));
        if let Some(of_context) = of_context.map(|inner| self.resolve(inner)) {
            let key = format!("{key}.SYSTEM.CONTEXT");
            if of_context.get("properties").is_some() {
                return self.object(of_context, &format!("{key}."));
            }
            return self.row(property, &key);
        }
        self.row(property, key);
    }

    fn row(&mut self, property: &Value, key: &str) {
        if self.keys.iter().any(|known| known == key) {
            return;
        }
        self.keys.push(key.to_owned());
        let text = |name: &str| property.get(name).and_then(Value::as_str);
        let default = text("x-default").map_or_else(|| default(property), str::to_owned);
        let unit = text("x-unit").unwrap_or_else(|| unit(key));
        let meaning = text("description").unwrap_or_default().replace('\n', " ");
        let variable = code(&config::variable(key));
        self.rows.push([code(key), variable, default, unit.to_owned(), meaning]);
    }
}

fn default(property: &Value) -> String {
    match property.get("default") {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::Object(fields)) if fields.is_empty() => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::String(text)) => code(text),
        Some(value) => code(&value.to_string()),
    }
}

/// The unit that the end of a key names.
fn unit(key: &str) -> &'static str {
    let units = [
        ("_ms", "ms"),
        ("_s", "s"),
        ("_hours", "hours"),
        ("_mb", "MiB"),
        ("_mb_per_second", "MiB/s"),
        ("_percent", "percent"),
    ];
    units.into_iter().find(|(suffix, _)| key.ends_with(suffix)).map_or("", |(_, unit)| unit)
}

/// Collects the settings of the contexts of one system.
struct SystemSettings {
    system: &'static str,
    keys: Vec<String>,
    rows: Vec<[String; 5]>,
}

impl Board for SystemSettings {
    fn aggregate<A: Aggregate>(&mut self) {
        let mut schema = schema_for!(A::Settings).to_value();
        let defaults = serde_json::to_value(A::Settings::default()).unwrap_or_default();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        set_defaults(properties, &defaults);
        let keys = std::mem::take(&mut self.keys);
        let mut rows = SettingRows { root: &schema, keys, rows: Vec::new() };
        rows.object(&schema, &format!("systems.{}.", self.system));
        self.keys = rows.keys;
        self.rows.extend(rows.rows);
    }
    fn view<V: View>(&mut self) {}
}

/// Notes the default of every property.
fn set_defaults(properties: Option<&mut Map<String, Value>>, defaults: &Value) {
    for (name, property) in properties.into_iter().flatten() {
        if let (Some(property), Some(default)) = (property.as_object_mut(), defaults.get(name)) {
            property.insert("default".into(), default.clone());
        }
    }
}
