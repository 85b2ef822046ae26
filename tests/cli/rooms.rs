//! The rooms of the sources: what lies on which floor, and that no two files need each other.

use crate::imports::{Imports, circles};
use std::{collections::BTreeSet, path::Path};

/// The rooms from the ground up. A file takes things from its own room and from those below it.
const FLOORS: &[&str] = &[
    "client_errors.rs",
    "bounded.rs",
    "durations.rs",
    "limits.rs",
    "sync.rs",
    "shares.rs",
    "suggestion.rs",
    "telemetry.rs",
    "spans",
    "tls",
    "domain",
    "identity",
    "systems",
    "store",
    "actors/port",
    "actors/erased",
    "actors/tables",
    "actors/ask",
    "actors/subscription",
    "actors/outbox",
    "actors/actor",
    "actors/aggregate",
    "actors/projection",
    "actors/cluster",
    "actors/node",
    "events",
    "credentials",
    "audit",
    "sagas",
    "backups",
    "api",
    "cluster",
    "notifications",
    "amqp",
    "pages",
    "http",
    "board",
    "config",
    "reference",
    "app",
    "lab",
    "cli",
];

/// The businesses listen to each other, as on the board: a rent to its delivery, and the delivery to the rent.
const CIRCLES: &[&str] = &["systems"];

fn imports() -> Imports {
    Imports::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// The floor of `file`, if it lies in a room; what is above them all (`lib.rs`, `mod.rs` of the runtime) only hands on.
fn floor(file: &str) -> Option<usize> {
    FLOORS.iter().position(|room| file == *room || file.starts_with(&format!("{room}/")))
}

#[test]
fn no_file_takes_anything_from_a_room_above_it() {
    let imports = imports();
    let mut wrong = Vec::new();
    for (file, taken) in imports.by_file() {
        let Some(here) = floor(file) else { continue };
        for other in taken {
            if floor(other).is_none_or(|there| there > here) {
                wrong.push(format!("{file} takes from {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} upward arrows: {wrong:#?}", wrong.len());
}

#[test]
fn no_files_need_each_other() {
    let imports = imports();
    let mut by_file = imports.by_file();
    by_file.retain(|file, _| !CIRCLES.iter().any(|room| file.starts_with(&format!("{room}/"))));
    let found = circles(&by_file);
    assert!(found.is_empty(), "{} circles: {found:#?}", found.len());
}

#[test]
fn every_file_lies_in_a_room() {
    let imports = imports();
    let homeless: BTreeSet<&str> = imports
        .by_file()
        .into_keys()
        .filter(|file| floor(file).is_none() && !matches!(*file, "lib.rs" | "actors/mod.rs"))
        .collect();
    assert!(homeless.is_empty(), "{homeless:?}");
}
