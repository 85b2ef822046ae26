//! What nodes say to each other: asks for contexts of this node, and the events of its logs.

use crate::{
    actors::{Context, EventId, EventLog, Fault, PeerAnswer, PeerQuestion, RecordedEvent},
    api::{self, Problem, header_text},
    domain::lenient::BadBody,
    http::{
        call::{Call, Reply},
        handlers::{
            body,
            event_reader::{self, PageLimit},
        },
    },
};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// The header with the history of the log that an answer comes from.
const HISTORY: &str = "holdfast-history";
/// A node waits here no longer than this, also with a later deadline.
const MAX_WAIT: Duration = Duration::from_secs(60);
const PAGE: PageLimit = PageLimit { events: 256, bytes: 1 << 20 };

/// The event as another node reads it. Everything in it can be serialized.
fn serialize(_: &'static str, event: &RecordedEvent) -> Option<String> {
    serde_json::to_string(event).ok()
}

#[derive(Deserialize)]
struct EventsQuery {
    from: u64,
    /// The last event that the other node has, if it knows its id.
    after: Option<EventId>,
    #[serde(default)]
    linger: u64,
}

fn find_context<'a>(call: &Call<'a>) -> Result<&'a Arc<dyn Context>, Problem> {
    call.state.find_context(call.path_parameter("context")).ok_or_else(Problem::not_found)
}

/// `POST /internal/asks/{context}`
pub async fn answer_ask(call: Call<'_>) -> Reply {
    let context = find_context(&call)?;
    let Call { request, payload, state, .. } = call;
    api::check_coding(request)?;
    let body = body::read_body(request, payload, &state.settings).await?;
    let body = api::parse_json(&body, state.settings.json_depth)?;
    let question: PeerQuestion = serde_json::from_value(body).map_err(|error| {
        let en = format!("not an ask: {error}");
        Problem::bad_body(BadBody::new("", en, "다른 노드의 요청 형식이 아닙니다"))
    })?;
    state.node.compare_pasts(context.as_ref(), &question)?;
    let deadline = header_text(request, "holdfast-deadline-ms").and_then(|text| text.parse().ok());
    let deadline = deadline.map_or(MAX_WAIT, Duration::from_millis).min(MAX_WAIT);
    let away = |_| Fault::Away(context.name().context);
    let asked = tokio::time::timeout(deadline, context.answer_peer(question));
    let answer = match asked.await.map_err(away)?? {
        Ok(()) => PeerAnswer::Yes,
        Err(refusal) => PeerAnswer::No(refusal),
    };
    // The answer, what it was judged by, and every event of the history must survive a power cut.
    let history = context.event_log().map(|log| log.past().to_string());
    state.node.wait_durable(state.node.accepted_commit()).await?;
    Ok(HttpResponse::Ok().insert_header((HISTORY, history.unwrap_or_default())).json(answer))
}

/// The event that the other node has and this log has not.
fn missing_here(query: &EventsQuery, log: &dyn EventLog<RecordedEvent>) -> Option<String> {
    let before = query.from.saturating_sub(1);
    match query.after {
        Some(id) if id.sequence == before && log.has_event(id) => None,
        None if before <= *log.latest().borrow() => None,
        Some(id) => Some(id.to_string()),
        None => Some(before.to_string()),
    }
}

/// `GET /internal/events/{context}`
pub async fn send_events(call: Call<'_>) -> Reply {
    let context = find_context(&call)?;
    let Call { request, state, .. } = call;
    let query = web::Query::<EventsQuery>::from_query(request.query_string()).map_err(|_| {
        Problem::new(
            "bad-request",
            "`from` is a sequence from 1",
            "`from`은 1 이상의 순번이어야 합니다",
        )
    })?;
    let log = context.event_log().ok_or_else(Problem::not_found)?;
    if let Some(event) = missing_here(&query, log.as_ref()) {
        let context = context.name().context.to_owned();
        let detail = format!(
            "event {event} is not in the log of {context}: its data was restored from a backup, or another node decides for \
             it too"
        );
        return Err(Fault::HistoryChanged { context, detail }.into());
    }
    let mut latest = log.latest();
    let linger = Duration::from_millis(query.linger).min(MAX_WAIT);
    let arrived = tokio::time::timeout(linger, latest.wait_for(|latest| *latest >= query.from));
    // Subscribers that wait must not keep the server from stopping.
    futures_util::future::select(Box::pin(arrived), Box::pin(state.wait_drained())).await;
    let history = log.past().to_string();
    let page = event_reader::read_page(state, &[(log, query.from)], PAGE, serialize).await?;
    let events: Vec<String> = page.into_iter().filter_map(|read| read.text).collect();
    Ok(HttpResponse::Ok()
        .insert_header((HISTORY, history))
        .content_type("application/json")
        .body(format!("[{}]", events.join(","))))
}
