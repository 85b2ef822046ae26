//! What has happened, for consumers outside: page by page, or as it happens (server-sent events). Only what a power cut
//! cannot take back is told.
//!
//! A log is read from a sequence on. Several logs have no sequence in common, so the cursor of all of them names the next
//! sequence in each, `bookrent.book:13,bookrent.rent:41`; a context that it does not name begins at 1.

use super::{Front, input};
use crate::inbound::Problem;
use crate::{
    actors::{Fault, Outflow, Published},
    events::CloudEvent,
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
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Answers `/events` and `/events/{context}`.
pub async fn answer(request: &HttpRequest, front: &Front, name: Option<&str>) -> Result<HttpResponse, Problem> {
    if *request.method() != Method::GET {
        return Err(Problem::method("GET"));
    }
    let contexts =
        front.node.contexts().iter().filter(|context| name.is_none_or(|name| context.name().context == name));
    let logs: Vec<_> = contexts.filter_map(|context| context.history()).collect();
    if logs.is_empty() {
        return Err(Problem::not_found());
    }
    let query = web::Query::<HashMap<String, String>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let mut reader = Reader { logs: logs.into_iter().map(|log| (log, 1)).collect(), alone: name.is_some() };
    if let Some(cursor) = query.get("from").filter(|cursor| !cursor.is_empty()) {
        reader.go(cursor)?;
    }
    let streamed = input::text(request, "accept").is_some_and(|accept| accept.contains("text/event-stream"));
    if streamed {
        if let Some(last) = input::text(request, "last-event-id").filter(|last| !last.is_empty()) {
            reader.go_behind(last)?;
        }
        return follow(request, reader);
    }
    let limit = query.get("limit").map_or(Ok(LIMIT), |limit| limit.parse().map_err(|_| bad("limit")))?.min(MOST);
    let events = reader.page(front, limit.max(1)).await?;
    let events: Vec<_> =
        events.iter().map(|told| CloudEvent { context: told.context, event: &told.event }.structured()).collect();
    let next = format!("<{}?from={}&limit={limit}>; rel=\"next\"", request.path(), reader.cursor());
    let body = serde_json::Value::from(events).to_string();
    Ok(HttpResponse::Ok().content_type(BATCH).insert_header((header::LINK, next)).body(body))
}

fn bad(what: &str) -> Problem {
    Problem::new(
        "bad-request",
        format!("`{what}` cannot be read; `from` is a sequence, or `context:sequence` with commas between them"),
        format!("`{what}`을(를) 읽을 수 없습니다"),
    )
}

/// An event that is told, and how a reader goes on behind it.
struct Told {
    id: String,
    context: &'static str,
    event: Published,
}

type Log = Arc<dyn Outflow<Published>>;

/// Reads logs, each from where it has got to.
struct Reader {
    logs: Vec<(Log, u64)>,
    /// Whether it is one log, whose cursor is a number.
    alone: bool,
}

impl Reader {
    /// Goes to a cursor.
    fn go(&mut self, cursor: &str) -> Result<(), Problem> {
        self.set(cursor, 0)
    }

    /// Goes behind the event whose id this is.
    fn go_behind(&mut self, id: &str) -> Result<(), Problem> {
        // The id of an event among others is the cursor of what follows.
        self.set(id, u64::from(self.alone))
    }

    fn set(&mut self, cursor: &str, further: u64) -> Result<(), Problem> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| bad("from"));
        if self.alone {
            let next = number(cursor)?.saturating_add(further).max(1);
            self.logs.iter_mut().for_each(|(_, place)| *place = next);
            return Ok(());
        }
        for part in cursor.split(',') {
            let (context, next) = part.split_once(':').ok_or_else(|| bad("from"))?;
            let next = number(next)?.max(1);
            // A context that is gone has nothing more to say.
            self.logs.iter_mut().filter(|(log, _)| log.context() == context).for_each(|(_, place)| *place = next);
        }
        Ok(())
    }

    /// Where the next page begins.
    fn cursor(&self) -> String {
        if self.alone {
            return self.logs.first().map_or(1, |(_, next)| *next).to_string();
        }
        let begun = self.logs.iter().filter(|(_, next)| *next > 1);
        begun.map(|(log, next)| format!("{}:{next}", log.context())).collect::<Vec<_>>().join(",")
    }

    /// Up to `limit` events that are durable, those of each context in order, and all of them about in that of time.
    async fn page(&mut self, front: &Front, limit: usize) -> Result<Vec<Told>, Problem> {
        let mut queues = Vec::new();
        let mut commit = None;
        for (place, (log, next)) in
            self.logs.iter().enumerate().filter(|(_, (log, next))| *log.latest().borrow() >= *next)
        {
            let (mut from, mut items) = (*next, Vec::new());
            while items.len() < limit {
                let drawn = log.read(from).map_err(Fault::from)?;
                commit = commit.max(Some(drawn.commit));
                if drawn.items.is_empty() {
                    break;
                }
                from = drawn.last + 1;
                items.extend(drawn.items);
            }
            queues.push((place, log.context(), items.into_iter().map(|(_, event)| event).peekable()));
        }
        if let Some(commit) = commit {
            front.node.durable(commit).await?;
        }
        let mut page = Vec::new();
        while page.len() < limit {
            let earliest = queues.iter_mut().filter_map(|queue| Some((queue.2.peek()?.at, queue)));
            let Some((_, &mut (place, context, ref mut events))) = earliest.min_by_key(|(at, _)| *at) else { break };
            let Some(event) = events.next() else { break };
            if let Some((_, next)) = self.logs.get_mut(place) {
                *next = event.sequence + 1;
            }
            let id = if self.alone { event.sequence.to_string() } else { self.cursor() };
            page.push(Told { id, context, event });
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

/// Tells of events as they happen, until the client goes away or the server stops.
fn follow(request: &HttpRequest, reader: Reader) -> Result<HttpResponse, Problem> {
    let front = request.app_data::<web::Data<Front>>().cloned().ok_or_else(Problem::crashed)?;
    let state = (reader, front, true);
    let told = stream::unfold(state, |(mut reader, front, first)| async move {
        if front.draining() {
            return None;
        }
        let mut text = String::new();
        if first {
            text.push_str("retry: 3000\n\n");
        } else {
            tokio::select! {
                () = reader.more() => {}
                () = front.drained() => return None,
                () = tokio::time::sleep(HEARTBEAT) => text.push_str(": still here\n\n"),
            }
        }
        // A log that cannot be read ends the stream; the client comes again, with the id of the last event it had.
        for Told { id, context, event } in reader.page(&front, LIMIT).await.ok()? {
            let said = CloudEvent { context, event: &event };
            // Writing to a string cannot fail.
            let _ = write!(text, "id: {id}\nevent: {}\ndata: {}\n\n", said.kind(), said.structured());
        }
        Some((Ok::<_, std::convert::Infallible>(web::Bytes::from(text)), (reader, front, false)))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(told.boxed()))
}
