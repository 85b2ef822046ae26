//! The events of the logs, for consumers: page by page, or as a stream (server-sent events). Only durable events are shown.
//!
//! One log is read from a sequence, or after the event whose id is given. Several logs share no sequence, so their cursor
//! names each of them, `bookrent.book:3f0c2a91b7d4-12,bookrent.rent:41`; a context that it does not name begins at 1.

use crate::{
    api::{Problem, header_text},
    http::{
        call::{Call, Reply},
        handlers::{
            event_cursor, event_filter::EventQuery, event_reader::PageLimit, event_stream, forward,
            log_reader::LogReader, stream,
        },
        middleware::{caller, node_caller::not_hosted_there},
        settings::RemoteTarget,
        state::AppState,
    },
    identity::Role,
};
use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::{Map, json};

const BATCH: &str = "application/cloudevents-batch+json";
const PAGE_BYTES: usize = 1 << 20;

/// `GET /events`
pub async fn all_events(call: Call<'_>) -> Reply {
    answer_events(call, None).await
}

/// `GET /events/{context}`
pub async fn of_context(call: Call<'_>) -> Reply {
    let name = call.path_parameter("context");
    answer_events(call, Some(name)).await
}

/// The problem of a name that no log has, with the names that there are.
fn no_log(state: &AppState) -> Problem {
    let here = state.node.contexts().iter();
    let here = here.filter(|context| context.event_log().is_some());
    let here = here.map(|context| context.name().context);
    let remote = state.settings.remote_contexts.iter();
    let remote = remote.filter(|context| !context.is_view && context.url.is_some());
    let mut names: Vec<_> = here.chain(remote.map(|context| context.name.context)).collect();
    names.sort_unstable();
    Problem::no_log(&names)
}

/// Answers with the events of a context of another node as that node has them; without a name, with links to those of
/// all contexts, for they have no common log here.
async fn forward_events(call: Call<'_>, name: Option<&str>) -> Reply {
    let Call { request, payload, state, .. } = call;
    let mut remote = state.settings.remote_contexts.iter().enumerate();
    let has_log = |context: &RemoteTarget| !context.is_view && context.url.is_some();
    if let Some(name) = name {
        let found = remote.find(|(_, context)| context.name.context == name && has_log(context));
        let (index, _) = found.ok_or_else(|| no_log(call.state))?;
        return forward::forward_events(request, payload, state, index).await;
    }
    let base = state.base_url(request);
    let types = state.settings.documents.schemas.keys().map(String::as_str);
    let query = EventQuery::parse_query(request.query_string(), types)?;
    let feeds = remote.filter(|(_, context)| has_log(context));
    let feeds =
        query.narrow_logs(feeds.map(|(_, context)| context.name.context).collect(), |name| name)?;
    let mut links = Map::new();
    for context in feeds {
        links.insert(context.to_owned(), json!({ "href": format!("{base}/events/{context}") }));
    }
    if links.is_empty() {
        return Err(Problem::not_found());
    }
    links.insert("self".into(), json!({ "href": format!("{base}/events") }));
    let body = json!({ "_links": links }).to_string();
    Ok(HttpResponse::Ok().content_type("application/hal+json").body(body))
}

/// Leaves of `logs` those that the sender of `request` may read: of a node, those that its contexts listen to.
fn keep_readable<T>(
    request: &HttpRequest,
    state: &AppState,
    logs: &mut Vec<T>,
    context: impl Fn(&T) -> &'static str,
) -> Result<(), Problem> {
    let caller = caller::find_caller(request, state);
    let Some(node) = caller.filter(|caller| caller.roles.has(Role::Node)) else { return Ok(()) };
    let rights = &state.settings.node_rights;
    let refused = logs.first().map(|log| format!("read the log of {}", context(log)));
    logs.retain(|log| rights.may_read_log(&node, context(log)));
    match refused.filter(|_| logs.is_empty()) {
        Some(wants) => Err(not_hosted_there(&node, &wants)),
        None => Ok(()),
    }
}

async fn answer_events(call: Call<'_>, name: Option<&str>) -> Reply {
    let state = call.state;
    let contexts = state.node.contexts().iter();
    let contexts = contexts.filter(|context| name.is_none_or(|n| context.name().context == n));
    let mut logs: Vec<_> = contexts.filter_map(|context| context.event_log()).collect();
    if logs.is_empty() {
        return forward_events(call, name).await;
    }
    let request = call.request;
    keep_readable(request, state, &mut logs, |log| log.context())?;
    let types = state.settings.documents.schemas.keys().map(String::as_str);
    let query = EventQuery::parse_query(request.query_string(), types)?;
    let logs = query.narrow_logs(logs, |log| log.context())?;
    let mut reader = LogReader::new(logs, name.is_some(), query.filter.clone());
    let is_now = query.from.as_deref() == Some(EventQuery::NOW);
    if is_now {
        reader.skip_all();
    }
    let from = query.from.as_deref().filter(|_| !is_now);
    if stream::is_wanted(request) {
        // The last event of a broken stream is later than where the stream began.
        let last = header_text(request, "last-event-id").filter(|last| !last.is_empty());
        let changed = match (last, from) {
            (Some(last), _) => reader.seek_cursor(last, true)?,
            (None, Some(from)) => reader.seek_cursor(from, false)?,
            (None, None) => Vec::new(),
        };
        return event_stream::answer_stream(request, reader, &query, &changed);
    }
    if let Some(from) = from
        && let Some(context) = reader.seek_cursor(from, false)?.first()
    {
        return Err(event_cursor::history_changed(context));
    }
    let page = PageLimit { events: query.limit, bytes: PAGE_BYTES };
    let events = reader.read_page(state, page).await?;
    let cursor = if is_now { reader.position() } else { reader.cursor() };
    let path = format!("{}{}", state.path_prefix(request), request.path());
    let EventQuery { limit, shared, .. } = query;
    let next = format!("<{path}?from={cursor}&limit={limit}{shared}>; rel=\"next\"");
    let events: Vec<String> = events.into_iter().map(|event| event.text).collect();
    let body = format!("[{}]", events.join(","));
    Ok(HttpResponse::Ok().content_type(BATCH).insert_header((header::LINK, next)).body(body))
}
