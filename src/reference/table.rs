//! A table in Markdown.

use std::fmt::Write;

/// A table with these columns and rows.
pub fn write_table<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String; N]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&columns.map(str::to_owned));
    let _ = writeln!(table, "|{}", "---|".repeat(N));
    for row in rows {
        table.push_str(&line(&row.map(|cell| cell.replace('|', "\\|"))));
    }
    table
}

/// The text as code, or nothing.
pub fn code_text(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
