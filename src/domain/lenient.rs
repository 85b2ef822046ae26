//! Reads request bodies as people send them: numbers and booleans may be written as JSON strings, and numbers may be sent
//! where a text is expected. All that is new comes in here, so here texts and numbers are judged.

mod error;
mod value;

use self::{error::ReadError, value::Lenient};
use super::{Blank, Body, text};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::borrow::Cow;

/// A body that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{en} at `{pointer}`")]
pub struct BadBody {
    /// A JSON pointer to the place.
    pub pointer: String,
    /// `bad-body` where the form is wrong; `out-of-range`, `bad-text` and `blank` where the value is.
    pub code: &'static str,
    /// What is wrong there, in English.
    pub en: Cow<'static, str>,
    /// What is wrong there, in Korean.
    pub ko: Cow<'static, str>,
}

impl BadBody {
    /// A body whose form is wrong at `pointer`.
    pub fn new(
        pointer: impl Into<String>,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), code: "bad-body", en: en.into(), ko: ko.into() }
    }
    /// A body in which the member at `pointer` is given twice.
    pub fn member_twice(pointer: String) -> Self {
        Self::new(pointer, "the member is given twice", "같은 항목이 두 번 있습니다")
    }
    /// A body with a number beyond the bound of all numbers at `pointer`.
    pub fn out_of_range(pointer: String) -> Self {
        let ReadError { code, en, ko, .. } = ReadError::out_of_range();
        Self { pointer, code, en: en.into(), ko: ko.into() }
    }
    fn blank_member(member: &str) -> Self {
        let code = "blank";
        Self {
            code,
            ..Self::new(json_pointer([member]), "it may not be blank", "비워 둘 수 없습니다")
        }
    }
    fn of(path: &Path, error: ReadError) -> Self {
        let names = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
            Segment::Unknown => None,
        });
        let ReadError { code, en, ko, member } = error;
        let pointer = json_pointer(names.chain(member.map(str::to_owned)));
        Self { pointer, code, en: en.into(), ko: ko.into() }
    }
}

/// The JSON pointer to the place that these names lead to.
pub fn json_pointer(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let escaped = |name: &str| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    names.into_iter().map(|name| escaped(name.as_ref())).collect()
}

/// Reads the body of a request.
///
/// # Errors
/// [`BadBody`] names the place and what is wrong there.
pub fn read_body<B: Body>(mut body: Value) -> Result<B, BadBody> {
    for (member, rule) in B::TEXTS {
        let Some(value) = body.get_mut(*member) else { continue };
        if !value.as_str().is_some_and(text::is_blank) {
            // With spaces around it, it would name a customer that there is not.
            if let Value::String(given) = value
                && B::SUBJECT == Some(*member)
            {
                *given = given.trim().to_owned();
            }
            continue;
        }
        match rule {
            Blank::Refused => return Err(BadBody::blank_member(member)),
            Blank::IsNone => *value = Value::Null,
        }
    }
    read_value(body)
}

/// Reads a `T` that has no rules of its own.
///
/// # Errors
/// [`BadBody`] names the place and what is wrong there.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, BadBody> {
    serde_path_to_error::deserialize(Lenient(value)).map_err(|error| {
        let path = error.path().clone();
        BadBody::of(&path, error.into_inner())
    })
}

#[cfg(test)]
mod tests;
