//! Holds that a run of the runtime can be repeated: its time is tokio's, which tests pause, and its chance, its wall clock and
//! its threads are handed in.

use crate::tidy::{code, layer};
use std::path::Path;

/// What differs from run to run, and the one file of the runtime that may name it. The watchdog is about threads, and no test
/// that repeats a run has one.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("Instant", &["node/watchdog.rs"]),
    ("SystemTime", &["port/machine.rs"]),
    ("thread", &["node/watchdog.rs"]),
    ("mpsc", &["node/watchdog.rs"]),
    ("HashMap", &[]),
    ("HashSet", &[]),
    ("RandomState", &[]),
];
/// The same of other crates. tokio wakes those who wait for one value in an order of chance: where a `watch` is, one waits, or
/// the order makes no difference.
const CRATES: &[(&str, &[&str])] = &[
    ("uuid", &["port/machine.rs"]),
    ("rand", &[]),
    ("DefaultClock", &[]),
    ("spawn_blocking", &[]),
    ("block_in_place", &[]),
    ("thread_rng", &[]),
    ("SyncArbiter", &[]),
    (
        "watch",
        &[
            "port/changes.rs",
            "port/event_log.rs",
            "outbox/event_log.rs",
            "cluster/replica.rs",
            "subscription/source.rs",
            "node/watchdog.rs",
        ],
    ),
];
/// The same, as it is called: each of these is a thread of its own.
const CALLS: &[(&str, &[&str])] =
    &[("Arbiter::new", &["node/watchdog.rs"]), ("Arbiter::with_tokio_rt", &[])];

/// The `use` declarations of `code` that begin with `std`, and paths into it elsewhere.
fn of_std(code: &str) -> String {
    let mut found = String::new();
    for (at, _) in code.match_indices("use std::") {
        found.push_str(code[at..].split(';').next().unwrap_or_default());
        found.push('\n');
    }
    for (at, _) in code.match_indices("std::") {
        let is_path = |letter: &char| letter.is_alphanumeric() || matches!(letter, ':' | '_');
        found.extend(code[at..].chars().take_while(is_path));
        found.push('\n');
    }
    found
}

fn names(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|one| one == word)
}

fn differing(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let std = of_std(&code);
    let is_elsewhere = |allowed: &[&str]| !allowed.contains(&file);
    let of_std =
        OUTSIDE.iter().filter(|(word, allowed)| names(&std, word) && is_elsewhere(allowed));
    let of_crates =
        CRATES.iter().filter(|(word, allowed)| names(&code, word) && is_elsewhere(allowed));
    let calls = CALLS.iter().filter(|(call, allowed)| code.contains(call) && is_elsewhere(allowed));
    let mut found: Vec<String> = of_std
        .chain(of_crates)
        .chain(calls)
        .map(|(word, _)| format!("{file} names {word}"))
        .collect();
    for (at, _) in code.match_indices("select!") {
        let body = code[at..].split_once('{').map_or("", |(_, body)| body);
        if !body.trim_start().starts_with("biased;") {
            found.push(format!("{file} has a select! that is not biased"));
        }
    }
    found
}

#[test]
fn nothing_in_the_runtime_differs_from_run_to_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actors");
    let mut found = Vec::new();
    for (path, text) in layer("actors") {
        let file = path.strip_prefix(&root).map_or_else(|_| "mod.rs".into(), Path::to_string_lossy);
        found.extend(differing(&file, &text));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_differs_from_run_to_run_is_recognized_however_it_is_named() {
    for text in [
        "use std::{sync::Arc, time::{Duration, Instant}};",
        "use std::time::Instant;",
        "let now = std::time::Instant::now();",
        "use std::{collections::{BTreeMap, HashMap}, thread};",
        "tokio::select! {\n    a = b => {}\n}",
        "let id = uuid::Uuid::now_v7();",
        "let arbiter = actix::Arbiter::new();",
        "let workers = actix::SyncArbiter::start(2, || Worker);",
        "use tokio::sync::{oneshot, watch};",
    ] {
        assert!(!differing("ask/guard.rs", text).is_empty(), "{text}");
    }
    for text in [
        "use std::time::Duration;\nuse tokio::time::Instant;",
        "tokio::select! {\n    biased;\n    a = b => {}\n}",
        "// a thread of std::time::Instant",
        "(placed.spawn)(&Arbiter::current());",
    ] {
        assert_eq!(differing("ask/guard.rs", text), Vec::<String>::new(), "{text}");
    }
    let clock = "use std::time::SystemTime;";
    assert!(differing("port/machine.rs", clock).is_empty());
    assert_eq!(differing("port/clock.rs", clock).len(), 1);
}
