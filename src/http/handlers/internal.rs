//! What nodes say to each other: asks for contexts of this node, and the events of its logs.

use crate::{
    actors::{
        Context, EventId, PeerQuestion, PeerReply, RecordedEvent, answer_question, check_continues,
    },
    api::{self, Problem, header_text},
    domain::lenient::BadBody,
    http::{
        call::{Call, Reply},
        handlers::{
            body,
            event_reader::{self, PageLimit},
        },
        middleware::node_caller::{node_of, not_hosted_there},
        state::AppState,
    },
};
use actix_web::{HttpRequest, HttpResponse, http::Method, web};
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
    let asked = context.name().context;
    if let Some(node) = node_of(request, state)
        .filter(|node| !state.settings.node_rights.may_ask(node, &question.id.context, asked))
    {
        let wants = format!("ask {asked} in the name of {}", question.id.context);
        return Err(not_hosted_there(&node, &wants));
    }
    let deadline = header_text(request, "holdfast-deadline-ms").and_then(|text| text.parse().ok());
    let deadline = deadline.map_or(MAX_WAIT, Duration::from_millis).min(MAX_WAIT);
    let node = state.node.as_ref();
    let PeerReply { answer, past } =
        answer_question(node, context.as_ref(), question, deadline).await?;
    let past = past.map(|past| past.to_string()).unwrap_or_default();
    Ok(HttpResponse::Ok().insert_header((HISTORY, past)).json(answer))
}

/// Whether the node that sends `request` may read the log of `context`, or ask how far it goes.
fn check_may_read(request: &HttpRequest, state: &AppState, context: &str) -> Result<(), Problem> {
    let rights = &state.settings.node_rights;
    let Some(node) = node_of(request, state) else { return Ok(()) };
    let may_read = if *request.method() == Method::HEAD {
        rights.may_know_past(&node, context)
    } else {
        rights.may_read_log(&node, context)
    };
    let wants = || format!("read the log of {context}");
    may_read.then_some(()).ok_or_else(|| not_hosted_there(&node, &wants()))
}

/// `GET /internal/events/{context}`
pub async fn send_events(call: Call<'_>) -> Reply {
    let context = find_context(&call)?;
    let Call { request, state, .. } = call;
    check_may_read(request, state, context.name().context)?;
    let query = web::Query::<EventsQuery>::from_query(request.query_string()).map_err(|_| {
        Problem::new(
            "bad-request",
            "`from` is a sequence from 1",
            "`from`은 1 이상의 순번이어야 합니다",
        )
    })?;
    let log = context.event_log().ok_or_else(Problem::not_found)?;
    check_continues(log.as_ref(), query.from, query.after)?;
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
