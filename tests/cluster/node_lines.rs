//! A node whose line in `node.keys` is not what it is does not start, and says which line and why.

use std::{fs, path::Path};
use support::{holdfast, run};
use tempfile::TempDir;

const OTHER: &str = "other 5yLkQ0Jr2u1wCkq0XGm0b7K2dT2mQ0cB0C5o3l1Nn0M bookrent.book";

/// The line that `node-key` prints with these arguments.
fn print_line(arguments: &[&str]) -> String {
    let output = run(holdfast().arg("node-key").args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What a command says that refuses the configuration.
#[track_caller]
fn refused(command: &str, config: &Path) -> String {
    let mut process = holdfast();
    process.args([command, "--config"]).arg(config);
    let output = run(&mut process);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{command}: {said}");
    said
}

#[test]
fn a_node_whose_line_does_not_fit_its_name_its_key_or_its_contexts_does_not_start() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let config = directory.path().join("holdfast.toml");
    let write = |lines: &[&str]| {
        let toml = format!(
            "[http]\nlisten = '127.0.0.1:0'\n[store]\ndir = {data:?}\n[systems]\nenabled = ['bookrent']\n\
             [node]\nname = 'rent'\ncontexts = ['bookrent.rent', 'bookrent.view']\nkeys = {lines:?}\n\
             [peers]\n'bookrent.book' = 'http://127.0.0.1:1'\n'bookrent.delivery' = 'http://127.0.0.1:1'\n"
        );
        fs::write(&config, toml).unwrap();
    };
    // The command needs no lines: it prints the one that is right.
    write(&[]);
    let right = print_line(&["--config", config.to_str().unwrap()]);
    let key = right.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(right, format!("rent {key} bookrent.rent bookrent.view"));
    let other_key = OTHER.split(' ').nth(1).unwrap();
    let cases = [
        (format!("rent {key} bookrent.rent"), vec!["line 2", "lacks", "bookrent.view"]),
        (format!("rent {key} bookrent"), vec!["line 2", "does not host", "bookrent.delivery"]),
        (format!("rent {key} none"), vec!["line 2", "lacks", "bookrent.rent, bookrent.view"]),
        (format!("rant {key} bookrent.rent bookrent.view"), vec!["`rent`"]),
        (
            format!("rent {} bookrent.rent bookrent.view", other_key.replace('5', "7")),
            vec!["line 2", "another key", &right],
        ),
        (format!("else {} bookrent.rent", other_key.replace('5', "7")), vec!["no line", "`rent`"]),
        (
            format!("rent {key} bookrent.rant"),
            vec!["there is no context or system `bookrent.rant`"],
        ),
        (format!("rent {key}A bookrent.rent"), vec!["expected the name of a node"]),
        (OTHER.to_owned(), vec!["another node has the same name or key"]),
    ];
    for (line, words) in cases {
        write(&[OTHER, &line]);
        for command in ["check-config", "serve"] {
            let said = refused(command, &config);
            for word in ["node.keys"].into_iter().chain(words.iter().copied()) {
                assert!(
                    said.contains(word),
                    "{command} of `{line}`: `{word}` is missing in {said}"
                );
            }
        }
    }
    write(&[OTHER, &right]);
    let mut check = holdfast();
    let output = run(check.args(["check-config", "--config"]).arg(&config));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_line_of_a_gateway_may_say_that_it_hosts_nothing() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data").display().to_string();
    let line = |contexts: &[&str]| {
        print_line(&[&["--data", &data, "--name", "gateway"], contexts].concat())
    };
    assert_eq!(line(&["--contexts", "none"]), line(&[]));
    assert_eq!(line(&["--contexts", "none"]).split(' ').count(), 2);
    let mut command = holdfast();
    let both = ["node-key", "--data", &data, "--name", "a", "--contexts", "none,bookrent"];
    assert_eq!(run(command.args(both)).status.code(), Some(78));
}
