//! How answers are shown: tables for people, JSON for programs.

use crate::app::{Failure, print_text};
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// What is shown of a text in a table.
const MOST_LETTERS: usize = 60;
/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Prints a value as JSON.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Failure::Internal(error.to_string()))?;
    print_text(&format!("{text}\n"))
}

/// Prints rows under the names of their columns: a column has the member of that name.
pub fn print_table(columns: &[&str], rows: &[Value]) -> Result<(), Failure> {
    print_text(&write_table(columns, rows))
}

/// The text of a value in a table.
pub fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.replace(char::is_control, " "),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn write_table(columns: &[&str], rows: &[Value]) -> String {
    let mut lines = vec![columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| {
        let cells = columns.iter().map(|column| {
            let place = format!("/{}", column.replace('.', "/"));
            cell(row.pointer(&place))
        });
        cells.collect()
    }));
    let widths: Vec<usize> = (0..columns.len())
        .map(|place| {
            let widths = lines.iter().filter_map(|line| line.get(place));
            widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string does not fail.
            let _ = write!(row, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

/// A line on a terminal that says how far something is.
pub struct Progress {
    shown: Option<Instant>,
}

impl Progress {
    /// Shows something only where stderr is a terminal.
    pub fn start() -> Self {
        let long_ago = || Instant::now().checked_sub(SHOW_EVERY).unwrap_or_else(Instant::now);
        Self { shown: std::io::stderr().is_terminal().then(long_ago) }
    }

    /// Shows `text`, unless something was shown a moment ago.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.elapsed() >= SHOW_EVERY) {
            *shown = Instant::now();
            // If stderr is gone, the command goes on.
            let _ = write!(std::io::stderr(), "\r\x1b[K{}", text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// A part of a path or a value of a query, as it is written in a URL.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a string does not fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// A path with a query of these parameters, as far as they are given.
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_has_a_column_for_each_name_and_a_dash_where_there_is_nothing() {
        let rows = [
            json!({ "context": "bookrent.rent", "parked": 0, "guard": { "breaker": "closed" } }),
            json!({ "context": "책", "parked": 12, "guard": null }),
        ];
        let table = write_table(&["context", "parked", "guard.breaker"], &rows);
        let expected = "context        parked  guard.breaker\nbookrent.rent  0       closed\n책              12      -\n";
        assert_eq!(table, expected);
        assert_eq!(cell(Some(&json!("a\nb\u{1b}[2J"))), "a b [2J");
        assert_eq!(cell(Some(&json!("x".repeat(70)))).chars().count(), 61);
    }

    #[test]
    fn what_is_given_is_encoded_in_paths_and_queries() {
        let given = [("type", Some("a b&c".to_owned())), ("system", None)];
        assert_eq!(with_query("/events", &given), "/events?type=a%20b%26c");
        assert_eq!(encoded("가/."), "%EA%B0%80%2F.");
    }
}
