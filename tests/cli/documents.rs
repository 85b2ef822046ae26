//! Holds the documents: links lead somewhere, shell blocks parse, what they name exists.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `directory` whose name ends with `.extension`, with its text.
pub fn files(directory: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// All documents: those beside the README, and `docs/`.
pub fn documents() -> Vec<(PathBuf, String)> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let top = top.filter(|path| path.extension().is_some_and(|own| own == "md"));
    let top = top.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    top.chain(files(&root().join("docs"), "md")).collect()
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The text without its fenced blocks.
pub fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The fenced blocks in `language`.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(found) = line.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        if found == language {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// What is between single backticks.
pub fn quoted(prose: &str) -> Vec<&str> {
    prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| -> String {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept =
            title.chars().filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(slug).collect()
}

/// The targets of links in the text.
fn links(prose: &str) -> Vec<&str> {
    let starts = prose.match_indices("](").map(|(at, found)| &prose[at + found.len()..]);
    starts.filter_map(|rest| rest.split(')').next()).collect()
}

fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    section.split("\n## ").next().unwrap()
}

#[test]
fn the_readme_is_a_page_and_not_a_manual() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 130, "README.md has {lines} lines");
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let documents = documents();
    let anchors: HashMap<_, _> = documents
        .iter()
        .map(|(path, text)| (path.canonicalize().unwrap(), anchors(text)))
        .collect();
    let mut broken = Vec::new();
    for (path, text) in &documents {
        for link in links(&prose(text)).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let found = target.canonicalize();
            let leads = found.as_ref().is_ok_and(|target| {
                anchor.is_empty() || anchors.get(target).is_some_and(|known| known.contains(anchor))
            });
            if !leads {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_document_is_linked() {
    let documents = documents();
    let mut linked = BTreeSet::new();
    for (path, text) in &documents {
        for link in links(&prose(text)) {
            let file = link.split('#').next().unwrap();
            linked.extend(path.parent().unwrap().join(file).canonicalize().ok());
        }
    }
    let docs = root().join("docs");
    for (path, _) in documents.iter().filter(|(path, _)| path.starts_with(&docs)) {
        assert!(linked.contains(&path.canonicalize().unwrap()), "nothing links to {path:?}");
    }
}

#[test]
fn paths_in_backticks_exist() {
    let folders = ["src/", "tests/", "docs/", "examples/", "deploy/", "scripts/", "benches/"];
    let mut missing = Vec::new();
    for (path, text) in documents() {
        if path.ends_with("CHANGELOG.md") {
            continue;
        }
        for name in quoted(&prose(&text)) {
            let is_path = folders.iter().any(|folder| name.starts_with(folder));
            let is_one = is_path && !name.contains([' ', '*', '{', '<']) && !name.contains("NAME");
            if is_one && name != "deploy/secrets" && !root().join(name).exists() {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn shell_blocks_parse_and_name_commands_that_exist() {
    let help = support::run(support::holdfast().arg("help"));
    let help = String::from_utf8(help.stdout).unwrap();
    let commands: BTreeSet<_> = section_of_help(&help);
    assert!(commands.contains("serve") && commands.len() > 5, "{commands:?}");
    for (path, text) in documents() {
        for block in blocks(&text, "sh") {
            let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
            bash.stdin.take().unwrap().write_all(block.as_bytes()).unwrap();
            assert!(bash.wait().unwrap().success(), "{path:?}: {block}");
        }
        for block in blocks(&text, "sh").iter().chain(&blocks(&text, "console")) {
            for line in block.lines().filter(|line| !line.trim_start().starts_with('#')) {
                let line = line.split(" #").next().unwrap();
                let mut words = line.split(' ').skip_while(|word| *word != "holdfast").skip(1);
                let Some(command) = words.next().filter(|_| !line.contains("docker")) else {
                    continue;
                };
                let starts = line.trim_start_matches("$ ");
                let is_call = starts.starts_with("holdfast ") || starts.starts_with("HOLDFAST_");
                assert!(!is_call || commands.contains(command), "{path:?}: {line}");
            }
        }
    }
}

/// The names of the commands in what `holdfast help` prints.
fn section_of_help(help: &str) -> BTreeSet<&str> {
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn the_promises_name_tests_that_exist() {
    let readme = document("README.md");
    let tests: String =
        files(&root().join("tests"), "rs").into_iter().map(|(_, text)| text).collect();
    let promises = section(&readme, "Promises");
    let names: Vec<_> = quoted(promises).into_iter().filter(|name| name.contains('_')).collect();
    let (scripts, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.contains('/'));
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(tests.contains(&format!("fn {name}(")), "there is no test {name}");
    }
    for script in scripts {
        let file = script.split(' ').next_back().unwrap();
        assert!(root().join(file).exists(), "there is no {file}");
    }
}

#[test]
fn the_walks_name_files_that_exist() {
    let architecture = document("ARCHITECTURE.md");
    let walks: Vec<_> = section(&architecture, "Three walks").split("\n### ").skip(1).collect();
    assert_eq!(walks.len(), 3);
    for walk in walks {
        let is_step = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
        let files: Vec<_> =
            walk.lines().filter(is_step).map(|line| line.split('`').nth(1).unwrap()).collect();
        assert!((5..=15).contains(&files.len()), "{files:?}");
        let distinct: BTreeSet<_> = files.iter().collect();
        assert_eq!(distinct.len(), files.len(), "a file is named twice: {files:?}");
        for file in quoted(walk).into_iter().filter(|name| name.starts_with("src/")) {
            assert!(root().join(file).is_file(), "there is no {file}");
        }
    }
}

#[test]
fn the_map_names_every_room() {
    let architecture = document("ARCHITECTURE.md");
    let map = section(&architecture, "Rooms");
    let named: BTreeSet<_> =
        map.lines().filter(|line| line.starts_with("| `")).flat_map(quoted).collect();
    for directory in ["src", "src/actors"] {
        for entry in fs::read_dir(root().join(directory)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            assert!(
                !entry.path().is_dir() || named.contains(name.as_str()),
                "{directory}/{name} is not on the map"
            );
        }
    }
}
