//! The timeline of one saga, over all contexts of its system, on whichever nodes they are, page by page.

use super::saga_parts::{self, ContextPart, NodeParts, SagaQuery};
use crate::{
    actors::{ParkedId, SagaEntry},
    api::Problem,
    domain::Name,
    http::{handlers, state::AppState},
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const DEFAULT_LIMIT: usize = 250;
const MAX_LIMIT: usize = 1000;

#[derive(Deserialize)]
struct SagaPageQuery {
    limit: Option<String>,
    from: Option<String>,
}

/// The context in which the sagas called `name` begin: the context of that name, or the one in which the orders of that
/// system begin.
fn find_origin(state: &AppState, name: &str) -> Option<Name> {
    let here = state.node.contexts().iter().filter(|context| !context.is_view());
    let here = here.map(|context| (context.name(), context.is_order()));
    let remote = state.settings.remote_contexts.iter();
    let remote = remote.map(|context| (context.name, context.is_order));
    let mut all = here.chain(remote);
    let found =
        all.find(|(known, is_order)| known.context == name || (*is_order && known.system == name));
    found.map(|(known, _)| known)
}

fn bad_query() -> Problem {
    Problem::new(
        "bad-request",
        "`limit` is a number from 1, and `from` is taken from `next`",
        "`limit`은 1 이상의 숫자, `from`은 `next`에서 가져온 값이어야 합니다",
    )
}

/// The part of the saga that `query` names.
pub fn read_query(context: &str, number: u64, query: &str) -> Result<SagaQuery, Problem> {
    let query = web::Query::<SagaPageQuery>::from_query(query).map_err(|_| bad_query())?;
    let SagaPageQuery { limit, from } = query.into_inner();
    let limit =
        handlers::query::parse_limit(limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT, bad_query)?;
    let mut cursor = BTreeMap::new();
    for part in from.iter().flat_map(|from| from.split(',')) {
        let (context, sequence) = part.split_once(':').ok_or_else(bad_query)?;
        cursor.insert(context.to_owned(), sequence.parse().map_err(|_| bad_query())?);
    }
    Ok(SagaQuery { context: context.to_owned(), number, limit, from: cursor })
}

/// One page of the saga that began in `name` under `number`, with the nodes that were asked for it.
pub async fn show_saga(
    state: &AppState,
    name: &str,
    number: u64,
    given: &str,
) -> Result<Value, Problem> {
    let Name { system, context, .. } = find_origin(state, name).ok_or_else(Problem::no_saga)?;
    let saga = read_query(context, number, given)?;
    let limit = saga.limit;
    let elsewhere = state.nodes.ask_nodes::<NodeParts>(|_, node| saga.node_request(node));
    let here = saga_parts::of_this_node(state, &saga);
    let (elsewhere, here) = futures_util::future::join(elsewhere, here).await;
    let mut parts = here?;
    let mut answered = Vec::new();
    let asked: Vec<usize> = elsewhere.iter().map(|answer| answer.place).collect();
    for answer in elsewhere {
        if let Ok(report) = answer.answer {
            answered.push(answer.place);
            parts.extend(report.content.parts);
        }
    }
    let (entries, next) = merge_page(&mut parts, &saga);
    let is_whole = asked.len() == answered.len();
    if entries.is_empty() && saga.from.is_empty() && next.is_none() && is_whole {
        return Err(Problem::no_saga());
    }
    let events = entries.iter().filter(|entry| entry.what != "asks");
    let events = events.map(|entry| ParkedId {
        source: entry.context.clone().into_owned(),
        aggregate: entry.number,
        sequence: entry.sequence,
    });
    let parked = saga_parts::parked_anywhere(state, events.collect(), &answered).await?;
    let is_there = |part: &ContextPart| {
        let mut entries = entries.iter();
        part.view || entries.any(|entry| entry.context == part.context && entry.number == number)
    };
    let mut states = Map::new();
    for part in parts.iter_mut().filter(|part| is_there(part)) {
        states.extend(part.state.take().map(|state| (part.context.clone(), state)));
    }
    let mut shown = json!({
        "system": system, "context": context, "number": number, "entries": entries, "parked": parked, "states": states,
    });
    if let Some(fields) = shown.as_object_mut() {
        if !asked.is_empty() {
            fields.insert("nodes".into(), state.nodes.show_nodes(asked));
        }
        let path =
            next.map(|next| format!("/admin/sagas/{name}/{number}?from={next}&limit={limit}"));
        fields.extend(path.map(|path| ("next".to_owned(), path.into())));
    }
    Ok(shown)
}

/// About `limit` entries, in sequence within a context and roughly in the order of time among all, and the cursor of the
/// next page.
fn merge_page(parts: &mut [ContextPart], saga: &SagaQuery) -> (Vec<SagaEntry>, Option<String>) {
    let key = |entry: &SagaEntry| (entry.at, entry.context.clone(), entry.sequence);
    let count: usize = parts.iter().map(|part| part.entries.len()).sum();
    if count <= saga.limit && parts.iter().all(|part| part.next.is_none()) {
        let mut entries: Vec<_> =
            parts.iter_mut().flat_map(|part| part.entries.drain(..)).collect();
        entries.sort_by_key(key);
        return (entries, None);
    }
    let mut entries = Vec::new();
    while entries.len() < saga.limit {
        let waiting = parts.iter_mut().filter(|part| !part.entries.is_empty());
        let earliest = waiting.min_by_key(|part| part.entries.front().map(key));
        let Some(entry) = earliest.and_then(|part| part.entries.pop_front()) else { break };
        entries.push(entry);
    }
    // The entries of a context that has not answered are read from where this page began.
    let mut cursor = saga.from.clone();
    for part in &*parts {
        // An open ask comes after the last event.
        let waits = part.entries.front();
        let waits = waits.map(|entry| entry.sequence + u64::from(entry.what == "asks"));
        // A context without further entries is past every sequence.
        cursor.insert(part.context.clone(), waits.or(part.next).unwrap_or(u64::MAX));
    }
    let is_done = parts.iter().all(|part| part.entries.is_empty() && part.next.is_none());
    let cursor = cursor.iter().map(|(context, next)| format!("{context}:{next}"));
    let cursor = cursor.collect::<Vec<_>>().join(",");
    (entries, (!is_done).then_some(cursor))
}
