//! The timeline of one saga, over all contexts of its system, page by page.

use crate::{
    actors::{Context, Fault, ParkedEvent, ParkedId, SagaEntry, SagaPart},
    api::Problem,
    domain::Name,
    http::{handlers, state::AppState},
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc};

const DEFAULT_LIMIT: usize = 250;
const MAX_LIMIT: usize = 1000;

#[derive(Deserialize)]
struct SagaQuery {
    limit: Option<String>,
    from: Option<String>,
}

/// A context that takes part, and its entries.
struct Participant {
    context: Arc<dyn Context>,
    from: u64,
    entries: VecDeque<SagaEntry>,
    next: Option<u64>,
}

/// The context in which the sagas called `name` begin: the context of that name, or the one in which the orders of that
/// system begin. Also returns whether orders begin there.
fn origin(state: &AppState, name: &str) -> Option<(Name, bool)> {
    let here = state.node.contexts().iter().filter(|context| !context.is_view());
    let here = here.map(|context| (context.name(), context.is_order()));
    let remote = state.settings.remote_contexts.iter();
    let remote = remote.map(|context| (context.name, context.is_order));
    here.chain(remote)
        .find(|(known, is_order)| known.context == name || (*is_order && known.system == name))
}

fn bad_query() -> Problem {
    Problem::new(
        "bad-request",
        "`limit` is a number from 1, and `from` is taken from `next`",
        "`limit`은 1 이상의 숫자, `from`은 `next`에서 가져온 값이어야 합니다",
    )
}

/// One page of the saga that began in `name` under `number`.
pub async fn saga(
    state: &AppState,
    name: &str,
    number: u64,
    given: &str,
) -> Result<Value, Problem> {
    let query = web::Query::<SagaQuery>::from_query(given).map_err(|_| bad_query())?;
    let SagaQuery { limit, from } = query.into_inner();
    let limit = handlers::query::limit(limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT, bad_query)?;
    let (origin, is_order) = origin(state, name).ok_or_else(Problem::not_found)?;
    let contexts =
        state.node.contexts().iter().filter(|context| context.name().system == origin.system);
    let participant = |context: &Arc<dyn Context>| Participant {
        context: context.clone(),
        from: 0,
        entries: VecDeque::new(),
        next: None,
    };
    let mut participants: Vec<_> = contexts.map(participant).collect();
    for part in from.iter().flat_map(|from| from.split(',')) {
        let (context, sequence) = part.split_once(':').ok_or_else(bad_query)?;
        let sequence = sequence.parse().map_err(|_| bad_query())?;
        let known = participants
            .iter_mut()
            .filter(|participant| participant.context.name().context == context);
        known.for_each(|participant| participant.from = sequence);
    }
    let begins = from.is_none();
    let read = move || {
        let (entries, next) = page(&mut participants, (origin.context, number), limit)?;
        if entries.is_empty() && begins && next.is_none() {
            return Ok(None);
        }
        let parked = parked(&participants, &entries)?;
        let mut states = serde_json::Map::new();
        for Participant { context, .. } in &participants {
            // Participants share the number of the saga; what an order merely uses has a number of its own.
            let name = context.name().context;
            let mut names = entries.iter().map(|entry| (entry.context, entry.number));
            let shares = if context.is_view() {
                is_order && context.is_order()
            } else {
                names.any(|found| found == (name, number))
            };
            if let Some(seen) = shares.then(|| context.read(number).ok()).flatten() {
                let state = serde_json::from_slice(&seen.body).unwrap_or_default();
                states.insert(name.to_owned(), state);
            }
        }
        Ok::<_, Fault>(Some((entries, next, parked, states)))
    };
    let (entries, next, parked, states) =
        state.list_reads.run(read).await??.ok_or_else(Problem::not_found)?;
    state.node.durable(state.node.accepted()).await?;
    let system = origin.system;
    let context = origin.context;
    let mut shown = json!({
        "system": system, "context": context, "number": number, "entries": entries, "parked": parked, "states": states,
    });
    if let (Some(next), Some(fields)) = (next, shown.as_object_mut()) {
        fields.insert(
            "next".into(),
            format!("/admin/sagas/{name}/{number}?from={next}&limit={limit}").into(),
        );
    }
    Ok(shown)
}

/// About `limit` entries, in sequence within a context and roughly in the order of time among all, and the cursor of the
/// next page.
fn page(
    participants: &mut [Participant],
    (context, number): (&str, u64),
    limit: usize,
) -> Result<(Vec<SagaEntry>, Option<String>), Fault> {
    for participant in participants.iter_mut() {
        let SagaPart { entries, next } =
            participant.context.saga(context, number, participant.from, limit)?;
        (participant.entries, participant.next) = (entries.into(), next);
    }
    let whole = participants.iter().all(|participant| participant.next.is_none());
    if whole
        && participants.iter().map(|participant| participant.entries.len()).sum::<usize>() <= limit
    {
        let mut entries: Vec<_> =
            participants.iter_mut().flat_map(|participant| participant.entries.drain(..)).collect();
        entries.sort_by_key(|entry| (entry.at, entry.context, entry.sequence));
        return Ok((entries, None));
    }
    let mut entries = Vec::new();
    while entries.len() < limit {
        let first = |participant: &Participant| {
            participant.entries.front().map(|entry| (entry.at, entry.context, entry.sequence))
        };
        let earliest = participants
            .iter_mut()
            .filter(|participant| first(participant).is_some())
            .min_by_key(|participant| first(participant));
        let Some(entry) = earliest.and_then(|participant| participant.entries.pop_front()) else {
            break;
        };
        entries.push(entry);
    }
    // A context without further entries is past every sequence.
    let next = participants.iter().map(|participant| {
        // An open ask comes after the last event.
        let waits = participant
            .entries
            .front()
            .map(|entry| entry.sequence + u64::from(entry.what == "asks"));
        let next = waits.or(participant.next).unwrap_or(u64::MAX);
        format!("{}:{next}", participant.context.name().context)
    });
    let done = participants
        .iter()
        .all(|participant| participant.entries.is_empty() && participant.next.is_none());
    let next = next.collect::<Vec<_>>().join(",");
    Ok((entries, (!done).then_some(next)))
}

/// The entries that a subscriber has parked.
fn parked(participants: &[Participant], entries: &[SagaEntry]) -> Result<Vec<ParkedEvent>, Fault> {
    let events = entries.iter().filter(|entry| entry.what != "asks");
    let ids: Vec<_> = events
        .map(|entry| ParkedId {
            source: entry.context.to_owned(),
            aggregate: entry.number,
            sequence: entry.sequence,
        })
        .collect();
    let mut parked = Vec::new();
    for participant in participants {
        parked.extend(participant.context.parked_among(ids.clone())?);
    }
    Ok(parked)
}
