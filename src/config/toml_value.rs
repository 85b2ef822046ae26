//! A value of TOML, without its types.

use super::raw::{RawValue, TableField};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The value that `text` writes as TOML does.
pub fn read_value(text: &str) -> Option<RawValue> {
    let document = format!("value = {text}");
    let table = DeTable::parse(&document).ok()?;
    let mut values = table.get_ref().iter();
    let (_, value) = values.next()?;
    // A text with line breaks may write more than one.
    values.next().is_none().then(|| raw_value(value, &|_| None))
}

/// The value, without the types of TOML. The line of each is what `line_at` says of its place.
pub fn raw_value(
    value: &Spanned<DeValue<'_>>,
    line_at: &dyn Fn(usize) -> Option<usize>,
) -> RawValue {
    match value.get_ref() {
        DeValue::String(text) => RawValue::Text(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            let read = i128::from_str_radix(digits, number.radix());
            read.map_or_else(|_| RawValue::Other(format!("`{digits}`")), RawValue::Integer)
        }
        DeValue::Float(number) => RawValue::Other(format!("`{}`", number.as_str())),
        DeValue::Boolean(value) => RawValue::Boolean(*value),
        DeValue::Datetime(time) => RawValue::Other(format!("`{time}`")),
        DeValue::Array(items) => {
            RawValue::List(items.iter().map(|item| raw_value(item, line_at)).collect())
        }
        DeValue::Table(table) => {
            let fields = table.iter().map(|(name, value)| TableField {
                name: name.get_ref().to_string(),
                line: line_at(name.span().start),
                value: raw_value(value, line_at),
            });
            RawValue::Table(fields.collect())
        }
    }
}
