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
        keys.push(key);
    }
    write_table(["key", "environment variable", "default", "allowed", "unit", "meaning"], rows)
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
        _ => setting.allowed(),
    }
}
