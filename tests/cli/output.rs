//! The command line without a server: what it prints, and how it ends.

use holdfast::systems;
use std::{
    net::TcpListener,
    process::{Command, Output},
};

fn holdfast(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOLDFAST_"))
    {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}
fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_board_that_is_not_there_is_a_usage_error_that_names_those_that_are() {
    let output = holdfast(&["board", "bokrent"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bookrent"));
}

#[test]
fn the_contexts_of_a_system_are_printed_with_their_ports_one_a_line() {
    let output = holdfast(&["contexts", "bookrent"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let expected = [
        "bookrent.book 8081 aggregate",
        "bookrent.rent 8082 aggregate",
        "bookrent.delivery 8083 aggregate",
        "bookrent.view 8084 view",
    ];
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), expected);
    let all = stdout(&holdfast(&["contexts"], &[]));
    let count: usize = systems::NAMES.iter().map(|system| systems::contexts(system).len()).sum();
    assert_eq!(all.lines().count(), count);
    assert!(all.lines().any(|line| line == "purifier.notification - aggregate"), "{all}");
    let unknown = holdfast(&["contexts", "bokrent"], &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("bookrent"));
}

#[test]
fn a_sound_configuration_is_shown_with_the_origin_of_each_value() {
    let environment = [("HOLDFAST_HTTP__WORKERS", "3")];
    let output = holdfast(&["check-config", "--listen", "127.0.0.1:9"], &environment);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = stdout(&output);
    let line = |key: &str| lines.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("http.listen").ends_with("# flag --listen"), "{lines}");
    assert!(line("http.workers").ends_with("# environment HOLDFAST_HTTP__WORKERS"), "{lines}");
    assert!(line("http.body_limit").ends_with("# default"), "{lines}");
    let json = stdout(&holdfast(&["check-config", "--json"], &environment));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let workers =
        json.as_array().unwrap().iter().find(|line| line["key"] == "http.workers").unwrap();
    assert_eq!(workers["origin"], "environment HOLDFAST_HTTP__WORKERS");
}

#[test]
fn a_wrong_configuration_ends_with_78_and_says_what_is_wrong() {
    for (arguments, environment, words) in [
        (&["check-config"][..], &[("HOLDFAST_HTP__LISTEN", "x")][..], &["htp", "http"][..]),
        (
            &["check-config", "--listen", "0.0.0.0:8088"],
            &[],
            &["auth.allow_open_beyond_loopback = true"],
        ),
        (&["check-config", "--system", "bokrent"], &[], &["bokrent", "bookrent"]),
        (&["serve", "--config", "/nowhere.toml"], &[], &["/nowhere.toml"]),
        (&["serve"], &[("HOLDFAST_LOG_FORMAT", "xml")], &["HOLDFAST_LOG_FORMAT", "json"]),
    ] {
        let output = holdfast(arguments, environment);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [&["nothing"][..], &["serve", "--clock", "2021-06-28"], &[]] {
        assert_eq!(holdfast(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_taken_port_ends_with_1_and_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output =
        holdfast(&["serve", "--listen", &address, "--data", data.path().to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(&address) && stderr(&output).contains("--listen"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn completions_are_for_the_shell_that_was_named() {
    assert!(stdout(&holdfast(&["completions", "bash"], &[])).contains("_holdfast"));
    assert!(stdout(&holdfast(&["completions", "fish"], &[])).contains("complete -c holdfast"));
}
