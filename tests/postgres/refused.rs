//! What keeps a server from starting on a database, each said with what to do.

use super::servers::section;
use std::path::Path;
use support::{
    Server,
    database::{Database, name_in},
    holdfast, run,
};
use tempfile::TempDir;

/// How a start ends: its code, and what it says.
fn start(url: &str, further: &[&str]) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data").display().to_string();
    let mut command = holdfast();
    command.args(["serve", "--system", "bookrent", "--listen", "127.0.0.1:0", "--data", &data]);
    command.args(further).env("HOLDFAST_STORE__URL", url).env("HOLDFAST_STORE__WAIT_S", "0");
    let output = run(&mut command);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_database_that_cannot_be_used_is_refused_with_what_to_do() {
    let server = Database::shared();
    let url = server.create();
    let name = name_in(&url);
    for (url, word, remedy) in [
        (
            server.url_of("postgres", "wrong", name),
            "refuses the user",
            "correct its user and password",
        ),
        (server.url("missing"), "does not exist", "createdb"),
        (format!("postgres://me:secret@127.0.0.1:1/{name}"), "cannot be reached", "127.0.0.1:1"),
    ] {
        let (code, said) = start(&url, &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(word) && said.contains(remedy), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_url_that_is_none_is_a_problem_of_the_configuration() {
    for (url, word) in [
        ("mysql://me:secret@db/holdfast", "does not begin with `postgres://`"),
        ("postgres://me:secret@db", "names no database"),
    ] {
        let (code, said) = start(url, &[]);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("store.url") && said.contains(word), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let (code, said) = start("postgres://me@localhost/holdfast", &["--contexts", "bookrent.book"]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("runs whole systems"), "{said}");
}

#[test]
fn a_database_that_may_forget_is_refused_unless_that_is_accepted() {
    let server = Database::shared();
    let url = server.create();
    let name = name_in(&url);
    server.sql("postgres", &format!("alter database {name} set synchronous_commit = off"));
    let (code, said) = start(&url, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("`synchronous_commit` is off") && said.contains("--accept-data-loss"),
        "{said}"
    );
}

#[test]
fn a_database_of_a_newer_release_and_a_user_without_rights_are_refused() {
    let server = Database::shared();
    let url = server.create();
    let name = name_in(&url);
    server.sql("postgres", &format!("create user reader_of_{name} password 'guess'"));
    let (code, said) = start(&server.url_of(&format!("reader_of_{name}"), "guess", name), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("lacks a right") && said.contains("grant create on database"), "{said}");

    server.sql(
        name,
        "create schema holdfast; create table holdfast.migration (version int, major int, applied timestamptz default now());
         insert into holdfast.migration values (7, 2)",
    );
    let (code, said) = start(&url, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("made for a newer release") && said.contains("major version 2"),
        "{said}"
    );
    assert_eq!(
        server.sql(name, "select count(*) from holdfast.migration"),
        "1",
        "nothing was changed"
    );
}

#[test]
fn a_database_that_can_only_be_read_is_refused() {
    let server = Database::shared();
    let url = server.create();
    let name = name_in(&url);
    server
        .sql("postgres", &format!("alter database {name} set default_transaction_read_only = on"));
    let (code, said) = start(&url, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("read"), "{said}");
}

/// How an examination of a server ends: its code, and what it says.
fn examine(url: &str, data: &Path, listen: &str) -> (Option<i32>, String) {
    let mut command = holdfast();
    command.args(["doctor", "--system", "bookrent", "--listen", listen, "--data"]).arg(data);
    let output = run(command.env("HOLDFAST_STORE__URL", url));
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn doctor_says_what_is_wrong_with_a_database_and_nothing_of_a_sound_one() {
    let database = Database::shared();
    let url = database.create();
    let name = name_in(&url);
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    for (url, word) in [
        (database.url_of("postgres", "wrong", name), "refuses the user"),
        (database.url("missing"), "does not exist"),
        (format!("postgres://me:secret@127.0.0.1:1/{name}"), "cannot be reached"),
    ] {
        let (code, said) = examine(&url, &data, "127.0.0.1:0");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("database: ") && said.contains(word), "{said}");
        assert!(!said.contains("secret") && !data.exists(), "{said}");
    }
    let (code, said) = examine(&url, &data, "127.0.0.1:0");
    assert_eq!((code, said.contains("nothing is wrong")), (Some(0), true), "{said}");
    // The port is taken by the server itself.
    let server = Server::of("bookrent", &section(&url), &[]);
    let (code, said) = examine(&url, &server.data(), server.address());
    assert_eq!((code, said.contains("nothing is wrong")), (Some(0), true), "{said}");
    assert!(said.contains("readiness") && said.contains("database"), "{said}");
}
