//! Replays the transcripts of `docs/systems`, line by line, against the real server: each says what it answers.

use serde_json::{Map, Value};
use std::{fs, path::Path};
use support::{Answer, Client, Server, eventually};

/// One request of a transcript, and the lines of its answer.
struct Step<'a> {
    line: &'a str,
    answer: Vec<&'a str>,
}

fn steps(page: &str) -> Vec<Step<'_>> {
    let (_, transcript) = page.split_once("\n## Transcript\n").unwrap();
    let (_, block) = transcript.split_once("```console\n").unwrap();
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.lines().take_while(|line| *line != "```") {
        match line.strip_prefix("$ ") {
            Some(line) => steps.push(Step { line, answer: Vec::new() }),
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

/// Sends what HTTPie would: `name=value` is a member of the body, as a string.
fn send(server: &Client, line: &str) -> Answer {
    let words = words(line);
    let [http, method, target, members @ ..] = words.as_slice() else { panic!("{line}") };
    assert_eq!(http, "http", "{line}");
    let body: Map<String, Value> = members
        .iter()
        .map(|member| {
            let (name, value) = member.split_once('=').unwrap();
            (name.to_owned(), value.into())
        })
        .collect();
    let body = (!body.is_empty()).then_some(Value::Object(body));
    let path = target.strip_prefix(":8088").unwrap();
    server.call(method, path, |request| match &body {
        Some(body) => request.json(body),
        None => request,
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
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/systems/{system}.md"));
    let page = fs::read_to_string(page).unwrap();
    let command = format!("`holdfast serve --system {system}");
    let (_, further) = page.split_once(&command).unwrap();
    let further: Vec<_> = further.split('`').next().unwrap().split_whitespace().collect();
    let server = Server::of(system, "", &further);
    let steps = steps(&page);
    assert!(steps.len() > 8, "{system} has a transcript");
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
