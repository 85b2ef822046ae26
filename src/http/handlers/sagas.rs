//! What happened in one saga, over all contexts of its system, page by page.

use crate::{
    actors::{Context, Fault, ParkedEvent, ParkedId, SagaEntry, SagaPart},
    api::Problem,
    domain::Name,
    http::AppState,
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc};

const LIMIT: usize = 250;
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Asked {
    limit: Option<usize>,
    from: Option<String>,
}

/// A context that takes part, and what it has to tell.
struct Member {
    context: Arc<dyn Context>,
    from: u64,
    entries: VecDeque<SagaEntry>,
    next: Option<u64>,
}

/// The context whose sagas are called by `name`: that one, or of a system the one that its orders begin in. With it,
/// whether that is so.
fn beginner(front: &AppState, name: &str) -> Option<(Name, bool)> {
    let here = front.node.contexts().iter().filter(|context| !context.is_view());
    let here = here.map(|context| (context.name(), context.is_order()));
    let elsewhere = front.settings.elsewhere.iter().map(|context| (context.name, context.is_order));
    here.chain(elsewhere)
        .find(|(known, is_order)| known.context == name || (*is_order && known.system == name))
}

/// What happened under one correlation id: in the saga that `name` began under `number`.
pub async fn saga(
    front: &AppState,
    name: &str,
    number: u64,
    query: &str,
) -> Result<Value, Problem> {
    let bad = || {
        let en = "`limit` is a number from 1, and `from` is taken from `next`";
        Problem::new(
            "bad-request",
            en,
            "`limit`은 1 이상의 숫자, `from`은 `next`에서 가져온 값이어야 합니다",
        )
    };
    let Asked { limit, from } =
        web::Query::<Asked>::from_query(query).map_err(|_| bad())?.into_inner();
    let limit = limit
        .map_or(Some(LIMIT), |limit| (limit > 0).then_some(limit.min(MOST)))
        .ok_or_else(bad)?;
    let (beginner, is_order) = beginner(front, name).ok_or_else(Problem::not_found)?;
    let contexts =
        front.node.contexts().iter().filter(|context| context.name().system == beginner.system);
    let member = |context: &Arc<dyn Context>| Member {
        context: context.clone(),
        from: 0,
        entries: VecDeque::new(),
        next: None,
    };
    let mut members: Vec<_> = contexts.map(member).collect();
    for part in from.iter().flat_map(|from| from.split(',')) {
        let (context, sequence) = part.split_once(':').ok_or_else(bad)?;
        let sequence = sequence.parse().map_err(|_| bad())?;
        let known = members.iter_mut().filter(|member| member.context.name().context == context);
        known.for_each(|member| member.from = sequence);
    }
    let begins = from.is_none();
    let read = move || {
        let (entries, next) = page(&mut members, (beginner.context, number), limit)?;
        if entries.is_empty() && begins && next.is_none() {
            return Ok(None);
        }
        let parked = parked(&members, &entries)?;
        let mut states = serde_json::Map::new();
        for Member { context, .. } in &members {
            // The participants share the saga's number; what an order only holds has one of its own.
            let shares = match context.is_view() {
                true => is_order && context.is_order(),
                false => entries
                    .iter()
                    .any(|entry| (entry.context, entry.number) == (context.name().context, number)),
            };
            if let Some(seen) = shares.then(|| context.read(number).ok()).flatten() {
                let state = serde_json::from_slice(&seen.body).unwrap_or_default();
                states.insert(context.name().context.to_owned(), state);
            }
        }
        Ok::<_, Fault>(Some((entries, next, parked, states)))
    };
    let (entries, next, parked, states) =
        front.scans.run(read).await??.ok_or_else(Problem::not_found)?;
    front.node.durable(front.node.accepted()).await?;
    let (system, context) = (beginner.system, beginner.context);
    let mut told = json!({
        "system": system, "context": context, "number": number, "entries": entries, "parked": parked, "states": states,
    });
    if let (Some(next), Some(fields)) = (next, told.as_object_mut()) {
        fields.insert(
            "next".into(),
            format!("/admin/sagas/{name}/{number}?from={next}&limit={limit}").into(),
        );
    }
    Ok(told)
}

/// Some `limit` entries, those of each context in sequence and all of them about in the order of time, and the cursor
/// of what follows.
fn page(
    members: &mut [Member],
    (context, number): (&str, u64),
    limit: usize,
) -> Result<(Vec<SagaEntry>, Option<String>), Fault> {
    for member in members.iter_mut() {
        let SagaPart { entries, next } =
            member.context.saga(context, number, member.from, limit)?;
        (member.entries, member.next) = (entries.into(), next);
    }
    let whole = members.iter().all(|member| member.next.is_none());
    if whole && members.iter().map(|member| member.entries.len()).sum::<usize>() <= limit {
        let mut entries: Vec<_> =
            members.iter_mut().flat_map(|member| member.entries.drain(..)).collect();
        entries.sort_by_key(|entry| (entry.at, entry.context, entry.sequence));
        return Ok((entries, None));
    }
    let mut entries = Vec::new();
    while entries.len() < limit {
        let first = |member: &Member| {
            member.entries.front().map(|entry| (entry.at, entry.context, entry.sequence))
        };
        let earliest = members
            .iter_mut()
            .filter(|member| first(member).is_some())
            .min_by_key(|member| first(member));
        let Some(entry) = earliest.and_then(|member| member.entries.pop_front()) else { break };
        entries.push(entry);
    }
    // A context that has told all it has is past everything.
    let next = members.iter().map(|member| {
        // An open question is told of behind the last event.
        let waits =
            member.entries.front().map(|entry| entry.sequence + u64::from(entry.what == "asks"));
        let next = waits.or(member.next).unwrap_or(u64::MAX);
        format!("{}:{next}", member.context.name().context)
    });
    let done = members.iter().all(|member| member.entries.is_empty() && member.next.is_none());
    let next = next.collect::<Vec<_>>().join(",");
    Ok((entries, (!done).then_some(next)))
}

/// Those of the entries that a listener has set aside.
fn parked(members: &[Member], entries: &[SagaEntry]) -> Result<Vec<ParkedEvent>, Fault> {
    let events = entries.iter().filter(|entry| entry.what != "asks");
    let ids: Vec<_> = events
        .map(|entry| ParkedId {
            source: entry.context.to_owned(),
            aggregate: entry.number,
            sequence: entry.sequence,
        })
        .collect();
    let mut parked = Vec::new();
    for member in members {
        parked.extend(member.context.parked_among(ids.clone())?);
    }
    Ok(parked)
}
