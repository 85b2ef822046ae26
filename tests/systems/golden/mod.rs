//! Golden files: what is known of the systems outside this source, in `tests/golden`. A difference fails.
//!
//! `HOLDFAST_GOLDEN=write cargo test --workspace --test systems golden` writes all of them: boards, records, schemas of events, the
//! API, the lists in the documents, and the files of deployments. Additions are written; a change that breaks consumers of events or clients of the API is not, and fails.

mod api;
mod boards;
mod breaking;
mod deploy;
mod event_schemas;
mod lists;
mod records;

use std::{collections::BTreeSet, fs, path::PathBuf};

const COMMAND: &str =
    "`HOLDFAST_GOLDEN=write cargo test --workspace --test systems golden` writes it";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Whether golden files are to be written.
fn is_writing() -> bool {
    match std::env::var("HOLDFAST_GOLDEN") {
        Ok(word) if word == "write" => true,
        Ok(word) => panic!("HOLDFAST_GOLDEN is `write` or absent, not `{word}`"),
        Err(_) => false,
    }
}

/// The text of a golden file.
fn read(name: &str) -> Option<String> {
    fs::read_to_string(path(name)).ok()
}

fn write(name: &str, text: &str) {
    let path = path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Compares a golden file with what it should be now, or writes it. Returns what is wrong.
fn compare(name: &str, now: &str) -> Option<String> {
    if is_writing() {
        write(name, now);
        return None;
    }
    let then = read(name).unwrap_or_default();
    let place = then.lines().zip(now.lines()).take_while(|(then, now)| then == now).count();
    let line = now.lines().nth(place).unwrap_or("the end");
    (then != now).then(|| format!("{name} differs from line {}: {line}; {COMMAND}", place + 1))
}

/// The names of the golden files in a folder that begin and end so, without what they begin and end with.
fn names(folder: &str, prefix: &str, suffix: &str) -> BTreeSet<String> {
    let all = fs::read_dir(path(folder)).into_iter().flatten().map(Result::unwrap);
    all.filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        Some(name.strip_prefix(prefix)?.strip_suffix(suffix)?.to_owned())
    })
    .collect()
}
