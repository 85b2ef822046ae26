//! `events tail`.

use super::{
    connection::Connection,
    show::{cell, with_query},
};
use crate::app::{Failure, print_text};
use serde_json::Value;
use std::{io::Write, time::Duration};

/// The next event.
const NOW: &str = "now";
/// The first event.
const START: &str = "start";
/// How long to wait before a stream that broke is resumed.
const RESUME_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Subcommand)]
pub enum Events {
    /// Print events as they happen.
    Tail(Tail),
}

#[derive(Debug, clap::Args)]
pub struct Tail {
    #[command(flatten)]
    connection: Connection,
    /// Begin after the event with this id, or with the first of all (`start`); with the next one, when left out.
    #[arg(long, value_name = "ID", default_value = NOW)]
    from: String,
    /// Only events of these types, with commas: BookRented.
    #[arg(long = "type", value_name = "NAMES")]
    types: Option<String>,
    /// Only events of this system.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Only events of the thing with this number.
    #[arg(long, value_name = "NUMBER")]
    subject: Option<String>,
    /// End after so many.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Each as a line of JSON (CloudEvents).
    #[arg(long)]
    json: bool,
}

impl Events {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Tail(tail) = self;
        actix_rt::System::new().block_on(tail.run())
    }
}

/// What is read of a stream so far.
#[derive(Default)]
struct Reading {
    bytes: Vec<u8>,
    /// The id of the last event, from which a stream is resumed.
    last: Option<String>,
    event: Option<String>,
    data: String,
}

/// An event of a stream: its name and its data.
type StreamEvent = (Option<String>, String);

impl Tail {
    async fn run(self) -> Result<(), Failure> {
        let Self { connection, from, types, system, subject, limit, json } = self;
        let client = connection.client()?;
        let filters = [("type", types), ("system", system), ("subject", subject)];
        let mut reading = Reading::default();
        let mut left = limit.unwrap_or(u64::MAX);
        while left > 0 {
            let first = Some(from.clone()).filter(|from| from != START);
            let from = reading.last.clone().or(first);
            let parameters: Vec<_> = filters.iter().cloned().chain([("from", from)]).collect();
            let path = with_query("/events", &parameters);
            let answer = client.stream(&path).await;
            let mut answer = match answer {
                // It was there: it comes back.
                Err(_) if reading.last.is_some() => {
                    tokio::time::sleep(RESUME_AFTER).await;
                    continue;
                }
                opened => opened?,
            };
            while left > 0
                && let Ok(Some(chunk)) = answer.chunk().await
            {
                for (name, data) in reading.take(&chunk) {
                    if left > 0 && show_event(name.as_deref(), &data, json)? {
                        left -= 1;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Prints an event, and gives whether it was one.
fn show_event(name: Option<&str>, data: &str, json: bool) -> Result<bool, Failure> {
    if name == Some("reset") {
        let what = "the history has changed, as after a restore: what follows begins again";
        // If stderr is gone, the events still come.
        let _ = writeln!(std::io::stderr(), "holdfast: {what}");
        return Ok(false);
    }
    if json {
        return print_text(&format!("{data}\n")).map(|()| true);
    }
    let event: Value = serde_json::from_str(data).unwrap_or_default();
    let field = |name: &str| cell(event.get(name));
    let body = cell(event.get("data"));
    let line = format!("{} {} {} {body}\n", field("time"), field("type"), field("subject"));
    print_text(&line).map(|()| true)
}

impl Reading {
    /// Takes in what has come, and gives the events that are complete.
    fn take(&mut self, chunk: &[u8]) -> Vec<StreamEvent> {
        self.bytes.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() => {
                    let event = self.event.take();
                    let data = std::mem::take(&mut self.data);
                    if !data.is_empty() {
                        events.push((event, data));
                    }
                }
                "id" => self.last = Some(value.to_owned()),
                "event" => self.event = Some(value.to_owned()),
                "data" => self.data.push_str(value),
                _ => {}
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whatever_pieces_they_come_in() {
        let stream = "retry: 3000\n\nid: 7\n\n: still here\n\nid: 8\nevent: a\ndata: {\"x\":1}\n\nid: 9\ndata: y\n\n";
        for size in 1..stream.len() {
            let mut reading = Reading::default();
            let pieces = stream.as_bytes().chunks(size);
            let events: Vec<_> = pieces.flat_map(|piece| reading.take(piece)).collect();
            let expected = [(Some("a".to_owned()), "{\"x\":1}".to_owned()), (None, "y".to_owned())];
            assert_eq!(events, expected, "{size}");
            assert_eq!(reading.last.as_deref(), Some("9"));
        }
    }
}
