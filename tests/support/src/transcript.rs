//! The transcripts of the documents: each line is a request, as HTTPie would send it, and what the server answers.

use crate::{Answer, Client, eventually};
use serde_json::{Map, Value};
use std::{fs, path::Path};

/// What a page shows of a system: how its server is started, and what it answers.
pub struct Transcript {
    /// The arguments after `holdfast serve --system NAME`.
    pub arguments: Vec<String>,
    pub steps: Vec<Step>,
}

/// One request of a transcript, with status and body of its answer where the page shows them.
pub struct Step {
    pub line: String,
    told: Option<(u16, Value)>,
}

impl Transcript {
    /// That of the page of a system.
    pub fn of_system(system: &str) -> Self {
        let transcript = Self::of_page(&format!("docs/systems/{system}.md"), "Transcript", system);
        assert!(transcript.steps.len() >= 8, "{system} has a transcript");
        transcript
    }

    /// That of `system` under a heading of a page of the repository.
    pub fn of_page(page: &str, heading: &str, system: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = fs::read_to_string(root.join(page)).unwrap();
        let command = format!("`holdfast serve --system {system}");
        let (_, further) = page.split_once(&command).unwrap();
        let further = further.split('`').next().unwrap().split_whitespace();
        let arguments = further.map(str::to_owned).collect();
        let steps = steps(&page, heading);
        assert!(!steps.is_empty(), "{heading} has a transcript");
        Self { arguments, steps }
    }
}

fn steps(page: &str, heading: &str) -> Vec<Step> {
    let (_, transcript) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = transcript.split_once("```console\n").unwrap();
    let mut steps: Vec<(String, Vec<&str>)> = Vec::new();
    for line in block.lines().take_while(|line| *line != "```") {
        match line.strip_prefix("$ ") {
            Some(line) => {
                let line = line.split("    # ").next().unwrap();
                steps.push((line.to_owned(), Vec::new()));
            }
            None => steps.last_mut().unwrap().1.push(line),
        }
    }
    steps.into_iter().map(|(line, answer)| Step { line, told: told(&answer) }).collect()
}

/// What the page shows of the answer: status, and body where there is one.
fn told(answer: &[&str]) -> Option<(u16, Value)> {
    let (status, body) = answer.split_first()?;
    let status = status.split(' ').next().unwrap().parse().unwrap();
    let body = body.concat().replace("{…}", "{}");
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    Some((status, lasting(&body)))
}

/// The words of a line as a shell takes them, for as much of its quoting as HTTPie's users need.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = None;
    for letter in line.chars() {
        match (letter, quoted) {
            ('"' | '\'', None) => quoted = Some(letter),
            (letter, Some(quote)) if letter == quote => quoted = None,
            (' ', None) => words.push(String::new()),
            (letter, _) => words.last_mut().unwrap().push(letter),
        }
    }
    words
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

impl Step {
    /// `http`, the method, the path and the items of the line.
    fn request(&self) -> (String, String, Vec<String>) {
        let words = words(&self.line);
        let [http, method, target, items @ ..] = words.as_slice() else { panic!("{}", self.line) };
        assert_eq!(http, "http", "{}", self.line);
        let path = target.strip_prefix(":8088").unwrap().to_owned();
        (method.clone(), path, items.to_vec())
    }

    pub fn method(&self) -> String {
        self.request().0
    }

    pub fn path(&self) -> String {
        self.request().1
    }

    /// The status of the answer, where the page shows it.
    pub fn status(&self) -> Option<u16> {
        self.told.as_ref().map(|(status, _)| *status)
    }

    /// The body of the answer, without what differs from run to run.
    pub fn body(&self) -> Option<&Value> {
        self.told.as_ref().map(|(_, body)| body)
    }

    /// Sends what HTTPie would: `name=value` is a member of the body, as a string, `name:=value` one as JSON, and
    /// `Name:value` a header.
    pub fn send(&self, client: &Client) -> Answer {
        let (method, path, items) = self.request();
        let is_header = |item: &&String| {
            let sign = item.find([':', '=']);
            sign.is_some_and(|at| item[at..].starts_with(':') && !item[at..].starts_with(":="))
        };
        let (headers, members): (Vec<_>, Vec<_>) = items.iter().partition(is_header);
        let members = members.into_iter().map(|member| {
            let (name, value) = member.split_once('=').unwrap();
            match name.strip_suffix(':') {
                Some(name) => (name.to_owned(), serde_json::from_str(value).unwrap()),
                None => (name.to_owned(), Value::from(value)),
            }
        });
        let body: Map<String, Value> = members.collect();
        client.call(&method, &path, |mut request| {
            for header in headers {
                let (name, value) = header.split_once(':').unwrap();
                request = request.header(name, value);
            }
            if body.is_empty() { request } else { request.json(&body) }
        })
    }

    /// Sends it, and checks that the answer is as on the page. What a policy brings about is read a moment later.
    #[track_caller]
    pub fn replay(&self, client: &Client) {
        let Some(told) = &self.told else {
            assert_eq!(self.send(client).status, 200, "{}", self.line);
            return;
        };
        if self.method() == "GET" {
            self.replay_until(client, |_| true);
        } else {
            let answer = self.send(client);
            assert_eq!(&(answer.status, lasting(&answer.body)), told, "{}", self.line);
        }
    }

    /// Sends it again and again until the answer is as on the page, as long as another answer `may_change`.
    #[track_caller]
    pub fn replay_until(&self, client: &Client, may_change: impl Fn(&Answer) -> bool) {
        let Some(told) = &self.told else { return self.replay(client) };
        let mut last = String::new();
        eventually(&format!("{}: {}", self.line, told.0), || {
            let answer = self.send(client);
            let seen = (answer.status, lasting(&answer.body));
            if seen == *told {
                return Some(());
            }
            if last != format!("{seen:?}") {
                last = format!("{seen:?}");
                println!("{}: {last}", self.line);
            }
            assert!(may_change(&answer), "{}: {last}, not {told:?}", self.line);
            None
        });
    }

    /// Whether `item` is what the page shows, under any number.
    pub fn is_reported(&self, item: &Value) -> bool {
        let without_id = |item: &Value| {
            let mut item = lasting(item);
            item.as_object_mut().map(|members| members.remove("id"));
            item
        };
        self.body().is_some_and(|told| without_id(told) == without_id(item))
    }
}
