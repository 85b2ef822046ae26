//! The layer of a file in TOML, with the line of each value.

use super::{
    origin::Origin,
    raw::RawValue,
    reader::{LayerReader, is_section},
    toml_value::raw_value,
};
use std::path::Path;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Reads the file at `path`.
pub(super) fn read_file(path: &Path, reader: &mut LayerReader) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let problem = format!("failed to read {}: {error}", path.display());
            return reader.problems.push(problem);
        }
    };
    let file = TomlFile { path: path.display().to_string(), text: &text };
    match DeTable::parse(&text) {
        Ok(table) => file.read_table("", table.get_ref(), reader),
        Err(error) => {
            let line = file.line_at(error.span().map_or(0, |span| span.start));
            let problem =
                format!("{}:{line}: this is no valid TOML: {}", file.path, error.message());
            reader.problems.push(problem);
        }
    }
}

struct TomlFile<'a> {
    path: String,
    text: &'a str,
}

impl TomlFile<'_> {
    /// The line of a byte, from 1.
    fn line_at(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    fn raw_value(&self, value: &Spanned<DeValue<'_>>) -> RawValue {
        raw_value(value, &|at| Some(self.line_at(at)))
    }

    fn read_table(&self, within: &str, table: &DeTable<'_>, reader: &mut LayerReader) {
        for (name, value) in table {
            let at = self.line_at(name.span().start);
            let origin = Origin::File { path: self.path.clone(), line: at };
            let name = name.get_ref();
            let key = if within.is_empty() { name.to_string() } else { format!("{within}.{name}") };
            match value.get_ref() {
                // `systems = ["bookrent"]` is short for its `enabled`.
                DeValue::Array(_) if key == "systems" => {
                    reader.read_value("systems.enabled", &self.raw_value(value), origin);
                }
                // `[guard."bookrent.book"]` is `[guard.bookrent.book]`.
                DeValue::Table(inner) if is_section(&key) => self.read_table(&key, inner, reader),
                _ => reader.read_value(&key, &self.raw_value(value), origin),
            }
        }
    }
}
