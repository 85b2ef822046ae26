//! Whether keys and types are those of the settings, read off the JSON Schema of the settings: the error names the key, its
//! origin, what is wrong and what is allowed.

use super::{
    layers::{Origin, Table},
    settings::Settings,
};
use config::{Value as Given, ValueKind};
use serde_json::{Map, Value};

/// Checks `table` against the schema of the settings.
///
/// # Errors
/// What is wrong with the first key that does not fit.
pub(super) fn check(table: &Table) -> Result<(), String> {
    let schema = schema();
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.as_str());
    Checker { root: &schema }.table(&schema, "", &keys)
}

/// The JSON Schema of the settings.
pub fn schema() -> Value {
    schemars::schema_for!(Settings).to_value()
}

struct Checker<'a> {
    root: &'a Value,
}

impl<'a> Checker<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|path| self.root.pointer(path.trim_start_matches('#')));
        if let Some(target) = target {
            return self.resolve(target);
        }
        // An optional value: anything, or null.
        let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let mut choices = choices.filter(|choice| choice.get("type") != Some(&"null".into()));
        match choices.next() {
            Some(choice) => self.resolve(choice),
            None => schema,
        }
    }

    fn table(
        &self,
        schema: &'a Value,
        within: &str,
        table: &[(&String, &Given)],
    ) -> Result<(), String> {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (name, given) in table {
            let key = if within.is_empty() { (*name).clone() } else { format!("{within}.{name}") };
            match known.and_then(|known| known.get(name.as_str())).or(others) {
                Some(Value::Bool(true)) => {}
                Some(schema) if schema.is_object() => {
                    self.value(self.resolve(schema), &key, given)?;
                }
                _ if others == Some(&Value::Bool(false)) => {
                    return Err(unknown(&key, within, known, given));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn value(&self, schema: &'a Value, key: &str, given: &Given) -> Result<(), String> {
        if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() {
            let ValueKind::Table(table) = &given.kind else {
                return Err(wrong_type(key, given, "a table of settings"));
            };
            let mut keys: Vec<_> = table.iter().collect();
            keys.sort_by_key(|(key, _)| key.as_str());
            return self.table(schema, key, &keys);
        }
        let choices = choices(schema);
        if !choices.is_empty() {
            let is_choice = text(given).is_some_and(|text| choices.contains(&text.as_str()));
            let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            return expect(is_choice, key, given, &quoted.join(" or "));
        }
        let kinds = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(kind)) => vec![kind.as_str()],
            _ => return Ok(()),
        };
        match kinds.first().copied() {
            Some("integer") => integer(schema, key, given),
            Some("boolean") => expect(is_boolean(given), key, given, "`true` or `false`"),
            Some("string") => expect(text(given).is_some(), key, given, "text"),
            Some("array") => expect(is_list(given), key, given, "a list"),
            _ => Ok(()),
        }
    }
}

/// The values of an enumeration.
fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let variants = variants.filter_map(|variant| variant.get("const"));
    listed.chain(variants).filter_map(Value::as_str).collect()
}

/// A number, as TOML or the environment writes it, within the bounds of its type.
fn integer(schema: &Value, key: &str, given: &Given) -> Result<(), String> {
    let number = match &given.kind {
        ValueKind::I64(number) => i128::from(*number).into(),
        ValueKind::U64(number) => Some(i128::from(*number)),
        ValueKind::String(text) => text.parse::<i128>().ok(),
        _ => None,
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64).map(i128::from);
    let least = bound("minimum").unwrap_or(i128::from(i64::MIN));
    let most = bound("maximum").unwrap_or(i128::from(u64::MAX));
    let expected = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        (Some(least), None) => format!("a whole number from {least}"),
        _ => "a whole number".to_owned(),
    };
    expect(number.is_some_and(|number| (least..=most).contains(&number)), key, given, &expected)
}

fn is_boolean(given: &Given) -> bool {
    matches!(given.kind, ValueKind::Boolean(_)) || given.clone().into_bool().is_ok()
}

fn is_list(given: &Given) -> bool {
    matches!(given.kind, ValueKind::Array(_) | ValueKind::String(_))
}

fn text(given: &Given) -> Option<String> {
    match &given.kind {
        ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => None,
        _ => given.clone().into_string().ok(),
    }
}

fn expect(holds: bool, key: &str, given: &Given, expected: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong_type(key, given, expected)) }
}

fn wrong_type(key: &str, given: &Given, expected: &str) -> String {
    let shown = match &given.kind {
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        _ => format!("`{}`", text(given).unwrap_or_default()),
    };
    format!("{key} ({}): expected {expected}, found {shown}", origin(given))
}

fn unknown(key: &str, within: &str, known: Option<&Map<String, Value>>, given: &Given) -> String {
    let known = known.map(|known| known.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let whose = if within.is_empty() { "keys are" } else { &format!("keys of {within} are") };
    format!("{key} ({}): unknown key; {whose} {}", origin(given), known.join(", "))
}

/// Where the value, or the first value in the table, comes from.
fn origin(given: &Given) -> Origin {
    let inner = match &given.kind {
        ValueKind::Table(table) if given.origin().is_none() => table.values().next(),
        _ => None,
    };
    match inner {
        Some(inner) => origin(inner),
        None => Origin::of(given),
    }
}
