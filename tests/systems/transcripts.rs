//! Replays the transcripts of the README and of `docs/systems`, line by line, against the real server: each says what it
//! answers.

use support::{Server, transcript::Transcript};

fn replay(system: &str) {
    replay_transcript(system, &Transcript::of_system(system));
}

fn replay_transcript(system: &str, transcript: &Transcript) {
    let further: Vec<_> = transcript.arguments.iter().map(String::as_str).collect();
    let server = Server::of(system, "", &further);
    for step in &transcript.steps {
        step.replay(&server);
    }
}

#[test]
fn a_minute_of_the_readme_goes_as_it_says() {
    let readme = Transcript::of_page("README.md", "A minute's tour", "bookrent");
    replay_transcript("bookrent", &readme);
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
