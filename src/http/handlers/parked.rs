//! What is set aside, page by page: events that their listeners could not take, then messages of the broker.

use crate::{
    actors::{Fault, ParkedId},
    api::Problem,
    http::AppState,
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the ids of the broker's dead letters begin with, among the parked.
pub const LETTER: &str = "letter-";
const LIMIT: usize = 100;
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Asked {
    limit: Option<usize>,
    after: Option<String>,
}

/// The id under which an event is shown.
fn write_id(listener: &str, id: &ParkedId) -> String {
    let ParkedId { source, aggregate, sequence } = id;
    format!("{listener}~{source}~{aggregate}~{sequence}")
}

/// The listener and the event that an id names.
pub fn read_id(id: &str) -> Option<(&str, ParkedId)> {
    let parts: Vec<&str> = id.split('~').collect();
    let [listener, source, aggregate, sequence] = parts.as_slice() else { return None };
    let (aggregate, sequence) = (aggregate.parse().ok()?, sequence.parse().ok()?);
    Some((listener, ParkedId { source: (*source).to_owned(), aggregate, sequence }))
}

/// One page of them.
pub async fn list(front: &AppState, query: &str) -> Result<Value, Problem> {
    let bad = || {
        let en = "`limit` is a number from 1, and `after` the id of something that was set aside";
        Problem::new(
            "bad-request",
            en,
            "`limit`은 1 이상의 숫자, `after`는 보류된 항목의 id여야 합니다",
        )
    };
    let Asked { limit, after } =
        web::Query::<Asked>::from_query(query).map_err(|_| bad())?.into_inner();
    let limit = limit
        .map_or(Some(LIMIT), |limit| (limit > 0).then_some(limit.min(MOST)))
        .ok_or_else(bad)?;
    let contexts = front.node.contexts();
    // The first context that is still to be asked, and behind what; past them all there are the letters.
    let (mut place, mut behind, mut letters_behind) = (0, None, 0);
    match after.as_deref() {
        None => {}
        Some(id) if id.starts_with(LETTER) => {
            letters_behind = id.trim_start_matches(LETTER).parse().map_err(|_| bad())?;
            place = contexts.len();
        }
        Some(id) => {
            let (listener, parked) = read_id(id).ok_or_else(bad)?;
            place = contexts
                .iter()
                .position(|context| context.name().context == listener)
                .ok_or_else(bad)?;
            behind = Some(parked);
        }
    }
    let asked = contexts.get(place..).unwrap_or_default().to_vec();
    // One more than is shown tells whether there is more.
    let found = front.scans.run(move || {
        let mut found = Vec::new();
        for context in asked {
            found.extend(context.parked(behind.take().as_ref(), limit + 1 - found.len())?);
            if found.len() > limit {
                break;
            }
        }
        Ok::<_, Fault>(found)
    });
    let mut all = Vec::new();
    for event in found.await?? {
        all.push((write_id(event.listener, &event.id), json!(event)));
    }
    if let (Some(letters), true) = (&front.settings.dead_letters, all.len() <= limit) {
        // There are never many.
        let letters = letters.all()?.into_iter().filter(|(number, _)| *number > letters_behind);
        all.extend(letters.map(|(number, letter)| (format!("{LETTER}{number}"), json!(letter))));
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all
        .last()
        .filter(|_| more)
        .map(|(id, _)| format!("/admin/parked?after={id}&limit={limit}"));
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
