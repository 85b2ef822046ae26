//! A reader of a stream of events.

use super::Answer;
use reqwest::blocking::Response;
use serde_json::Value;
use std::io::{BufRead, BufReader};

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    /// `message` where it has no name of its own.
    pub name: String,
    pub data: Value,
    /// The last id that the stream had given by then.
    pub id: String,
}

/// A stream that is read event by event.
pub struct Listener {
    lines: BufReader<Response>,
    id: String,
}

impl Listener {
    /// Reads `response`; an answer that is no stream is returned whole.
    pub fn read(response: Response) -> Result<Self, Box<Answer>> {
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| !kind.starts_with("text/event-stream")) {
            return Err(Box::new(Answer::read(response).unwrap()));
        }
        assert_eq!(response.status(), 200);
        Ok(Self { lines: BufReader::new(response), id: String::new() })
    }

    /// The lines up to the next blank one; nothing at the end of the stream.
    pub fn next_block(&mut self) -> Vec<String> {
        let mut block = Vec::new();
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) | Err(_) => return block,
                Ok(_) if line == "\n" => return block,
                Ok(_) => block.push(line.trim_end().to_owned()),
            }
        }
    }

    /// The next event; `None` at the end of the stream.
    pub fn next_event(&mut self) -> Option<StreamEvent> {
        loop {
            let block = self.next_block();
            if block.is_empty() {
                return None;
            }
            let mut event =
                StreamEvent { name: "message".into(), data: Value::Null, id: String::new() };
            let mut has_data = false;
            for line in &block {
                match line.split_once(": ") {
                    Some(("id", id)) => id.clone_into(&mut self.id),
                    Some(("event", name)) => name.clone_into(&mut event.name),
                    Some(("data", data)) => {
                        has_data = true;
                        event.data = serde_json::from_str(data).unwrap();
                    }
                    _ => {}
                }
            }
            if has_data {
                event.id.clone_from(&self.id);
                return Some(event);
            }
        }
    }

    /// The next event, which there is.
    #[track_caller]
    pub fn event(&mut self) -> StreamEvent {
        self.next_event().expect("the stream has ended")
    }

    /// The next one, which has this name and these fields.
    #[track_caller]
    pub fn hears(&mut self, name: &str, fields: &Value) -> StreamEvent {
        let event = self.event();
        let wanted = fields.as_object().unwrap();
        let fits = wanted.iter().all(|(field, value)| event.data[field] == *value);
        assert!(event.name == name && fits, "no {name} with {fields}: {event:?}");
        event
    }

    /// Reads on until an event has these fields.
    #[track_caller]
    pub fn awaits(&mut self, fields: &Value) -> StreamEvent {
        let wanted = fields.as_object().unwrap();
        loop {
            let event = self.event();
            if wanted.iter().all(|(field, value)| event.data[field] == *value) {
                return event;
            }
        }
    }

    /// The place that it has reached.
    pub fn last_id(&self) -> &str {
        &self.id
    }
}
