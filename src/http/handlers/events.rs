//! What has happened, for consumers outside: page by page, or as it happens (server-sent events). Only what a power cut
//! cannot take back is told.
//!
//! A log is read from a sequence on, or behind the event whose id is named. Several logs have no sequence in common, so the
//! cursor of all of them says so of each, `bookrent.book:3f0c2a91b7d4-12,bookrent.rent:41`; a context that it does not name
//! begins at 1.

use crate::{
    actors::RecordedEvent,
    api::Problem,
    events::CloudEvent,
    http::{
        AppState,
        handlers::{
            body,
            event_cursor::{self, Astray, Log, bad},
            event_reader::{self, Most, Read},
        },
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use futures_util::{FutureExt, StreamExt, future::select_all, stream};
use std::{collections::HashMap, fmt::Write, sync::Arc, time::Duration};

const BATCH: &str = "application/cloudevents-batch+json";
const LIMIT: usize = 100;
const MOST: usize = 1000;
/// A page ends with the event that brings it to so many bytes.
const PAGE_BYTES: usize = 1 << 20;
/// What is told to a stream at once.
const STREAMED: Most = Most { events: LIMIT, bytes: 64 * 1024 };
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Answers `/events` and `/events/{context}`.
pub async fn answer(
    request: &HttpRequest,
    front: &AppState,
    name: Option<&str>,
) -> Result<HttpResponse, Problem> {
    if *request.method() != Method::GET {
        return Err(Problem::method("GET"));
    }
    let contexts = front
        .node
        .contexts()
        .iter()
        .filter(|context| name.is_none_or(|name| context.name().context == name));
    let logs: Vec<_> = contexts.filter_map(|context| context.history()).collect();
    if logs.is_empty() {
        return Err(Problem::not_found());
    }
    let query = web::Query::<HashMap<String, String>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let mut reader =
        Reader { logs: logs.into_iter().map(|log| (log, 1)).collect(), alone: name.is_some() };
    let from = query.get("from").filter(|cursor| !cursor.is_empty()).map(String::as_str);
    let streamed =
        body::text(request, "accept").is_some_and(|accept| accept.contains("text/event-stream"));
    if streamed {
        // What the client had last is later than where it once began.
        let last = body::text(request, "last-event-id").filter(|last| !last.is_empty());
        let changed = match (last, from) {
            (Some(last), _) => reader.go(last, true)?,
            (None, Some(from)) => reader.go(from, false)?,
            (None, None) => Vec::new(),
        };
        return follow(request, reader, &changed);
    }
    if let Some(context) = from.map_or(Ok(Vec::new()), |from| reader.go(from, false))?.first() {
        return Err(event_cursor::changed(context));
    }
    let limit = query
        .get("limit")
        .map_or(Ok(LIMIT), |limit| limit.parse().map_err(|_| bad("limit")))?
        .min(MOST);
    let most = Most { events: limit.max(1), bytes: PAGE_BYTES };
    let events = reader.page(front, most).await?;
    let next = format!("<{}?from={}&limit={limit}>; rel=\"next\"", request.path(), reader.cursor());
    let events: Vec<String> = events.into_iter().map(|told| told.text).collect();
    let body = format!("[{}]", events.join(","));
    Ok(HttpResponse::Ok().content_type(BATCH).insert_header((header::LINK, next)).body(body))
}

/// An event that is told, and how a reader goes on behind it.
struct Told {
    id: String,
    context: &'static str,
    event: RecordedEvent,
    /// It, as a CloudEvent in JSON.
    text: String,
}

fn structured(context: &'static str, event: &RecordedEvent) -> String {
    CloudEvent { context, event }.structured().to_string()
}

/// Reads logs, each from where it has got to.
struct Reader {
    logs: Vec<(Log, u64)>,
    /// Whether it is one log, whose cursor is a number.
    alone: bool,
}

impl Reader {
    /// Goes where a cursor says, or behind the event whose id it is; says which of the logs have another past than that.
    /// Those are read from the beginning.
    fn go(&mut self, cursor: &str, is_id: bool) -> Result<Vec<&'static str>, Problem> {
        let (mut changed, alone) = (Vec::new(), self.alone);
        let parts = cursor.split(',').map(|part| match alone {
            true => Ok((None, part)),
            false => part
                .split_once(':')
                .map(|(context, next)| (Some(context), next))
                .ok_or_else(|| bad("from")),
        });
        for (context, text) in parts.collect::<Result<Vec<_>, _>>()? {
            // A context that is gone has nothing more to say. The id of an event among others is the cursor of what
            // follows.
            for (log, place) in self
                .logs
                .iter_mut()
                .filter(|(log, _)| context.is_none_or(|name| log.context() == name))
            {
                *place = match event_cursor::next(log, text, is_id && alone) {
                    Ok(next) => next,
                    Err(Astray::Changed(context)) => {
                        changed.push(context);
                        1
                    }
                    Err(astray) => return Err(astray.into()),
                };
            }
        }
        Ok(changed)
    }

    /// Where the next page begins.
    fn cursor(&self) -> String {
        if self.alone {
            return self
                .logs
                .first()
                .map_or("1".into(), |(log, next)| event_cursor::text(log, *next));
        }
        let begun = self.logs.iter().filter(|(_, next)| *next > 1);
        begun
            .map(|(log, next)| format!("{}:{}", log.context(), event_cursor::text(log, *next)))
            .collect::<Vec<_>>()
            .join(",")
    }

    /// The id, in a stream, of who has nothing of these contexts.
    fn cursor_anew(&self, changed: &[&str]) -> String {
        if self.alone {
            return "0".into();
        }
        let anew = changed.iter().map(|context| format!("{context}:1"));
        anew.chain(Some(self.cursor()).filter(|others| !others.is_empty()))
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Some events that are durable, those of each context in order, and all of them about in that of time.
    async fn page(&mut self, front: &AppState, most: Most) -> Result<Vec<Told>, Problem> {
        let mut page = Vec::new();
        for Read { place, event, text } in
            event_reader::read(front, &self.logs, most, structured).await?
        {
            let Some((log, next)) = self.logs.get_mut(place) else { continue };
            *next = event.sequence + 1;
            let context = log.context();
            let id = if self.alone { event.id().to_string() } else { self.cursor() };
            page.push(Told { id, context, event, text });
        }
        Ok(page)
    }

    /// Resolves when there may be more.
    async fn more(&self) {
        let waiting = self.logs.iter().map(|(log, next)| {
            let (mut latest, next) = (log.latest(), *next);
            async move { drop(latest.wait_for(|latest| *latest >= next).await) }.boxed()
        });
        select_all(waiting).await;
    }
}

fn too_many(most: usize) -> Problem {
    let en = format!(
        "{most} streams of events are open, and there may be no more; come again, or read page by page"
    );
    let ko = format!("이벤트 스트림은 {most}개까지 열 수 있습니다. 잠시 후 다시 시도해 주세요");
    Problem::new("too-many-streams", en, ko).with("retry-after", "5".into())
}

/// Tells of events as they happen, until the client goes away or the server stops. Logs that have `changed` are told from
/// the beginning, and that they are is told before.
fn follow(
    request: &HttpRequest,
    reader: Reader,
    changed: &[&'static str],
) -> Result<HttpResponse, Problem> {
    let front = request.app_data::<web::Data<AppState>>().cloned().ok_or_else(Problem::crashed)?;
    let mut greeting = "retry: 3000\n\n".to_owned();
    if !changed.is_empty() {
        // The id is that of who has nothing yet: if the stream breaks now, the next one begins anew too.
        let reset = serde_json::json!({ "code": "history-changed", "contexts": changed });
        let _ = write!(
            greeting,
            "id: {}\nevent: reset\ndata: {reset}\n\n",
            reader.cursor_anew(changed)
        );
    }
    // Its place is free again when the stream is dropped.
    let place = Arc::clone(&front.streams)
        .try_acquire_owned()
        .map_err(|_| too_many(front.settings.max_streams))?;
    let state = (reader, front, Some(greeting), place);
    let told = stream::unfold(state, |(mut reader, front, first, place)| async move {
        if front.draining() {
            return None;
        }
        let mut text = String::new();
        if let Some(greeting) = first {
            text = greeting;
        } else {
            tokio::select! {
                () = reader.more() => {}
                () = front.drained() => return None,
                () = tokio::time::sleep(HEARTBEAT) => text.push_str(": still here\n\n"),
            }
        }
        // A log that cannot be read ends the stream; the client comes again, with the id of the last event it had.
        for Told { id, context, event, text: data } in reader.page(&front, STREAMED).await.ok()? {
            let kind = CloudEvent { context, event: &event }.kind();
            // Writing to a string cannot fail.
            let _ = write!(text, "id: {id}\nevent: {kind}\ndata: {data}\n\n");
        }
        // One that has much to catch up with lets the others have their turn.
        tokio::task::yield_now().await;
        Some((
            Ok::<_, std::convert::Infallible>(web::Bytes::from(text)),
            (reader, front, None, place),
        ))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(told.boxed()))
}
