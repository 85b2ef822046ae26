//! The settings, from the one schema: doc comments are the meanings.

use super::table::{code_text, write_table};
use crate::config::{self, Setting, SettingKind};

/// Key, environment variable, default, what is allowed, unit and meaning of every setting. What is there for each context
/// is one row.
pub fn list_settings() -> String {
    let mut keys = Vec::new();
    let mut rows = Vec::new();
    for setting in config::all_settings() {
        let key = setting.pattern.clone().unwrap_or_else(|| setting.key.clone());
        if keys.contains(&key) {
            continue;
        }
        let variable = code_text(&config::variable_name(&key));
        let default = setting.default.clone().unwrap_or_else(|| "none".to_owned());
        let allowed = allowed_text(setting);
        rows.push([
            code_text(&key),
            variable,
            default,
            allowed,
            setting.unit.clone(),
            setting.meaning.clone(),
        ]);
        if let SettingKind::Tables(fields) = &setting.kind {
            rows.extend(fields.iter().map(|field| field_row(&key, field)));
        }
        keys.push(key);
    }
    write_table(["key", "environment variable", "default", "allowed", "unit", "meaning"], rows)
}

/// The row of a setting in the tables of `list`.
fn field_row(list: &str, field: &Setting) -> [String; 6] {
    [
        code_text(&format!("{list}[].{}", field.key)),
        "in that of the list".to_owned(),
        field.default.clone().unwrap_or_else(|| "none".to_owned()),
        allowed_text(field),
        field.unit.clone(),
        field.meaning.clone(),
    ]
}

/// What is allowed, as far as it fits a row.
fn allowed_text(setting: &Setting) -> String {
    match &setting.kind {
        _ if setting
            .pattern
            .as_ref()
            .is_some_and(|key| key.starts_with("events.write_versions")) =>
        {
            "a version that this release can write".to_owned()
        }
        SettingKind::Integer { least, most: u64::MAX } => format!("from {least}"),
        SettingKind::Integer { least, most } => format!("{least} to {most}"),
        SettingKind::List(of) if setting.expected.is_none() => match of.as_ref() {
            SettingKind::Choice(choices) if choices.len() > 10 => "a list of contexts".to_owned(),
            SettingKind::Choice(choices) => {
                format!(
                    "a list of {}",
                    choices.iter().map(|choice| code_text(choice)).collect::<Vec<_>>().join(", ")
                )
            }
            _ => "a list".to_owned(),
        },
        SettingKind::Tables(_) => "a list of tables".to_owned(),
        _ => setting.allowed(),
    }
}
