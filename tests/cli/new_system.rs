//! A new system, as docs/adding-a-system.md has it: its folder, one word in the list of systems, and one command for the
//! golden files. Then the tests of every system are green for it too, with nothing else touched.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::alone;

const SYSTEM: &str = "carshare";
/// What is in a checkout, and is not needed to build it.
const LEFT_OUT: [&str; 2] = [".git", "target"];

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A directory of artefacts for the copy, with the dependencies that are built for this test already. It is one of its own:
/// what the copy builds has the names that our own artefacts have, and would take their place.
fn artefacts() -> tempfile::TempDir {
    let target = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap();
    for folder in [".fingerprint", "build", "deps"] {
        link(&built.join(folder), &target.path().join("debug").join(folder));
    }
    target
}

/// Links to all files below a folder, but to those of our own crates and to programs.
fn link(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let is_folder = entry.file_type().unwrap().is_dir();
        let is_program = to.ends_with("deps") && entry.path().extension().is_none();
        if name.to_string_lossy().contains("holdfast") || is_program {
            continue;
        }
        if is_folder {
            link(&entry.path(), &to.join(&name));
        } else {
            fs::hard_link(entry.path(), to.join(&name)).unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

/// Runs tests of the copy as its author would.
fn test(copy: &Path, target: &Path, golden: Option<&str>, arguments: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline", "--locked", "--workspace"]).args(arguments);
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", target).env("HOLDFAST_SYSTEM", SYSTEM);
    cargo.env_remove("HOLDFAST_GOLDEN").env_remove("CARGO_MANIFEST_DIR");
    if let Some(word) = golden {
        cargo.env("HOLDFAST_GOLDEN", word);
    }
    let output = cargo.output().unwrap();
    let told = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "cargo test {arguments:?}:\n{told}");
}

#[test]
fn a_system_is_a_folder_one_word_and_one_command() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let artefacts = artefacts();
    let target = artefacts.path();
    copy(&checkout(), here);

    copy(
        &here.join("examples/seventh_system").join(SYSTEM),
        &here.join("src/systems").join(SYSTEM),
    );
    let list = here.join("src/systems/mod.rs");
    let systems = fs::read_to_string(&list).unwrap();
    let line = "pub mod bookrent;\n";
    assert!(systems.contains(line));
    fs::write(&list, systems.replace(line, &format!("{line}pub mod {SYSTEM};\n"))).unwrap();

    // One command writes what is known of it outside the source; what is known of the others stays.
    let before = files(&here.join("tests/golden"));
    test(here, target, Some("write"), &["--test", "systems", "golden"]);
    let after = files(&here.join("tests/golden"));
    let changed: Vec<_> =
        before.iter().filter(|(path, text)| after.get(*path) != Some(text)).collect();
    let changed: Vec<_> = changed.into_iter().map(|(path, _)| path.display().to_string()).collect();
    assert_eq!(changed, ["openapi.json"], "the API of all systems is one file");
    let new: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(new.iter().all(|path| path.to_str().unwrap().contains(SYSTEM)), "{new:?}");
    let file = |name: &str| new.iter().any(|path| path.ends_with(name));
    for name in ["board_carshare.txt", "records/carshare.trip.txt"] {
        assert!(file(name), "{name} is not among {new:?}");
    }

    // Schedules, deliveries that fail at every step, documents and golden files take it from the declarations.
    let targets = ["--lib", "--test", "systems", "--test", "simulation", "--test", "actors"];
    let tests = [
        "--",
        "carshare",
        "golden",
        "every_system",
        "a_system_without_a_model",
        "systems::tests",
        "every_command_declares",
    ];
    test(here, target, None, &[&targets[..], &tests[..]].concat());
}
