//! The server on a database: the transcripts of all systems, word for word.

use support::{Server, database::Database, holdfast, run, transcript::Transcript};

/// The section of a configuration file for a database.
pub fn section(url: &str) -> String {
    format!("[store]\nurl = \"{url}\"\n")
}

fn replay(system: &str) {
    let transcript = Transcript::of_system(system);
    let further: Vec<_> = transcript.arguments.iter().map(String::as_str).collect();
    let server = Server::of(system, &section(&Database::shared().create()), &further);
    transcript.steps.iter().for_each(|step| step.replay(&server));
}

#[test]
fn bookrent_answers_as_its_page_says() {
    replay("bookrent");
}

#[test]
fn purifier_answers_as_its_page_says() {
    replay("purifier");
}

#[test]
fn ebook_answers_as_its_page_says() {
    replay("ebook");
}

#[test]
fn movie_answers_as_its_page_says() {
    replay("movie");
}

#[test]
fn ticketing_answers_as_its_page_says() {
    replay("ticketing");
}

#[test]
fn gbike_answers_as_its_page_says() {
    replay("gbike");
}

#[test]
fn a_backup_is_refused_before_it_begins_and_the_tools_of_the_database_are_named() {
    let server = Server::of("bookrent", &section(&Database::shared().create()), &[]);
    for path in ["/admin/backups/send", "/admin/backups/make"] {
        let answer = server.call("POST", path, |request| request);
        answer.refuses(409, "no-snapshots");
        assert!(answer.text.contains("pg_dump"), "{}", answer.text);
    }
    let file = server.directory().join("a.backup");
    let mut command = holdfast();
    let output = run(command.args(["backup", "--url", server.url()]).arg(&file));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("pg_dump") && !file.exists(), "{said}");
}
