//! Events as a stream (server-sent events).

use crate::{
    events::kind_of,
    http::{
        call::Reply,
        handlers::{
            event_filter::EventQuery,
            event_reader::PageLimit,
            log_reader::LogReader,
            stream::{
                RETRY, STILL_HERE, StreamReader, answer_chunks, last_event, uncached_response,
            },
        },
    },
    identity::Audience,
};
use actix_web::HttpRequest;
use futures_util::stream;
use std::fmt::Write;

/// What a stream sends at once.
const CHUNK: PageLimit = PageLimit { events: 100, bytes: 64 * 1024 };

/// A stream between two of its chunks.
struct EventStream {
    logs: LogReader,
    reader: StreamReader,
    greeting: Option<String>,
    /// Whether events have their types as names.
    named: bool,
    is_over: bool,
}

/// Streams events until the client disconnects or the server stops. Logs that have `changed` are streamed from the
/// beginning, after an event `reset`.
pub fn answer_stream(
    request: &HttpRequest,
    logs: LogReader,
    query: &EventQuery,
    changed: &[&'static str],
) -> Reply {
    let mut greeting = RETRY.to_owned();
    if query.from.as_deref() == Some(EventQuery::NOW) {
        // If the stream breaks before the first event, the next one resumes here.
        let _ = write!(greeting, "id: {}\n\n", logs.position());
    }
    if !changed.is_empty() {
        // If the stream breaks now, the next one has to begin anew too.
        let id = logs.cursor_without(changed);
        let reset = serde_json::json!({ "code": "history-changed", "contexts": changed });
        let _ = write!(greeting, "id: {id}\nevent: reset\ndata: {reset}\n\n");
    }
    let reader = StreamReader::of_request(request)?;
    let greeting = Some(greeting);
    let named = query.named;
    let stream = EventStream { logs, reader, greeting, named, is_over: false };
    let chunks = stream::unfold(stream, async |mut stream| {
        let chunk = stream.next_chunk().await?;
        Some((chunk, stream))
    });
    Ok(answer_chunks(request, uncached_response(), chunks))
}

impl EventStream {
    /// Waits for events, or for the next heartbeat; `None` ends the stream.
    async fn next_chunk(&mut self) -> Option<String> {
        if self.is_over || self.reader.state.is_draining() {
            return None;
        }
        let mut chunk = String::new();
        if let Some(greeting) = self.greeting.take() {
            chunk = greeting;
        } else if !self.reader.wait_for(self.logs.wait_for_more()).await? {
            chunk.push_str(STILL_HERE);
        }
        if let Err(why) = self.reader.check_audience(Audience::Events).await {
            self.is_over = true;
            return Some(last_event(&why));
        }
        // If a log cannot be read, the stream ends; the client comes back with the id of the last event that it has.
        for shown in self.logs.read_page(&self.reader.state, CHUNK).await.ok()? {
            // Writing to a string cannot fail.
            let _ = writeln!(chunk, "id: {}", shown.id);
            if self.named {
                let kind = kind_of(shown.context, &shown.event.name, shown.event.schema);
                let _ = writeln!(chunk, "event: {kind}");
            }
            let _ = write!(chunk, "data: {}\n\n", shown.text);
        }
        if self.logs.has_skipped() {
            // Without data it is no event, and a stream that resumes need not read those again.
            let _ = write!(chunk, "id: {}\n\n", self.logs.position());
        }
        // A stream with much to catch up on must not starve the others.
        tokio::task::yield_now().await;
        Some(chunk)
    }
}
