//! A value as it is written, and what a setting makes of it.

use super::schema::{Setting, SettingKind};
use serde_json::Value;

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
    /// Anything else, as it is shown in an error: a table, a date, a number with a fraction.
    Other(String),
}

impl RawValue {
    /// The value, as an error shows it.
    pub fn show(&self) -> String {
        match self {
            Self::Text(text) => format!("`{text}`"),
            Self::Integer(number) => format!("`{number}`"),
            Self::Boolean(value) => format!("`{value}`"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::show).collect();
                format!("the list [{}]", items.join(", "))
            }
            Self::Other(shown) => shown.clone(),
        }
    }

    /// The value that `setting` takes from this, if it takes it.
    pub fn read(&self, setting: &Setting) -> Option<Value> {
        self.read_as(&setting.kind)
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
                let text = self.text()?;
                choices.contains(&text).then(|| text.into())
            }
            SettingKind::Text { longest } => {
                let text = self.text()?;
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
        }
    }

    /// A number or a truth value may be meant as text.
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::List(_) | Self::Other(_) => None,
        }
    }
}
