//! A value as it is written, and what a setting makes of it.

use super::{
    origin::Origin,
    schema::{Setting, SettingKind},
};
use crate::domain::text;
use serde_json::{Value, json};

/// A value as it is written in a file, a variable or a flag.
#[derive(Debug, Clone, PartialEq)]
pub enum RawValue {
    /// A text. It may be that of a number, of a truth value, or of a list with commas: variables have nothing else.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<RawValue>),
    /// A table.
    Table(Vec<TableField>),
    /// Anything else, as it is shown in an error: a date, a number with a fraction.
    Other(String),
}

/// A value in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableField {
    /// Its name.
    pub name: String,
    /// Its line, in a file.
    pub line: Option<usize>,
    /// What is written there.
    pub value: RawValue,
}

impl TableField {
    /// Where it comes from, in a list that comes from `origin`.
    pub fn origin(&self, origin: &Origin) -> Origin {
        match (origin, self.line) {
            (Origin::File { path, .. }, Some(line)) => Origin::File { path: path.clone(), line },
            (origin, _) => origin.clone(),
        }
    }
}

impl RawValue {
    /// The value, as an error shows it.
    pub fn show_value(&self) -> String {
        match self {
            Self::Text(text) => format!("`{}`", visible(text)),
            Self::Integer(number) => format!("`{number}`"),
            Self::Boolean(value) => format!("`{value}`"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::show_value).collect();
                format!("the list [{}]", items.join(", "))
            }
            Self::Table(_) => "a table".to_owned(),
            Self::Other(shown) => shown.clone(),
        }
    }

    /// The value that `setting` takes from this, if it takes it.
    pub fn read_setting(&self, setting: &Setting) -> Option<Value> {
        let value = self.read_as(&setting.kind)?;
        let (SettingKind::Text { .. }, Value::String(text)) = (&setting.kind, &value) else {
            return Some(value);
        };
        // What is blank by default may be set blank again.
        let is_blank = text::is_blank(text) && setting.default_value != json!("");
        if is_blank || text.contains(char::is_control) {
            return None;
        }
        // Customers see what a system shows, so the rules for their texts hold for it.
        if setting.key.starts_with("systems.") {
            Some(text::normalize_text(text).ok()?.into())
        } else {
            Some(value)
        }
    }

    fn read_as(&self, kind: &SettingKind) -> Option<Value> {
        match kind {
            SettingKind::Integer { least, most } => {
                let number = match self {
                    Self::Integer(number) => *number,
                    Self::Text(text) => text.trim().parse().ok()?,
                    _ => return None,
                };
                let is_allowed = (i128::from(*least)..=i128::from(*most)).contains(&number);
                is_allowed.then(|| u64::try_from(number).ok().map(Value::from))?
            }
            SettingKind::Boolean => match self {
                Self::Boolean(value) => Some((*value).into()),
                Self::Text(text) => text.trim().parse::<bool>().ok().map(Value::from),
                _ => None,
            },
            SettingKind::Choice(choices) => {
                let text = self.as_text()?;
                choices.contains(&text).then(|| text.into())
            }
            SettingKind::Text { longest } => {
                let text = self.as_text()?;
                let fits = longest.is_none_or(|longest| text.chars().count() as u64 <= longest);
                fits.then(|| text.into())
            }
            SettingKind::List(of) => {
                let items = match self {
                    Self::List(items) => items.clone(),
                    Self::Text(text) => {
                        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                        items.map(|item| Self::Text(item.to_owned())).collect()
                    }
                    _ => return None,
                };
                items
                    .iter()
                    .map(|item| item.read_as(of))
                    .collect::<Option<Vec<_>>>()
                    .map(Value::from)
            }
            // They are read field by field: each has a line and a problem of its own.
            SettingKind::Tables(_) => None,
        }
    }

    /// A number or a truth value may be meant as text.
    fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }
}

/// `text` with an escape for each character that no terminal should see.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}
