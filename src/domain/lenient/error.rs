//! What is wrong in a body, in the words of people.

use crate::domain::number::LARGEST;
use serde::de::{self, Expected, Unexpected};
use serde_json::Value;
use std::fmt::{self, Display};

/// A longer value is not repeated in full.
const MAX_SHOWN: usize = 40;

/// What is wrong at a place in a body.
#[derive(Debug)]
pub struct ReadError {
    pub code: &'static str,
    pub en: String,
    pub ko: String,
    /// The member of the place that it is about.
    pub member: Option<&'static str>,
}

/// What a place of a body is for, in English and in Korean.
#[derive(Clone, Copy)]
pub struct ExpectedForm(pub &'static str, pub &'static str);

impl ReadError {
    fn new(code: &'static str, en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self { code, en: en.into(), ko: ko.into(), member: None }
    }
    /// Something else is there than what is wanted.
    pub fn wrong_shape(found: &Value, wanted: ExpectedForm) -> Self {
        let ExpectedForm(found_en, found_ko) = kind_of(found);
        let ExpectedForm(en, ko) = wanted;
        Self::new(
            "bad-body",
            format!("{found_en} where {en} is expected"),
            format!("{ko}이(가) 필요한 자리에 {found_ko}이(가) 있습니다"),
        )
    }
    /// The text or number that is there is not what is wanted.
    pub fn wrong_value(found: &str, wanted: ExpectedForm) -> Self {
        let shown = shorten_text(found);
        let ExpectedForm(en, ko) = wanted;
        Self::new(
            "bad-body",
            format!("`{shown}` is not {en}"),
            format!("`{shown}`은(는) {ko}이(가) 아닙니다"),
        )
    }
    /// The number that is there is beyond the bound of all numbers.
    pub fn out_of_range() -> Self {
        Self::new(
            "out-of-range",
            format!("numbers lie between -{LARGEST} and {LARGEST}"),
            format!("숫자는 -{LARGEST}부터 {LARGEST}까지입니다"),
        )
    }
    /// The text that is there has a character that it may not have.
    pub fn forbidden_character(character: char) -> Self {
        let code = u32::from(character);
        Self::new(
            "bad-text",
            format!("the character U+{code:04X} is not allowed in a text"),
            format!("글에 쓸 수 없는 문자 U+{code:04X}이(가) 있습니다"),
        )
    }
}

/// What `value` is.
fn kind_of(value: &Value) -> ExpectedForm {
    match value {
        Value::Null => ExpectedForm("null", "null"),
        Value::Bool(_) => ExpectedForm("true or false", "true 또는 false"),
        Value::Number(_) => ExpectedForm("a number", "숫자"),
        Value::String(_) => ExpectedForm("a text", "글"),
        Value::Array(_) => ExpectedForm("an array", "배열"),
        Value::Object(_) => ExpectedForm("an object", "객체"),
    }
}

fn shorten_text(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    /// The alternate form of a message is its Korean.
    fn custom<T: Display>(message: T) -> Self {
        Self::new("bad-body", format!("{message}"), format!("{message:#}"))
    }
    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_value(found, wanted)
    }
    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(
            "bad-body",
            format!("{found} where {wanted} is expected"),
            format!("{found}은(는) 여기에 쓸 수 없습니다"),
        )
    }
    fn invalid_length(length: usize, _: &dyn Expected) -> Self {
        Self::new(
            "bad-body",
            format!("an array of {length} values, which are too few or too many"),
            format!("배열의 값이 {length}개로, 개수가 맞지 않습니다"),
        )
    }
    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        let shown = shorten_text(variant);
        let allowed = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Self::new(
            "bad-body",
            format!("the value `{shown}` is not allowed; allowed: {allowed}"),
            format!("`{shown}`은(는) 쓸 수 없는 값입니다. 쓸 수 있는 값: {allowed}"),
        )
    }
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        let shown = shorten_text(field);
        Self::new(
            "bad-body",
            format!("there is no member `{shown}`"),
            format!("`{shown}` 항목은 없습니다"),
        )
    }
    fn missing_field(field: &'static str) -> Self {
        let error = Self::new("bad-body", "the member is missing", "필요한 항목이 빠져 있습니다");
        Self { member: Some(field), ..error }
    }
    fn duplicate_field(field: &'static str) -> Self {
        let error =
            Self::new("bad-body", "the member is given twice", "같은 항목이 두 번 있습니다");
        Self { member: Some(field), ..error }
    }
}
