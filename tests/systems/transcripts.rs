//! Replays the transcripts of the README, the tour and `docs/systems`, line by line, against the real server: each says
//! what it answers.

use holdfast::systems;
use std::{fs, path::Path};
use support::{Server, causes, eventually, transcript::Transcript};

fn replay(system: &str) {
    replay_transcript(system, &Transcript::of_system(system));
}

fn replay_transcript(system: &str, transcript: &Transcript) {
    let further: Vec<_> = transcript.arguments.iter().map(String::as_str).collect();
    let server = Server::of(system, "", &further);
    for step in &transcript.steps {
        step.replay(&server);
    }
    let contexts = systems::contexts(system);
    let with_logs = contexts.iter().filter(|context| !context.is_view);
    let names: Vec<_> = with_logs.map(|context| context.name.context).collect();
    causes::lead_to_commands(&server, &names);
}

/// The first block in `language` under a heading of the tour.
fn block_of_the_tour(heading: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md");
    let tour = fs::read_to_string(path).unwrap();
    let (_, section) = tour.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split("\n```").next().unwrap().to_owned()
}

/// Replays the README's minute, and from there the pages of the tour that are transcripts, on one server.
#[test]
fn a_minute_of_the_readme_and_the_tour_after_it_go_as_they_say() {
    let readme = Transcript::of_page("README.md", "A minute's tour", "bookrent");
    assert!(readme.steps.len() >= 8, "the README has a minute's tour");
    let server = Server::of("bookrent", "", &[]);
    readme.steps.iter().for_each(|step| step.replay(&server));
    for heading in ["Stop a context", "Make it slow"] {
        let tour = Transcript::of_page("docs/tour.md", heading, "bookrent");
        tour.steps.iter().for_each(|step| step.replay(&server));
    }
    let told = block_of_the_tour("Follow an order", "console");
    let (_, told) = told.split_once('\n').unwrap();
    let told: Vec<Vec<_>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    eventually("the texts are those of the tour", || {
        let saga = server.get("/admin/sagas/bookrent/1").is(200).body;
        let entries = saga["entries"].as_array().unwrap().iter();
        let seen: Vec<_> = entries
            .map(|entry| {
                let columns = ["context", "what", "cause"];
                columns.map(|column| entry[column].as_str().unwrap()).join(" ")
            })
            .collect();
        (seen == told.iter().map(|line| line.join(" ")).collect::<Vec<_>>()).then_some(())
    });
}

#[test]
fn the_tour_shows_the_board_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/board_bookrent.txt");
    let board = fs::read_to_string(path).unwrap();
    let shown = block_of_the_tour("See how the code has it", "text");
    assert!(board.contains(&shown), "{shown}");
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
