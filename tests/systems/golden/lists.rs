//! Holds the lists and the code in the documents: what is between `<!-- holdfast docs LIST -->` and `<!-- end -->` is what
//! the command prints, and what is between `<!-- file PATH -->` and `<!-- end -->` is that file.

use super::{COMMAND, is_writing};
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::{holdfast, run};

const LIST: &str = "<!-- holdfast docs ";
const FILE: &str = "<!-- file ";
const END: &str = "<!-- end -->";

fn documents() -> Vec<PathBuf> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut found = Vec::new();
    let mut folders = vec![docs];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// What `holdfast docs` prints.
fn list(arguments: &str) -> String {
    let output = run(holdfast().arg("docs").args(arguments.split_whitespace()));
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A source file as a block of code.
fn code(path: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    format!("```rust\n{text}```\n")
}

/// The document with what follows each marker that begins with `begin` as it is now, and what those markers name.
fn current(text: &str, begin: &str, content: impl Fn(&str) -> String) -> (String, Vec<String>) {
    let mut parts = text.split(begin);
    let mut current = parts.next().unwrap().to_owned();
    let mut named = Vec::new();
    for part in parts {
        let (name, rest) = part.split_once(" -->").expect("a marker ends");
        let (_, after) = rest.split_once(END).expect("what a marker begins ends");
        current.push_str(&format!("{begin}{name} -->\n{}{END}{after}", content(name)));
        named.push(name.to_owned());
    }
    (current, named)
}

#[test]
fn the_lists_and_the_code_in_the_documents_are_those_of_the_sources() {
    let mut lists = Vec::new();
    let mut files = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let (with_lists, found) = current(&text, LIST, list);
        lists.extend(
            found.iter().filter_map(|list| list.split_whitespace().next().map(str::to_owned)),
        );
        let (current, found) = current(&with_lists, FILE, code);
        files.extend(found);
        if current == text {
            continue;
        }
        assert!(is_writing(), "{} is not current; {COMMAND}", path.display());
        fs::write(&path, current).unwrap();
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/seventh_system/carshare");
    for entry in fs::read_dir(example).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.iter().any(|file| file.ends_with(&name)), "no document shows {name}");
    }
    for list in ["settings", "metrics", "problems", "events", "routes", "audiences"] {
        assert!(lists.iter().any(|found| found == list), "no document has the list of {list}");
    }
}
