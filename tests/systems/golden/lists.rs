//! Holds the lists in the documents: what is between `<!-- holdfast docs LIST -->` and `<!-- end -->` is what the command
//! prints.

use super::{COMMAND, is_writing};
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::{holdfast, run};

const BEGIN: &str = "<!-- holdfast docs ";
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

/// The document with its lists as they are printed now, and which lists it has.
fn current(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split(BEGIN);
    let mut current = parts.next().unwrap().to_owned();
    let mut lists = Vec::new();
    for part in parts {
        let (arguments, rest) = part.split_once(" -->").expect("a marker ends");
        let (_, after) = rest.split_once(END).expect("a list ends");
        current.push_str(&format!("{BEGIN}{arguments} -->\n{}{END}{after}", list(arguments)));
        lists.push(arguments.split_whitespace().next().unwrap().to_owned());
    }
    (current, lists)
}

#[test]
fn the_lists_in_the_documents_are_those_of_the_code() {
    let mut lists = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let (current, found) = current(&text);
        lists.extend(found);
        if current == text {
            continue;
        }
        assert!(is_writing(), "{} is not current; {COMMAND}", path.display());
        fs::write(&path, current).unwrap();
    }
    for list in ["settings", "metrics", "problems", "events", "routes"] {
        assert!(lists.iter().any(|found| found == list), "no document has the list of {list}");
    }
}
