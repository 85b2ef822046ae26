//! Commands that ask a running server, with a key; and the pages and completions of all commands.

use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};
use support::{Server, eventually, holdfast, run};
use tempfile::TempDir;

/// Whether a command succeeds, and what it says.
pub fn said(command: &mut Command) -> (bool, String) {
    let done = run(command);
    (done.status.success(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let (done, text) = said(command);
    assert!(done, "{text}");
    text
}

#[track_caller]
fn refused(command: &mut Command, words: &[&str]) {
    let (done, text) = said(command);
    assert!(!done, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` in {text}");
    }
}

/// A secret that only its user can read.
fn write_secret(path: &Path, secret: &str) {
    fs::write(path, secret).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A key for a server on `data`, which does not run.
fn make_key(data: &Path, role: &str) -> String {
    let mut command = holdfast();
    command.args(["key", "add", "--name", role, "--role", role, "--data"]).arg(data);
    succeeds(&mut command).trim().to_owned()
}

#[test]
fn operators_command_a_server_with_a_key_in_a_file_a_variable_or_a_profile() {
    let keep = TempDir::new().unwrap();
    let key = make_key(&keep.path().join("data"), "operator");
    let admin = make_key(&keep.path().join("data"), "admin");
    let toml = "[auth]\nmode = \"token\"\n";
    let server = Server::inside(keep, &[], "127.0.0.1:0", "bookrent", toml, &[]);
    let at = |name: &str| server.directory().join(name);
    write_secret(&at("operator"), &key);
    write_secret(&at("admin"), &admin);
    let holdfast = || {
        let mut command = holdfast();
        command.env("HOLDFAST_PROFILES", at("profiles.toml")).env("HOLDFAST_URL", server.url());
        command
    };
    // Without a key, with another one, and with one that others can read.
    refused(holdfast().args(["contexts", "list"]), &["invalid-token", "--token-file"]);
    refused(
        holdfast().args(["contexts", "list"]).env("HOLDFAST_TOKEN", "hf_x"),
        &["invalid-token"],
    );
    fs::write(at("open"), &key).unwrap();
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = at("open").display().to_string();
    refused(holdfast().args(["contexts", "list", "--token-file", &open]), &["chmod 600"]);
    refused(holdfast().args(["contexts", "list", "--profile", "shop"]), &["no profile `shop`"]);

    let operator = at("operator").display().to_string();
    let listed = succeeds(holdfast().args(["contexts", "list", "--token-file", &operator]));
    assert!(listed.starts_with("context"), "{listed}");
    assert!(listed.lines().any(|line| line.starts_with("bookrent.rent ")), "{listed}");
    let profile = format!("[shop]\nurl = \"{}\"\ntoken_file = \"{operator}\"\n", server.url());
    fs::write(at("profiles.toml"), profile).unwrap();
    let mut by_profile = holdfast();
    by_profile.env_remove("HOLDFAST_URL").args(["contexts", "list", "--profile", "shop", "--json"]);
    let listed: Value = serde_json::from_str(&succeeds(&mut by_profile)).unwrap();
    assert_eq!(listed["contexts"].as_array().unwrap().len(), 4);

    // From here on with a key in the variable.
    let ask = |arguments: &[&str]| {
        let mut command = holdfast();
        command.args(arguments).env("HOLDFAST_TOKEN", &key);
        command
    };
    let stopped = succeeds(&mut ask(&["contexts", "stop", "bookrent.view", "bookrent.delivery"]));
    assert_eq!(stopped.matches("stopped").count(), 2, "{stopped}");
    succeeds(&mut ask(&["contexts", "start", "bookrent.view", "bookrent.delivery"]));
    refused(&mut ask(&["contexts", "stop", "bookrent.nothing"]), &["bookrent.rent", "("]);
    let rebuilt = succeeds(&mut ask(&["views", "rebuild", "bookrent.view"]));
    assert!(rebuilt.contains("running"), "{rebuilt}");
    refused(&mut ask(&["views", "rebuild", "bookrent.rent"]), &["not-a-view"]);
    assert_eq!(succeeds(&mut ask(&["parked", "list", "--json"])).trim(), "[]");
    // A refused text says `reason`, an event that could not be processed says `error`.
    let columns = succeeds(&mut ask(&["parked", "list"]));
    assert_eq!(
        columns.split_whitespace().collect::<Vec<_>>(),
        ["id", "attempts", "error", "reason", "damaged"]
    );
    assert!(succeeds(&mut ask(&["parked", "redrive", "--all"])).contains("0 done"));
    refused(&mut ask(&["parked", "drop", "--all"]), &["--yes"]);
    refused(&mut ask(&["parked", "drop", "none~none~1~1"]), &["none~none~1~1"]);
    refused(&mut ask(&["sagas", "show", "bookrent", "9"]), &["(not-found)"]);
    // A backup has everything, and so is not for operators.
    let file = at("a.backup").display().to_string();
    refused(&mut ask(&["backup", &file]), &["insufficient-scope"]);
    assert!(!at("a.backup").exists() && !at("a.backup.part").exists());
    let admin = at("admin").display().to_string();
    succeeds(holdfast().args(["backup", &file, "--token-file", &admin]));
    // A server that is not there.
    let mut away = ask(&["contexts", "list", "--url", "http://127.0.0.1:1"]);
    refused(&mut away, &["127.0.0.1:1", "--url"]);
}

#[test]
fn orders_and_events_are_shown() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    let rent = server.rent(book, 1).id();
    server.shows(&format!("/deliveries/{rent}"), json!({"status": "Delivery Started"}));
    let number = rent.to_string();
    let ask = |arguments: &[&str]| {
        let mut command = holdfast();
        command.args(arguments).env("HOLDFAST_URL", server.url());
        command
    };
    let saga = succeeds(&mut ask(&["sagas", "show", "bookrent", &number]));
    for part in ["BookRented", "bookrent.delivery", "\"status\": \"Rent\""] {
        assert!(saga.contains(part), "`{part}` in {saga}");
    }
    let saga = succeeds(&mut ask(&["sagas", "show", "bookrent", &number, "--json"]));
    let saga: Value = serde_json::from_str(&saga).unwrap();
    assert!(saga["entries"].as_array().unwrap().len() > 2, "{saga}");
    let redriven = succeeds(&mut ask(&["sagas", "redrive", "bookrent", &number]));
    assert!(redriven.contains("nothing of this order is set aside"), "{redriven}");
    let tail = ["events", "tail", "--from", "start", "--type", "BookRented", "--limit", "1"];
    let shown = succeeds(&mut ask(&tail));
    assert!(shown.contains("BookRented"), "{shown}");
    let shown = succeeds(&mut ask(&[&tail[..], &["--json"]].concat()));
    let event: Value = serde_json::from_str(shown.trim()).unwrap();
    assert!(event["type"].as_str().unwrap().contains("BookRented"), "{event}");
    // What happens from now on.
    let mut tail = ask(&["events", "tail", "--limit", "2"]);
    let tail = std::thread::spawn(move || succeeds(&mut tail));
    eventually("both events are shown", || {
        server.register_book("title02");
        tail.is_finished().then_some(())
    });
    assert_eq!(tail.join().unwrap().lines().count(), 2);
}

#[test]
fn every_command_has_a_manual_page_and_is_completed() {
    let keep = TempDir::new().unwrap();
    succeeds(holdfast().args(["man", "--dir"]).arg(keep.path()));
    let commands =
        ["backup", "restore", "verify", "doctor", "sagas", "sagas-redrive", "events-tail"];
    for command in commands {
        let page = fs::read_to_string(keep.path().join(format!("holdfast-{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{command}: {page}");
    }
    let page = succeeds(holdfast().arg("man"));
    assert!(page.contains("holdfast\\-backup(1)"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let script = succeeds(holdfast().args(["completions", shell]));
        for word in ["backup", "redrive", "token-file"] {
            assert!(script.contains(word), "`{word}` for {shell}");
        }
    }
    refused(holdfast().args(["man", "--dir", "/none/there"]), &["/none/there"]);
}
