//! What is parked on this node, page by page: events that their subscribers could not handle, text messages that their
//! gateway refuses, then dead letters of the broker.

use crate::{
    actors::{Context, Fault, PARKED_NUMBER_HIDDEN, ParkedEvent, ParkedId, ParkedMessage},
    api::Problem,
    http::{handlers::query, state::AppState},
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The prefix of a dead letter's id among the parked.
pub const DEAD_LETTER: &str = "letter-";
/// The prefix of a refused text message's id among the parked.
const MESSAGE: &str = "message-";
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Deserialize)]
struct ParkedQuery {
    limit: Option<String>,
    after: Option<String>,
}

/// Where a page begins.
#[derive(Default)]
struct Start {
    /// The index of the first context; with the number of contexts, the page begins with the messages.
    context: usize,
    after_event: Option<ParkedId>,
    /// The message that the page begins after.
    after_message: Option<(String, u64)>,
    /// The dead letter that the page begins after: then it has nothing else.
    after_letter: Option<u64>,
}

/// The context and number of the message that an id names.
pub fn read_message_id(id: &str) -> Option<(&str, u64)> {
    let (context, number) = id.strip_prefix(MESSAGE)?.split_once('~')?;
    Some((context, number.parse().ok()?))
}

/// The subscriber and the event that an id names. Where it does not say of which thing the event is, it is found by its sequence
/// among what is parked.
pub fn find_event<'a>(
    contexts: &[Arc<dyn Context>],
    id: &'a str,
) -> Result<Option<(&'a str, ParkedId)>, Fault> {
    let parts: Vec<&str> = id.split('~').collect();
    let [listener, source, aggregate, sequence] = parts.as_slice() else { return Ok(None) };
    let Ok(sequence) = sequence.parse::<u64>() else { return Ok(None) };
    if *aggregate != PARKED_NUMBER_HIDDEN {
        let source = (*source).to_owned();
        let aggregate = aggregate.parse();
        return Ok(aggregate
            .ok()
            .map(|aggregate| (*listener, ParkedId { source, aggregate, sequence })));
    }
    let Some(context) = contexts.iter().find(|context| context.name().context == *listener) else {
        return Ok(None);
    };
    let mut after: Option<ParkedId> = None;
    loop {
        let page = context.list_parked(after.as_ref(), MAX_LIMIT)?;
        let mut ids = page.iter().map(|parked| &parked.id);
        if let Some(found) = ids.find(|id| id.source == *source && id.sequence == sequence) {
            return Ok(Some((*listener, found.clone())));
        }
        let Some(last) = page.last().filter(|_| page.len() == MAX_LIMIT) else { return Ok(None) };
        after = Some(last.id.clone());
    }
}

pub fn bad_query() -> Problem {
    Problem::new(
        "bad-request",
        "`limit` is a number from 1, and `after` the id of a parked item",
        "`limit`은 1 이상의 숫자, `after`는 보류된 항목의 id여야 합니다",
    )
}

/// How many items a page has at most.
pub fn page_limit(given: Option<&str>) -> Result<usize, Problem> {
    query::parse_limit(given, DEFAULT_LIMIT, MAX_LIMIT, bad_query)
}

impl Start {
    fn start_after(id: &str, contexts: &[Arc<dyn Context>]) -> Result<Option<Self>, Fault> {
        if let Some(number) = id.strip_prefix(DEAD_LETTER) {
            let after_letter = number.parse().ok();
            let start = Self { context: contexts.len(), after_letter, ..Self::default() };
            return Ok(after_letter.map(|_| start));
        }
        if let Some((context, number)) = read_message_id(id) {
            let after_message = Some((context.to_owned(), number));
            return Ok(Some(Self { context: contexts.len(), after_message, ..Self::default() }));
        }
        let Some((listener, event)) = find_event(contexts, id)? else { return Ok(None) };
        let mut names = contexts.iter().map(|context| context.name().context);
        let context = names.position(|name| name == listener);
        Ok(context.map(|context| Self { context, after_event: Some(event), ..Self::default() }))
    }
}

/// One page of this node's.
pub async fn list_parked(state: &AppState, given: &str) -> Result<Value, Problem> {
    let page = web::Query::<ParkedQuery>::from_query(given).map_err(|_| bad_query())?;
    let ParkedQuery { limit, after } = page.into_inner();
    let limit = page_limit(limit.as_deref())?;
    let contexts = state.node.contexts();
    let start = match &after {
        Some(id) => Start::start_after(id, contexts)?.ok_or_else(bad_query)?,
        None => Start::default(),
    };
    let after_letter = start.after_letter;
    let after_message = start.after_message;
    let contexts = contexts.get(start.context..).unwrap_or_default().to_vec();
    // One more than is shown, to know whether there is more.
    let events = state.list_reads.run(move || parked_page(&contexts, start.after_event, limit + 1));
    let mut all = Vec::new();
    for event in events.await?? {
        all.push((event.id.write_for(event.listener), json!(event)));
    }
    if after_letter.is_none() && all.len() <= limit {
        let node = state.node.clone();
        let left = limit + 1 - all.len();
        let refused = state.list_reads.run(move || {
            let after = after_message.as_ref().map(|(context, number)| (context.as_str(), *number));
            node.refused_messages(after, left)
        });
        for ParkedMessage { context, number, message } in refused.await?? {
            let id = format!("{MESSAGE}{context}~{number}");
            let shown = message.map(|message| json!(message));
            let damaged = |what| json!({ "context": context, "number": number, "damaged": what });
            all.push((id, shown.unwrap_or_else(damaged)));
        }
    }
    if let Some(letters) = state.settings.dead_letters.as_ref().filter(|_| all.len() <= limit) {
        // There are never many.
        let letters = letters.list_letters()?.into_iter();
        let letters =
            letters.filter(|(number, _)| after_letter.is_none_or(|after| *number > after));
        all.extend(letters.map(|(number, letter)| {
            let shown = letter.map(|letter| json!(letter));
            let damaged = |what| json!({ "damaged": what });
            (format!("{DEAD_LETTER}{number}"), shown.unwrap_or_else(damaged))
        }));
    }
    let has_more = all.len() > limit;
    all.truncate(limit);
    let last = all.last().filter(|_| has_more);
    let next = last.map(|(id, _)| format!("/admin/parked?after={id}&limit={limit}"));
    let shown = all.into_iter().map(|(id, mut shown)| {
        shown.as_object_mut().map(|fields| fields.insert("id".into(), id.into()));
        shown
    });
    let mut page = json!({ "parked": shown.collect::<Vec<_>>() });
    if let (Some(next), Some(fields)) = (next, page.as_object_mut()) {
        fields.insert("next".into(), next.into());
    }
    Ok(page)
}

/// At most `limit` parked events of these contexts, in the first of them only those after `after`.
fn parked_page(
    contexts: &[Arc<dyn Context>],
    mut after: Option<ParkedId>,
    limit: usize,
) -> Result<Vec<ParkedEvent>, Fault> {
    let mut found = Vec::new();
    for context in contexts {
        found.extend(context.list_parked(after.take().as_ref(), limit - found.len())?);
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}
