//! Holds the names that documents use of things: settings, variables, metrics, codes, flags, requests.

use crate::documents::{blocks, documents, files, prose, quoted, root};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// What `holdfast` prints.
fn run_holdfast(arguments: &[&str]) -> String {
    let output = support::run(support::holdfast().args(arguments));
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first column of a list of `holdfast docs`.
pub fn read_list(list: &str) -> Vec<String> {
    let list = run_holdfast(&["docs", list]);
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

/// The documents that speak of what there is now: the changelog also speaks of what there was.
fn present_documents() -> impl Iterator<Item = (PathBuf, String)> {
    documents().into_iter().filter(|(path, _)| !path.ends_with("CHANGELOG.md"))
}

/// The names in what stands between backticks that are not `known`, with their documents.
fn find_unknown(
    names: impl Fn(&str) -> Vec<String>,
    known: impl Fn(&str) -> bool,
) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for (path, text) in present_documents() {
        let found = quoted(&prose(&text)).into_iter().flat_map(&names).collect::<Vec<_>>();
        all.extend(found.into_iter().map(|name| (path.clone(), name)));
    }
    assert!(all.len() > 2, "the documents have such names: {all:?}");
    all.retain(|(_, name)| !known(name));
    all
}

/// The parts of `text` that have letters of `alphabet` only.
pub fn split_parts(text: &str, alphabet: impl Fn(char) -> bool) -> Vec<String> {
    let parts = text.split(|letter| !alphabet(letter)).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// Whether `key` is a setting, or a section of settings.
fn is_setting(keys: &[String], key: &str) -> bool {
    let wanted: Vec<_> = key.split('.').collect();
    keys.iter().any(|known| {
        let known: Vec<_> = known.split('.').collect();
        let same = |(known, wanted): (&&str, &&str)| {
            ["SYSTEM", "CONTEXT"].contains(known) || known.eq_ignore_ascii_case(wanted)
        };
        wanted.len() <= known.len() && known.iter().zip(&wanted).all(same)
    })
}

#[test]
fn settings_and_variables_that_documents_name_exist() {
    let keys = read_list("settings");
    let mut sections: Vec<_> = keys.iter().map(|key| key.split('.').next().unwrap()).collect();
    sections.dedup();
    assert!(sections.len() > 8, "{sections:?}");
    let settings = |text: &str| -> Vec<String> {
        let is_key =
            text.chars().all(|letter| letter.is_ascii_alphabetic() || "._".contains(letter));
        // `messages.rs` is a file of a context.
        let is_key = is_key && !text.ends_with(".rs");
        let section = text.split_once('.').filter(|(_, rest)| is_key && !rest.is_empty());
        let section = section.filter(|(section, _)| sections.contains(section));
        section.map(|_| text.to_owned()).into_iter().collect()
    };
    let unknown_settings = find_unknown(settings, |key| is_setting(&keys, key));
    assert!(unknown_settings.is_empty(), "{unknown_settings:#?}");
    let variables = |text: &str| -> Vec<String> {
        let all =
            split_parts(text, |letter| letter.is_ascii_uppercase() || letter == '_').into_iter();
        let keys = all.filter_map(|name| name.strip_prefix("HOLDFAST_").map(str::to_owned));
        keys.filter(|key| key.contains("__")).collect()
    };
    let unknown_variables =
        find_unknown(variables, |variable| is_setting(&keys, &variable.replace("__", ".")));
    assert!(unknown_variables.is_empty(), "{unknown_variables:#?}");
}

#[test]
fn metrics_that_documents_name_exist() {
    let metrics = read_list("metrics");
    let names = |text: &str| -> Vec<String> {
        let mut all =
            split_parts(text, |letter| letter.is_ascii_lowercase() || "_*".contains(letter));
        all.retain(|name| name.starts_with("holdfast_"));
        all
    };
    let unknown = find_unknown(names, |name| match name.strip_suffix('*') {
        Some(prefix) => metrics.iter().any(|metric| metric.starts_with(prefix)),
        None => metrics.iter().any(|metric| metric == name),
    });
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn codes_that_documents_name_with_their_status_exist() {
    let sources: String = files(&root().join("src"), "rs").into_iter().map(|it| it.1).collect();
    let codes = |text: &str| -> Vec<String> {
        let found = text.split_once(' ').filter(|(status, code)| {
            let is_status = status.len() == 3 && status.starts_with(['4', '5']);
            is_status && code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
        });
        found.map(|(_, code)| code.to_owned()).into_iter().collect()
    };
    let unknown = find_unknown(codes, |code| sources.contains(&format!("\"{code}\"")));
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// The help of a command and of all commands below it.
fn help_below(arguments: &[&str]) -> String {
    let help = run_holdfast(arguments);
    let commands = help.split_once("Commands:\n").map_or("", |(_, commands)| commands);
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands = commands.filter(|line| !line.starts_with("   "));
    let commands = commands.filter_map(|line| line.split_whitespace().next());
    let below = commands
        .filter(|command| *command != "help")
        .map(|command| help_below(&[arguments, &[command]].concat()));
    let below: String = below.collect();
    help + &below
}

#[test]
fn flags_that_documents_name_exist() {
    let mut known = help_below(&["help"]);
    for folder in ["scripts", "examples", "tests/store"] {
        for path in fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            known.extend(path.is_file().then(|| fs::read_to_string(path).unwrap()));
        }
    }
    known.extend(files(&root().join("examples"), "py").into_iter().map(|it| it.1));
    known.extend(files(&root().join("examples"), "rs").into_iter().map(|it| it.1));
    // Cargo's own.
    known.push_str("--workspace --all-targets");
    let flags = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().filter(|word| word.starts_with("--"));
        let is_flag = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        words.flat_map(|word| split_parts(word, is_flag).into_iter().next()).collect()
    };
    let unknown = find_unknown(flags, |flag| known.contains(flag));
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Method and path of a line that calls the server by HTTPie or curl, if it does.
fn parse_request(line: &str) -> Option<(String, String)> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_call = matches!(words.first(), Some(&"http" | &"curl"));
    let target = words.iter().filter(|_| is_call).find_map(|word| {
        let word = word.trim_matches(['"', '\'']);
        let path = word.trim_start_matches("http://").trim_start_matches("localhost");
        // The examples have a port of their own.
        let (port, path) = path.strip_prefix(':')?.split_once('/')?;
        (port != "8099").then(|| format!("/{}", path.split('?').next().unwrap()))
    })?;
    let is_method = |word: &&&str| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(*word);
    let method = words.iter().find(is_method).map_or("get".into(), |word| word.to_lowercase());
    Some((method, target))
}

#[test]
fn requests_in_documents_are_those_of_the_api() {
    let api: Value = serde_json::from_str(&run_holdfast(&["openapi"])).unwrap();
    let paths = api["paths"].as_object().unwrap();
    let is_route = |method: &str, path: &str| {
        let wanted: Vec<_> = path.split('/').skip(1).collect();
        paths.iter().filter(|(_, methods)| methods.get(method).is_some()).any(|(route, _)| {
            let route: Vec<_> = route.split('/').skip(1).collect();
            let is = |route: &[&str]| {
                let same =
                    |(known, wanted): (&&str, &&str)| known.starts_with('{') || known == wanted;
                route.len() == wanted.len() && route.iter().zip(&wanted).all(same)
            };
            // With one system alone, its paths need no system.
            is(&route) || is(&route[1..])
        })
    };
    let mut found = 0;
    let mut unknown = Vec::new();
    for (path, text) in present_documents() {
        for block in blocks(&text, "sh").iter().chain(&blocks(&text, "console")) {
            for line in block.lines().map(|line| line.trim_start_matches("$ ")) {
                let Some((method, target)) = parse_request(line) else { continue };
                found += 1;
                if !is_route(&method, &target) {
                    unknown.push(format!("{}: {method} {target}", path.display()));
                }
            }
        }
    }
    assert!(found > 50 && unknown.is_empty(), "{found}: {unknown:#?}");
}
