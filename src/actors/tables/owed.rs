//! Lists what a context owes, from the rows that it keeps for that: none of them is of something that has ended.

use super::{
    log::read_log,
    parked::parked_page,
    questions::{QUESTION_PAGE, QuestionPage, question_page_key},
    sagas::last_event,
    states::{decode_state, state_key},
    timers::{timer_key, timer_of},
    tree::Tree,
};
use crate::{
    actors::{
        erased::{AggregateType, Versioned},
        port::{
            owed::{EndedOrder, EndedPage, Owed, OwedPage, OwedPlace, Retry, SourceEvent},
            saga::SagaId,
            status::{ContextStatus, SourceLog},
        },
    },
    domain::{OrderOutcome, Timestamp},
    store::{
        Scan, StoreError, codec,
        keys::{Space, key_after, last_number},
        paging::Pages,
    },
    sync,
};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// A row of questions has at most so many bytes in its key; what waits for an answer has rows of its own beside it.
const QUESTION_KEY: usize = 9;

/// What is gathered of what a context owes.
struct Gathering {
    items: Vec<Owed>,
    limit: usize,
}

impl Gathering {
    fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    fn into_page(self) -> OwedPage {
        let next = self.items.last().map(|last| last.place.clone());
        OwedPage { items: self.items, next }
    }
}

/// How often something was tried, and how long until the next try.
fn tries_of(retries: &BTreeMap<u64, Retry>, number: u64) -> (u32, Option<Duration>) {
    let retry = retries.get(&number);
    let now = Instant::now();
    let waits = retry.map(|retry| retry.at.saturating_duration_since(now));
    (retry.map_or(0, |retry| retry.times), waits)
}

/// The saga of an aggregate.
type SagaOf = fn(&dyn AggregateType, u64, &Versioned) -> SagaId;

/// What an aggregate context itself owes, and how to find whose it is.
#[derive(Clone, Copy)]
pub struct Owing<'a> {
    /// Its type.
    pub aggregate: &'a dyn AggregateType,
    /// Finds the saga of one of its things.
    pub saga_of: SagaOf,
}

/// At most `limit` of what a context owes after `after`: open questions and timers of its own, parked events, and events
/// that it has not taken.
///
/// # Errors
/// [`StoreError`]; what is damaged is reported and left out.
pub fn list_owed(
    own: Option<Owing<'_>>,
    tree: &Tree,
    status: &ContextStatus,
    after: Option<&OwedPlace>,
    limit: usize,
) -> Result<OwedPage, StoreError> {
    let mut found = Gathering { items: Vec::new(), limit };
    if let Some(own) = own {
        match after {
            None => list_asks(own, tree, status, 0, &mut found)?,
            Some(OwedPlace::Ask(number)) => {
                list_asks(own, tree, status, number.saturating_add(1), &mut found)?;
            }
            Some(_) => {}
        }
        match after {
            _ if found.is_full() => return Ok(found.into_page()),
            None | Some(OwedPlace::Ask(_)) => list_timers(own, tree, status, None, &mut found)?,
            Some(OwedPlace::Due(at, number)) => {
                list_timers(own, tree, status, Some((*at, *number)), &mut found)?;
            }
            Some(_) => {}
        }
    }
    let after_parked = match after {
        _ if found.is_full() => return Ok(found.into_page()),
        Some(OwedPlace::Event(..)) => return list_events(tree, status, after, found),
        Some(OwedPlace::Text(_) | OwedPlace::Ended(_)) => return Ok(OwedPage::default()),
        Some(OwedPlace::Parked(id)) => Some(id),
        None | Some(OwedPlace::Ask(_) | OwedPlace::Due(..)) => None,
    };
    let left = found.limit - found.items.len();
    for (id, row) in parked_page(tree, after_parked, left)? {
        let event = source_event(status, &id.source, id.sequence);
        let unknown = || SagaId { context: Cow::Owned(id.source.clone()), number: id.aggregate };
        found.items.push(Owed {
            saga: event.as_ref().map_or_else(unknown, |event| event.saga.clone()),
            number: id.aggregate,
            since: event.as_ref().map(|event| event.at),
            waits_for: Some(id.source.clone()),
            why: Some(row.error),
            attempts: row.attempts,
            retry_in: None,
            owner: event.and_then(|event| event.owner),
            place: OwedPlace::Parked(id),
        });
    }
    if found.is_full() { Ok(found.into_page()) } else { list_events(tree, status, None, found) }
}

/// When the last thing happened to an aggregate in its saga.
fn last_change(own: Owing<'_>, tree: &Tree, saga: &SagaId, number: u64) -> Option<Timestamp> {
    let last = last_event(own.aggregate, tree, saga, number, u64::MAX).ok()??;
    Some(read_log(own.aggregate, tree, last, 1).ok()?.first()?.envelope.at)
}

/// What is kept under `number`; damage is reported, and costs this number alone.
fn readable_state(tree: &Tree, number: u64) -> Result<Option<Versioned>, StoreError> {
    match tree.report_damage_of(tree.read_state(0, number)) {
        Err(StoreError::Damaged(_)) => Ok(None),
        kept => Ok(kept?.map(|(_, kept)| kept)),
    }
}

fn list_asks(
    own: Owing<'_>,
    tree: &Tree,
    status: &ContextStatus,
    from: u64,
    found: &mut Gathering,
) -> Result<(), StoreError> {
    let mut scan = Scan::space(Space::Question, found.limit.clamp(1, 64));
    scan.from = question_page_key(from);
    let mut pages = Pages::over_scan(scan);
    while let Some(rows) = tree.next_readable_page(&mut pages, 1)? {
        for (key, row) in rows.iter().filter(|(key, _)| key.len() == QUESTION_KEY) {
            let numbers = match codec::decode::<QuestionPage>(Space::Question, &row.record) {
                Ok(page) => page.into_keys().collect::<Vec<_>>(),
                Err(StoreError::Damaged(what)) => {
                    tree.report_damage(&what);
                    let first = last_number(key).unwrap_or(0).saturating_mul(QUESTION_PAGE);
                    (first..first.saturating_add(QUESTION_PAGE)).collect()
                }
                Err(error) => return Err(error),
            };
            for number in numbers.into_iter().filter(|number| *number >= from) {
                if found.is_full() {
                    return Ok(());
                }
                let Some(kept) = readable_state(tree, number)? else { continue };
                let Some(ask) = own.aggregate.awaits(kept.state.as_ref(), number) else { continue };
                let saga = (own.saga_of)(own.aggregate, number, &kept);
                let (times, retry_in) = tries_of(&sync::lock(&status.retries).asks, number);
                found.items.push(Owed {
                    place: OwedPlace::Ask(number),
                    since: last_change(own, tree, &saga, number),
                    number,
                    waits_for: Some(ask.callee.context.to_owned()),
                    why: None,
                    attempts: ask.attempt.saturating_add(times),
                    retry_in,
                    owner: kept.owner_of(number),
                    saga,
                });
            }
        }
    }
    Ok(())
}

fn list_timers(
    own: Owing<'_>,
    tree: &Tree,
    status: &ContextStatus,
    after: Option<(Timestamp, u64)>,
    found: &mut Gathering,
) -> Result<(), StoreError> {
    let mut scan = Scan::space(Space::Timer, found.limit.clamp(1, 256));
    if let Some((at, number)) = after {
        scan.from = key_after(&timer_key(at, number));
    }
    let mut pages = Pages::over_scan(scan);
    while let Some(rows) = tree.next_readable_page(&mut pages, 1)? {
        for (at, number) in rows.iter().filter_map(|(key, _)| timer_of(key)) {
            if found.is_full() {
                return Ok(());
            }
            let Some(kept) = readable_state(tree, number)? else { continue };
            // A row that its state does not need any more is removed when it is due.
            if own.aggregate.due(kept.state.as_ref()).is_none_or(|(due, _)| due != at) {
                continue;
            }
            let (attempts, retry_in) = tries_of(&sync::lock(&status.retries).timers, number);
            found.items.push(Owed {
                place: OwedPlace::Due(at, number),
                saga: (own.saga_of)(own.aggregate, number, &kept),
                number,
                since: Some(at),
                waits_for: None,
                why: None,
                attempts,
                retry_in,
                owner: kept.owner_of(number),
            });
        }
    }
    Ok(())
}

fn find_source<'a>(status: &'a ContextStatus, context: &str) -> Option<&'a SourceLog> {
    status.sources.get()?.iter().find(|source| source.context == context)
}

/// An event of a log that is listened to, if it can be read.
fn source_event(status: &ContextStatus, source: &str, sequence: u64) -> Option<SourceEvent> {
    let events = (find_source(status, source)?.read)(sequence, 1).ok()?;
    events.into_iter().next().filter(|event| event.sequence == sequence)
}

/// Events of its sources that the context has not taken, as far as it has to do something about them. It looks at no more
/// of them than it may find.
fn list_events(
    tree: &Tree,
    status: &ContextStatus,
    after: Option<&OwedPlace>,
    mut found: Gathering,
) -> Result<OwedPage, StoreError> {
    let sources = status.sources.get().map(Vec::as_slice).unwrap_or_default();
    let (first, from) = match after {
        Some(OwedPlace::Event(source, sequence)) => {
            let first = sources.iter().position(|known| known.context == source.as_str());
            (first.unwrap_or(sources.len()), *sequence)
        }
        _ => (0, 0),
    };
    let counters = tree.read_counters().map(|(counters, _)| counters).unwrap_or_default();
    let positions =
        counters.building.as_ref().map_or(&counters.positions, |(_, positions)| positions);
    for (place, source) in sources.iter().enumerate().skip(first) {
        let position = positions.get(source.context).copied().unwrap_or(0);
        let position = if place == first { position.max(from) } else { position };
        if (source.latest)() <= position {
            continue;
        }
        let left = found.limit - found.items.len();
        let mut events = match (source.read)(position.saturating_add(1), left) {
            Err(StoreError::Damaged(what)) => {
                tree.report_damage(&what);
                Vec::new()
            }
            events => events?,
        };
        events.truncate(left);
        let last = events.last().map(|event| event.sequence).filter(|_| events.len() >= left);
        let wanted = events.into_iter().filter(|event| event.concerns);
        found.items.extend(wanted.map(|event| Owed {
            place: OwedPlace::Event(source.context.to_owned(), event.sequence),
            saga: event.saga,
            number: event.number,
            since: Some(event.at),
            waits_for: Some(source.context.to_owned()),
            why: None,
            attempts: 0,
            retry_in: None,
            owner: event.owner,
        }));
        if let Some(last) = last {
            let next = Some(OwedPlace::Event(source.context.to_owned(), last));
            return Ok(OwedPage { items: found.items, next });
        }
    }
    Ok(OwedPage { items: found.items, next: None })
}

/// Orders that have ended, of the `limit` with the highest numbers below `below`.
///
/// # Errors
/// [`StoreError`]; what is damaged is reported and left out.
pub fn list_ended(
    own: Owing<'_>,
    tree: &Tree,
    below: Option<u64>,
    limit: usize,
) -> Result<EndedPage, StoreError> {
    let from = state_key(0, 0);
    let to = state_key(0, below.unwrap_or(u64::MAX));
    let rows = match tree.scan_rows(&Scan { from, to, backwards: true, limit }) {
        Err(StoreError::Damaged(what)) => {
            tree.report_damage(&what);
            return list_ended_one_by_one(own, tree, below, limit);
        }
        rows => rows?,
    };
    let next = rows.last().filter(|_| rows.len() >= limit).and_then(|(key, _)| last_number(key));
    let mut orders = Vec::new();
    for (key, row) in rows {
        let Some(number) = last_number(&key) else { continue };
        match decode_state(tree.entity, &row.record) {
            Ok(kept) => orders.extend(ended_order(own, tree, number, &kept)),
            Err(StoreError::Damaged(what)) => tree.report_damage(&what),
            Err(error) => return Err(error),
        }
    }
    Ok(EndedPage { orders, next })
}

/// The same, where the rows cannot be read together.
fn list_ended_one_by_one(
    own: Owing<'_>,
    tree: &Tree,
    below: Option<u64>,
    limit: usize,
) -> Result<EndedPage, StoreError> {
    let highest = tree.read_counters().map_or(0, |(counters, _)| counters.highest);
    let first = below.unwrap_or(u64::MAX).min(highest.saturating_add(1));
    let last = first.saturating_sub(limit as u64).max(1);
    let mut orders = Vec::new();
    for number in (last..first).rev() {
        let kept = readable_state(tree, number)?;
        orders.extend(kept.and_then(|kept| ended_order(own, tree, number, &kept)));
    }
    Ok(EndedPage { orders, next: (last > 1).then_some(last) })
}

fn ended_order(own: Owing<'_>, tree: &Tree, number: u64, kept: &Versioned) -> Option<EndedOrder> {
    let state = kept.state.as_ref();
    let outcome = state.order_outcome();
    let is_owed = own.aggregate.awaits(state, number).is_some();
    if outcome == OrderOutcome::Pending || is_owed || own.aggregate.due(state).is_some() {
        return None;
    }
    let saga = (own.saga_of)(own.aggregate, number, kept);
    let since = last_change(own, tree, &saga, number);
    Some(EndedOrder { number, outcome, since, owner: kept.owner_of(number) })
}
