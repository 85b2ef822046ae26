//! What a context knows of a saga.

use super::{
    log::{LogEntry, data_of, read_log},
    tree::Tree,
};
use crate::{
    actors::{
        erased::AggregateType,
        port::{
            fault::Fault,
            health::{SagaEntry, SagaPart},
            saga::SagaId,
        },
    },
    store::{
        Scan, StoreError, codec,
        keys::{KeyBuf, Space, last_number, prefix_end},
        paging::Pages,
    },
};

/// How many entries of a saga's page are in one row.
pub const SAGA_ENTRIES: usize = 256;

/// How many sagas share a prefix of the saga index.
pub const SAGA_PAGE: u64 = 64;

/// Which events of one turn belong to which sagas of a page: the saga's number, the event's sequence.
pub type SagaPage = Vec<(u64, u64)>;

/// At most so many rows are looked at for one part: the sagas of neighbours share them.
const ROWS: usize = 2048;

/// At most so many rows are looked at for the event before another.
const ROWS_BEFORE: usize = 64;

/// What happened here in the saga that `context` began under `number`, from sequence `from` on, and what it waits for:
/// some `limit` entries.
pub fn saga_part(
    aggregate: &dyn AggregateType,
    tree: &Tree,
    last_sequence: u64,
    (context, number): (&str, u64),
    from: u64,
    limit: usize,
) -> Result<SagaPart, Fault> {
    let own = aggregate.name().context;
    // A subscriber that has received it all gets nothing more.
    if from == u64::MAX {
        return Ok(SagaPart::default());
    }
    let prefix = KeyBuf::new(Space::Saga).text(context).number(number / SAGA_PAGE);
    let first = prefix.clone().build();
    let in_common = first.len();
    let end = prefix_end(&prefix.clone().build());
    let from_key = prefix.number(from).build();
    // The row that holds `from` may begin before it.
    let before = Scan { from: first, to: from_key.clone(), backwards: true, limit: 1 };
    let mut rows = skip_damaged(tree, tree.scan_rows(&before))?.unwrap_or_default();
    let mut pages =
        Pages::over_scan(Scan { from: from_key, to: end, backwards: false, limit: 256 });
    let mut entries = Vec::new();
    let mut looked = 0;
    loop {
        for (_, row) in &rows {
            let page = codec::decode::<SagaPage>(Space::Saga, &row.record);
            let Some(page) = skip_damaged(tree, page)? else { continue };
            for (_, sequence) in
                page.into_iter().filter(|(of, sequence)| *of == number && *sequence >= from)
            {
                if entries.len() >= limit {
                    return Ok(SagaPart { entries, next: Some(sequence) });
                }
                let found = skip_damaged(tree, read_log(aggregate, tree, sequence, 1))?;
                entries.extend(
                    found.into_iter().flatten().take(1).map(|logged| entry_of(own, &logged)),
                );
            }
        }
        looked += rows.len();
        if looked >= ROWS {
            // What follows begins after the row that was read last.
            let next = rows.last().and_then(|(key, _)| last_number(key)).map(|last| last + 1);
            return Ok(SagaPart { entries, next });
        }
        match tree.next_readable_page(&mut pages, in_common)? {
            Some(page) => rows = page,
            None => break,
        }
    }
    if context == own
        && let Some((_, kept)) = skip_damaged(tree, tree.read_state(0, number))?.flatten()
        && let Some(ask) = aggregate.awaits(kept.state.as_ref(), number)
    {
        entries.push(SagaEntry {
            at: entries.last().map_or_else(Default::default, |last| last.at),
            context: own.into(),
            number,
            sequence: last_sequence,
            version: kept.version,
            what: "asks".into(),
            cause: format!("attempt {}", ask.attempt),
            data: serde_json::json!({ "question": format!("{ask:?}") }),
        });
    }
    Ok(SagaPart { entries, next: None })
}

/// The last event of the aggregate `number` in its saga that comes before the sequence `before`, if one is near.
///
/// # Errors
/// [`StoreError`].
pub fn last_event(
    aggregate: &dyn AggregateType,
    tree: &Tree,
    saga: &SagaId,
    number: u64,
    before: u64,
) -> Result<Option<u64>, StoreError> {
    let prefix = KeyBuf::new(Space::Saga).text(&saga.context).number(saga.number / SAGA_PAGE);
    let from = prefix.clone().build();
    let mut pages = Pages::over_scan(Scan {
        from,
        to: prefix.number(before).build(),
        backwards: true,
        limit: 8,
    });
    let mut looked = 0;
    while let Some(rows) = pages.next(|scan| tree.scan_rows(scan))? {
        for (_, row) in &rows {
            let page: SagaPage = codec::decode(Space::Saga, &row.record)?;
            let earlier =
                page.into_iter().rev().filter(|(of, at)| *of == saga.number && *at < before);
            for (_, sequence) in earlier {
                let found = read_log(aggregate, tree, sequence, 1)?;
                if found.first().is_some_and(|logged| logged.envelope.aggregate == number) {
                    return Ok(Some(sequence));
                }
            }
        }
        looked += rows.len();
        if looked >= ROWS_BEFORE {
            break;
        }
    }
    Ok(None)
}

/// Damaged entries are reported and left out.
fn skip_damaged<T>(tree: &Tree, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::Damaged(what)) => {
            tree.report_damage(&what);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn entry_of(context: &'static str, logged: &LogEntry) -> SagaEntry {
    let LogEntry { envelope, event } = logged;
    SagaEntry {
        at: envelope.at,
        context: context.into(),
        number: envelope.aggregate,
        sequence: envelope.sequence,
        version: envelope.version,
        what: event.name().to_owned(),
        cause: envelope.cause.to_string(),
        data: data_of(event.as_ref()),
    }
}
