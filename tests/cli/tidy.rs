//! Holds the layering, by reading the sources: who may know of whom, and what the pure layers keep out.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What `domain` and `systems` may not speak of: clocks, threads, disks, networks, chance.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "tokio",
    "actix",
    "actix_web",
    "actix_rt",
    "sled",
    "lapin",
    "rand",
    "uuid",
    "futures_util",
    "reqwest",
    "governor",
    "prometheus_client",
    "tracing",
    "std::time",
    "std::fs",
    "std::env",
    "std::io",
    "std::net",
    "std::thread",
    "std::process",
    "std::sync",
    "SystemTime",
    "Instant",
    "Zoned::now",
    "Timestamp::now",
];

/// A layer, the modules of this crate that it may name, and words that it may not use at all.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &["domain"], IMPURE),
    ("systems", &["domain", "systems"], IMPURE),
    ("store", &["sync", "durations", "domain", "store"], &["actix", "actix_web"]),
    (
        "actors",
        &["sync", "durations", "shares", "spans", "domain", "identity", "store", "actors"],
        &["sled", "actix_web", "lapin"],
    ),
    (
        "api",
        &["sync", "domain", "identity", "actors", "api"],
        &["sled", "lapin", "actix", "actix_web", "tokio"],
    ),
    (
        "credentials",
        &[
            "sync",
            "suggestion",
            "bounded",
            "client_errors",
            "tls",
            "domain",
            "identity",
            "store",
            "actors",
            "credentials",
        ],
        &["sled", "lapin", "actix", "actix_web"],
    ),
    (
        "audit",
        &["domain", "identity", "store", "actors", "audit"],
        &["sled", "lapin", "actix", "actix_web"],
    ),
    (
        "sagas",
        &["sync", "domain", "store", "actors", "sagas"],
        &["sled", "lapin", "actix", "actix_web"],
    ),
    (
        "backups",
        &["sync", "domain", "store", "actors", "backups"],
        &["sled", "lapin", "actix", "actix_web"],
    ),
    (
        "http",
        &[
            "sync",
            "shares",
            "durations",
            "spans",
            "limits",
            "tls",
            "client_errors",
            "domain",
            "store",
            "actors",
            "events",
            "identity",
            "credentials",
            "audit",
            "sagas",
            "backups",
            "api",
            "pages",
            "http",
        ],
        &["sled", "lapin"],
    ),
    (
        "pages",
        &["domain", "identity", "actors", "api", "pages"],
        &["sled", "lapin", "actix", "actix_web", "tokio", "store"],
    ),
    (
        "cluster",
        &["sync", "bounded", "tls", "client_errors", "domain", "actors", "credentials", "cluster"],
        &["sled", "lapin", "actix", "actix_web"],
    ),
    ("events", &["domain", "actors", "events"], &["sled", "lapin", "actix", "actix_web", "tokio"]),
    (
        "amqp",
        &[
            "sync",
            "spans",
            "domain",
            "identity",
            "actors",
            "events",
            "credentials",
            "audit",
            "api",
            "amqp",
        ],
        &["sled", "actix", "actix_web"],
    ),
    (
        "notifications",
        &["sync", "tls", "client_errors", "actors", "sagas", "notifications"],
        &["sled", "lapin", "actix", "actix_web"],
    ),
];

/// Every Rust file under `directory`, with its text.
pub fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(sources(&path)),
            path if path.extension().is_some_and(|extension| extension == "rs") => {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
            _ => {}
        }
    }
    found
}

pub fn layer(name: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let file = root.join(format!("{name}.rs"));
    let alone = fs::read_to_string(&file).ok().map(|text| (file, text));
    // A test module in a file of its own may do as it likes, too.
    let is_tests = |path: &Path| {
        path.file_name().is_some_and(|name| name == "tests.rs" || name == "stored_bytes.rs")
            || path.parent().is_some_and(|directory| directory.ends_with("http/tests"))
    };
    sources(&root.join(name)).into_iter().chain(alone).filter(|(path, _)| !is_tests(path)).collect()
}

/// The text without its comments, its string literals and its test module, which may do as it likes.
pub fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        for (place, letter) in line.char_indices() {
            let is_quote = letter == '"' && before != '\\' && before != '\'';
            quoted ^= is_quote;
            if !quoted && line[place..].starts_with("//") {
                break;
            }
            if !quoted {
                code.push(letter);
            }
            before = letter;
        }
        code.push('\n');
    }
    code
}

/// Whether `word` is in `code` as a word or path of its own.
fn uses(code: &str, word: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(part_of_name) && !code[at + word.len()..].starts_with(part_of_name)
    })
}

/// The modules of this crate that `code` names: those after `crate::`, one by one or in braces.
fn named_modules(code: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            named.push(
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
                    .unwrap(),
            );
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (place, letter) in inside.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                letter if begins && letter.is_alphabetic() => {
                    begins = false;
                    let rest = &inside[place..];
                    named.push(
                        rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                            .next()
                            .unwrap(),
                    );
                }
                _ => {}
            }
        }
    }
    named
}

#[test]
fn each_layer_knows_only_what_is_below_it() {
    let mut wrong = Vec::new();
    for (name, known, forbidden) in LAYERS {
        for (path, text) in layer(name) {
            let code = code(&text);
            let modules = named_modules(&code);
            wrong.extend(
                modules
                    .iter()
                    .filter(|module| !known.contains(module))
                    .map(|module| format!("{path:?} names {module}")),
            );
            wrong.extend(
                forbidden
                    .iter()
                    .filter(|word| uses(&code, word))
                    .map(|word| format!("{path:?} uses {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sled_is_known_to_the_store_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, text) in sources(&root) {
        if !path.starts_with(root.join("store")) {
            assert!(!uses(&code(&text), "sled::"), "{path:?} speaks of sled");
            let type_of_sled = ["sled::Db", "sled::Tree", "sled::IVec"]
                .into_iter()
                .find(|name| text.contains(name));
            assert_eq!(type_of_sled, None, "{path:?}");
        }
    }
}

#[test]
fn a_context_is_one_short_file_that_begins_with_its_story() {
    // A longer one. A booking pays, cancels and holds seats.
    let longer = [("movie/book", 155)];
    for (path, text) in layer("systems") {
        let known = longer.iter().find(|(name, _)| path.with_extension("").ends_with(name));
        let most = known.map_or(150, |(_, most)| *most);
        assert!(text.starts_with("//! "), "{path:?} does not begin with its story");
        let length = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(length <= most, "{path:?} has {length} lines without its tests");
    }
}

#[test]
fn a_context_that_has_outgrown_its_file_has_a_folder_of_the_same_few_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems");
    let mut outgrown = BTreeSet::new();
    for (path, _) in layer("systems") {
        let inside = path.strip_prefix(&root).unwrap().with_extension("");
        let names: Vec<_> = inside.iter().filter_map(|name| name.to_str()).collect();
        let [system, context, file] = names.as_slice() else { continue };
        match *file {
            "messages" | "state" => {
                outgrown.insert(format!("{system}/{context}"));
            }
            "catalogue" => {}
            // How a deposit pays what is owed is a subject of its own.
            "paying" if *context == "user_deposit" => {}
            version => assert!(version.starts_with("version_"), "{path:?}"),
        }
    }
    assert!(outgrown.len() <= 5, "{outgrown:?}");
}

#[test]
fn no_file_is_long_and_none_is_unfinished() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests", "examples", "benches"]
        .into_iter()
        .flat_map(|folder| sources(&root.join(folder)));
    let this = Path::new(file!()).file_name().unwrap();
    for (path, text) in files.filter(|(path, _)| path.file_name().unwrap() != this) {
        let length = text.lines().count();
        assert!(length <= 400, "{path:?} has {length} lines");
        for word in ["todo!", "unimplemented!", "dbg!"] {
            assert!(!code(&text).contains(word), "{path:?} is unfinished: {word}");
        }
    }
}

#[test]
fn the_reader_of_sources_sees_what_it_should() {
    let source = "use crate::{domain::{Id, Name}, http::X};\n// crate::actors\nlet a = \"sled::open\"; sled::open();\n\
                  #[cfg(test)]\nmod tests { use crate::cli; }";
    let code = code(source);
    assert_eq!(named_modules(&code), ["domain", "http"]);
    assert!(uses(&code, "sled") && !uses(&code, "sle") && !code.contains("actors"));
    assert_eq!(named_modules("crate::store::Batch; crate::domain::*"), ["store", "domain"]);
}
