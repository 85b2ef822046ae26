//! Events as a stream (server-sent events).

use crate::{
    api::{Problem, header_text},
    events::kind_of,
    http::{
        call::Reply,
        handlers::{event_filter::EventQuery, event_reader::PageLimit, log_reader::LogReader},
        state::AppState,
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use futures_util::{StreamExt, stream};
use std::{convert::Infallible, fmt::Write, sync::Arc, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// What a stream sends at once.
const CHUNK: PageLimit = PageLimit { events: 100, bytes: 64 * 1024 };
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream between two of its chunks.
struct EventStream {
    reader: LogReader,
    state: web::Data<AppState>,
    greeting: Option<String>,
    /// Whether events have their types as names.
    named: bool,
    /// Ends with the stream.
    _permit: OwnedSemaphorePermit,
}

/// Whether the client asks for a stream.
pub fn is_wanted(request: &HttpRequest) -> bool {
    header_text(request, "accept").is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Takes the permit for one stream.
pub fn permit_stream(state: &AppState) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = Arc::clone(&state.streams).try_acquire_owned();
    permit.map_err(|_| too_many(state.settings.max_streams))
}

/// Streams events until the client disconnects or the server stops. Logs that have `changed` are streamed from the
/// beginning, after an event `reset`.
pub fn answer_stream(
    request: &HttpRequest,
    reader: LogReader,
    query: &EventQuery,
    changed: &[&'static str],
) -> Reply {
    let state = request.app_data::<web::Data<AppState>>().cloned().ok_or_else(Problem::crashed)?;
    let mut greeting = "retry: 3000\n\n".to_owned();
    if query.from.as_deref() == Some(EventQuery::NOW) {
        // If the stream breaks before the first event, the next one resumes here.
        let _ = write!(greeting, "id: {}\n\n", reader.position());
    }
    if !changed.is_empty() {
        // If the stream breaks now, the next one has to begin anew too.
        let id = reader.cursor_without(changed);
        let reset = serde_json::json!({ "code": "history-changed", "contexts": changed });
        let _ = write!(greeting, "id: {id}\nevent: reset\ndata: {reset}\n\n");
    }
    let permit = permit_stream(&state)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.streaming(stream::empty::<Result<web::Bytes, Infallible>>()));
    }
    let greeting = Some(greeting);
    let named = query.named;
    let stream = EventStream { reader, state, greeting, named, _permit: permit };
    let chunks = stream::unfold(stream, async |mut stream| {
        let chunk = stream.next_chunk().await?;
        Some((Ok::<_, Infallible>(web::Bytes::from(chunk)), stream))
    });
    Ok(response.streaming(chunks.boxed_local()))
}

impl EventStream {
    /// Waits for events, or for the next heartbeat; `None` ends the stream.
    async fn next_chunk(&mut self) -> Option<String> {
        if self.state.is_draining() {
            return None;
        }
        let mut chunk = String::new();
        if let Some(greeting) = self.greeting.take() {
            chunk = greeting;
        } else {
            tokio::select! {
                () = self.reader.wait_for_more() => {}
                () = self.state.wait_drained() => return None,
                () = tokio::time::sleep(HEARTBEAT) => chunk.push_str(": still here\n\n"),
            }
        }
        // If a log cannot be read, the stream ends; the client comes back with the id of the last event that it has.
        for shown in self.reader.read_page(&self.state, CHUNK).await.ok()? {
            // Writing to a string cannot fail.
            let _ = writeln!(chunk, "id: {}", shown.id);
            if self.named {
                let kind = kind_of(shown.context, &shown.event.name, shown.event.schema);
                let _ = writeln!(chunk, "event: {kind}");
            }
            let _ = write!(chunk, "data: {}\n\n", shown.text);
        }
        if self.reader.has_skipped() {
            // Without data it is no event, and a stream that resumes need not read those again.
            let _ = write!(chunk, "id: {}\n\n", self.reader.position());
        }
        // A stream with much to catch up on must not starve the others.
        tokio::task::yield_now().await;
        Some(chunk)
    }
}

fn too_many(most: usize) -> Problem {
    let en = format!("{most} event streams are open, which is the limit; try again, or read pages");
    let ko = format!("이벤트 스트림은 {most}개까지 열 수 있습니다. 잠시 후 다시 시도해 주세요");
    Problem::new("too-many-streams", en, ko).with_parameter("retry-after", "5".into())
}
