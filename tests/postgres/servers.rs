//! The server on a database: the transcripts of all systems, word for word.

use support::{Server, database::Database, transcript::Transcript};

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
