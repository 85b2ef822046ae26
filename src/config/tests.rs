//! What a configuration is, and how its mistakes are reported.

use super::*;
use std::{io::Write, path::Path};

fn load(file: &str, environment: &[(&str, &str)], flags: Flags) -> Result<Config, ConfigProblem> {
    let mut on_disk = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    let environment =
        environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::load(Some(on_disk.path()), environment, flags)
}
fn problem(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment, Flags::default()).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::load(None, [], Flags::default()).unwrap();
    assert_eq!(config.settings, Settings::default());
    assert_eq!(config.origin("http.listen"), Origin::Default);
}

#[test]
fn flags_go_over_environment_over_file_over_defaults() {
    let file = "[http]\nlisten = '127.0.0.1:1'\nbody_limit = 1000\njson_depth = 8";
    let environment =
        [("HOLDFAST_HTTP__LISTEN", "127.0.0.1:2"), ("HOLDFAST_HTTP__BODY_LIMIT", "2000")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    let config = load(file, &environment, flags).unwrap();
    let http = &config.settings.http;
    assert_eq!((http.listen.port(), http.body_limit, http.json_depth), (3, 2000, 8));
    assert_eq!(http.body_timeout_ms, 5000);
    assert_eq!(config.origin("http.listen"), Origin::Flag);
    assert_eq!(
        config.origin("http.body_limit"),
        Origin::Environment("HOLDFAST_HTTP__BODY_LIMIT".into())
    );
    assert!(matches!(config.origin("http.json_depth"), Origin::File(_)));
}

#[test]
fn an_unknown_key_is_named_with_those_that_are_known() {
    let why = problem("[http]\nlistn = 'x'", &[]);
    assert!(why.contains("listn") && why.contains("listen") && why.contains("workers"), "{why}");
    let why = problem("", &[("HOLDFAST_HTP__LISTEN", "127.0.0.1:1")]);
    assert!(why.contains("htp") && why.contains("http"), "{why}");
    assert!(load("", &[("HOLDFAST_LOG_FORMAT", "json"), ("HOME", "/")], Flags::default()).is_ok());
}

#[test]
fn values_out_of_range_name_key_origin_and_what_is_allowed() {
    let why = problem("[guard.\"bookrent.book\"]\nbreaker_failure_percent = 101", &[]);
    assert!(
        why.contains("guard.bookrent.book.breaker_failure_percent") && why.contains("100"),
        "{why}"
    );
    assert!(why.contains(".toml"), "{why}");
    let why = problem("", &[("HOLDFAST_HTTP__LISTEN", "nowhere")]);
    assert!(why.contains("http.listen"), "{why}");
    let why = problem("", &[("HOLDFAST_HTTP__BODY_LIMIT", "0")]);
    assert!(why.contains("HOLDFAST_HTTP__BODY_LIMIT"), "{why}");
}

#[test]
fn a_guard_is_for_a_context_that_exists() {
    let why = problem("[guard.\"bookrent.bok\"]\ntries = 2", &[]);
    assert!(why.contains("bookrent.bok") && why.contains("bookrent.book"), "{why}");
    let config =
        load("", &[("HOLDFAST_GUARD__BOOKRENT__BOOK__TRIES", "2")], Flags::default()).unwrap();
    assert_eq!(config.settings.guard_of("bookrent.book").tries, Some(2));
}

#[test]
fn systems_are_a_list_of_those_to_run_or_tables_of_their_settings() {
    let config = load("systems = ['bookrent']", &[], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.enabled, ["bookrent"]);
    let config = load("[systems.bookrent]\nname = 'x'", &[], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.settings["bookrent"]["name"], "x");
    let config = load("", &[("HOLDFAST_SYSTEMS", "bookrent")], Flags::default()).unwrap();
    assert_eq!(config.settings.systems.enabled, ["bookrent"]);
    let why = problem("systems = ['boookrent']", &[]);
    assert!(why.contains("boookrent") && why.contains("bookrent"), "{why}");
}

#[test]
fn lists_and_numbers_of_systems_may_come_from_the_environment() {
    let environment = [
        ("HOLDFAST_NODE__ACCEPT_HISTORY", "bookrent.rent, bookrent.book"),
        ("HOLDFAST_SYSTEMS__MOVIE__SEATS_PER_BOOKING", "3"),
    ];
    let settings = load("", &environment, Flags::default()).unwrap().settings;
    assert_eq!(settings.node.accept_history, ["bookrent.rent", "bookrent.book"]);
    assert_eq!(settings.systems.settings["movie"]["seats_per_booking"], 3);
}

#[test]
fn listening_openly_beyond_loopback_is_refused_with_the_setting_to_add() {
    let why = problem("[http]\nlisten = '0.0.0.0:8088'", &[]);
    assert!(why.contains("auth.allow_open_beyond_loopback = true"), "{why}");
    let file = "[http]\nlisten = '0.0.0.0:8088'\n[auth]\nallow_open_beyond_loopback = true";
    assert!(load(file, &[], Flags::default()).is_ok());
}

#[test]
fn ports_of_contexts_are_moved_together_and_are_for_one_system() {
    let file = "systems = ['bookrent']\n[compat]\nports = true\nfirst_port = 9000";
    let ports = load(file, &[], Flags::default()).unwrap().settings.compat_ports();
    assert_eq!(ports.first(), Some(&("bookrent.book", 9000)));
    assert_eq!(ports.last(), Some(&("bookrent.view", 9003)));
    let one = format!("{file}\n[node]\ncontexts = ['bookrent.rent']");
    let ports = load(&one, &[], Flags::default()).unwrap().settings.compat_ports();
    assert_eq!(ports, [("bookrent.rent", 9001)], "those of other nodes are on theirs");
    assert!(problem("[compat]\nports = true", &[]).contains("one system at a time"));
    let why = problem(&format!("http.listen = '127.0.0.1:9001'\n{file}"), &[]);
    assert!(why.contains("http.listen") && why.contains("bookrent.rent"), "{why}");
    let why = problem("compat.first_port = 65535", &[]);
    assert!(why.contains("compat.first_port") && why.contains("65000"), "{why}");
    assert_eq!(
        load("systems = ['bookrent']", &[], Flags::default()).unwrap().settings.compat_ports(),
        []
    );
}

#[test]
fn a_file_that_is_missing_or_not_toml_is_named() {
    let missing = Config::load(Some(Path::new("/nowhere/holdfast.toml")), [], Flags::default());
    assert!(missing.unwrap_err().to_string().contains("/nowhere/holdfast.toml"));
    assert!(problem("[http", &[]).contains(".toml"));
}

#[test]
fn the_effective_values_are_listed_with_their_origin() {
    let lines = load("[store]\ndir = '/data'", &[], Flags::default()).unwrap().lines();
    let dir = lines.iter().find(|line| line.key == "store.dir").unwrap();
    assert_eq!(dir.value, "/data");
    assert!(matches!(dir.origin, Origin::File(_)));
}
