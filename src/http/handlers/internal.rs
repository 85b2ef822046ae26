//! What nodes say to each other: questions to contexts of this node, and what has happened in them.

use crate::{
    actors::{Context, EventId, EventLog, Fault, PeerAnswer, PeerQuestion, RecordedEvent},
    api::Problem,
    http::{
        AppState,
        handlers::{
            body,
            event_reader::{self, Most},
        },
    },
};
use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// The header in which the past of the log is told that an answer comes from.
const HISTORY: &str = "holdfast-history";
/// A question may wait here at most so long, whatever its asker says.
const LONGEST: Duration = Duration::from_secs(60);

/// What another node is told at once.
const SOME: Most = Most { events: 256, bytes: 1 << 20 };

/// An event as another node reads it; it has nothing that cannot be written.
fn written(_: &'static str, event: &RecordedEvent) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

#[derive(Deserialize)]
struct From {
    from: u64,
    /// The last event that the other node has, where it knows its name.
    after: Option<EventId>,
    #[serde(default)]
    linger: u64,
}

/// Answers what follows `/internal/`. Without a credential of its own, or with another one, a node is told that there
/// is nothing here.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
    path: &str,
) -> Result<HttpResponse, Problem> {
    let shown =
        body::text(request, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let expected = front.settings.node_credential.as_deref();
    if !shown.zip(expected).is_some_and(|(shown, expected)| is_same(shown, expected)) {
        return Err(Problem::not_found());
    }
    let (what, name) = path.split_once('/').ok_or_else(Problem::not_found)?;
    let contexts = front.node.contexts().iter();
    let context = contexts
        .clone()
        .find(|context| context.name().context == name)
        .ok_or_else(Problem::not_found)?;
    match (what, request.method()) {
        ("asks", &Method::POST) => ask(request, payload, front, context).await,
        ("events", &Method::GET) => events(request, front, context).await,
        ("asks", _) => Err(Problem::method("POST")),
        ("events", _) => Err(Problem::method("GET")),
        _ => Err(Problem::not_found()),
    }
}

/// Compares in a time that does not tell how much of it was right.
fn is_same(shown: &str, expected: &str) -> bool {
    let differ = shown.bytes().zip(expected.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    shown.len() == expected.len() && differ == 0
}

async fn ask(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
    context: &Arc<dyn Context>,
) -> Result<HttpResponse, Problem> {
    let body = body::bytes(request, payload, front).await?;
    let question: PeerQuestion = serde_json::from_slice(&body)
        .map_err(|why| Problem::bad_body(String::new(), format!("this is no question: {why}")))?;
    front.node.meet(context.as_ref(), &question)?;
    let deadline = body::text(request, "holdfast-deadline-ms").and_then(|text| text.parse().ok());
    let deadline = deadline.map_or(LONGEST, Duration::from_millis).min(LONGEST);
    let away = |_| Fault::Away(context.name().context);
    let answer =
        match tokio::time::timeout(deadline, context.ask(question)).await.map_err(away)?? {
            Ok(()) => PeerAnswer::Yes,
            Err(refusal) => PeerAnswer::No(refusal),
        };
    // The answer and what it was judged by must be there after a power cut, and so must every event that is told of.
    let past = context.history().map(|history| history.past().to_string());
    front.node.durable(front.node.accepted()).await?;
    Ok(HttpResponse::Ok().insert_header((HISTORY, past.unwrap_or_default())).json(answer))
}

/// The event that the other node has and the log here has not.
fn lacks(from: &From, history: &dyn EventLog<RecordedEvent>) -> Option<String> {
    let before = from.from.saturating_sub(1);
    match from.after {
        Some(id) if id.sequence == before && history.has(id) => None,
        None if before <= *history.latest().borrow() => None,
        Some(id) => Some(id.to_string()),
        None => Some(before.to_string()),
    }
}

async fn events(
    request: &HttpRequest,
    front: &AppState,
    context: &Arc<dyn Context>,
) -> Result<HttpResponse, Problem> {
    let from = web::Query::<From>::from_query(request.query_string()).map_err(|_| {
        Problem::new("bad-request", "`from` is a sequence from 1", "`from`은 1 이상의 순번입니다")
    })?;
    let history = context.history().ok_or_else(Problem::not_found)?;
    if let Some(known) = lacks(&from, history.as_ref()) {
        let context = context.name().context.to_owned();
        let detail = format!(
            "event {known} of {context} is not in its log: its data was put back from a copy, or this is another node that \
             decides for it"
        );
        return Err(Fault::HistoryChanged { context, detail }.into());
    }
    let mut latest = history.latest();
    let linger = Duration::from_millis(from.linger).min(LONGEST);
    // A node that stops must not wait for those that only listen.
    let arrived = tokio::time::timeout(linger, latest.wait_for(|latest| *latest >= from.from));
    futures_util::future::select(Box::pin(arrived), Box::pin(front.drained())).await;
    let past = history.past().to_string();
    let read = event_reader::read(front, &[(history, from.from)], SOME, written).await?;
    let events: Vec<String> = read.into_iter().map(|read| read.text).collect();
    let answer = HttpResponse::Ok()
        .insert_header((HISTORY, past))
        .content_type("application/json")
        .body(format!("[{}]", events.join(",")));
    Ok(answer)
}
