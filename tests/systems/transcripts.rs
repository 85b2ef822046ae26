//! Replays the transcripts of the README and of `docs/systems`, line by line, against the real server: each says what it
//! answers.

use serde_json::{Map, Value};
use std::{fs, path::Path};
use support::{Answer, Client, Server, eventually};

/// One request of a transcript, and the lines of its answer.
struct Step<'a> {
    line: &'a str,
    answer: Vec<&'a str>,
}

fn steps<'a>(page: &'a str, heading: &str) -> Vec<Step<'a>> {
    let (_, transcript) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = transcript.split_once("```console\n").unwrap();
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.lines().take_while(|line| *line != "```") {
        match line.strip_prefix("$ ") {
            Some(line) => {
                let line = line.split("    # ").next().unwrap();
                steps.push(Step { line, answer: Vec::new() });
            }
            None => steps.last_mut().unwrap().answer.push(line),
        }
    }
    steps
}

/// The words of a line as a shell takes them, for as much of its quoting as HTTPie's users need.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words
}

/// Sends what HTTPie would: `name=value` is a member of the body, as a string, and `Name:value` a header.
fn send(server: &Client, line: &str) -> Answer {
    let words = words(line);
    let [http, method, target, items @ ..] = words.as_slice() else { panic!("{line}") };
    assert_eq!(http, "http", "{line}");
    let is_header = |item: &&String| {
        let sign = item.find([':', '=']);
        sign.is_some_and(|at| item[at..].starts_with(':'))
    };
    let (headers, members): (Vec<_>, Vec<_>) = items.iter().partition(is_header);
    let body: Map<String, Value> = members
        .into_iter()
        .map(|member| {
            let (name, value) = member.split_once('=').unwrap();
            (name.to_owned(), value.into())
        })
        .collect();
    let path = target.strip_prefix(":8088").unwrap();
    server.call(method, path, |mut request| {
        for header in headers {
            let (name, value) = header.split_once(':').unwrap();
            request = request.header(name, value);
        }
        if body.is_empty() { request } else { request.json(&body) }
    })
}

/// The body without what differs from run to run: links, and the fraction of a second in a time of today.
fn lasting(body: &Value) -> Value {
    match body {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "_links")
            .map(|(name, value)| (name.clone(), lasting(value)))
            .collect(),
        Value::Array(items) => items.iter().map(lasting).collect(),
        Value::String(text) if text.ends_with('Z') && text.contains('.') => "a time".into(),
        other => other.clone(),
    }
}

/// What the page says of the answer: status, and body where there is one.
fn told(step: &Step<'_>) -> (u16, Value) {
    let (status, body) = step.answer.split_first().unwrap();
    let status = status.split(' ').next().unwrap().parse().unwrap();
    let body = body.concat().replace("{…}", "{}");
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    (status, lasting(&body))
}

fn replay(system: &str) {
    replay_page(&format!("docs/systems/{system}.md"), "Transcript", system);
}

fn replay_page(page: &str, heading: &str, system: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = fs::read_to_string(page).unwrap();
    let command = format!("`holdfast serve --system {system}");
    let (_, further) = page.split_once(&command).unwrap();
    let further: Vec<_> = further.split('`').next().unwrap().split_whitespace().collect();
    let server = Server::of(system, "", &further);
    let steps = steps(&page, heading);
    assert!(steps.len() >= 8, "{system} has a transcript");
    for step in &steps {
        let Some(status) = step.answer.first() else {
            let done = send(&server, step.line);
            assert_eq!(done.status, 200, "{}", step.line);
            continue;
        };
        let told = told(step);
        let seen = |answer: Answer| (answer.status, lasting(&answer.body));
        // What a policy brings about is read a moment later.
        if step.line.starts_with("http GET") {
            let mut last = String::new();
            eventually(&format!("{}: {status}", step.line), || {
                let seen = seen(send(&server, step.line));
                let is_so = seen == told;
                if !is_so && last != format!("{seen:?}") {
                    last = format!("{seen:?}");
                    println!("{}: {last}", step.line);
                }
                is_so.then_some(())
            });
        } else {
            assert_eq!(seen(send(&server, step.line)), told, "{}", step.line);
        }
    }
}

#[test]
fn a_minute_of_the_readme_goes_as_it_says() {
    replay_page("README.md", "A minute's tour", "bookrent");
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
