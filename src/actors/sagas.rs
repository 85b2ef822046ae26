//! What a context has to tell of a saga.

use super::{
    desk::Tree,
    front::Fault,
    health::SagaEntry,
    outflow::data_of,
    records::{Logged, SAGA_PAGE, SagaPage},
    sources::read_log,
};
use crate::{
    domain::{Aggregate, Id},
    store::{
        Scan, StoreError, codec,
        keys::{KeyBuf, Space, behind},
    },
};

/// What happened here in the saga that `context` began under `number`, in sequence, and what it waits for.
pub fn told<A: Aggregate>(
    tree: &Tree<A>,
    last_sequence: u64,
    context: &str,
    number: u64,
) -> Result<Vec<SagaEntry>, Fault> {
    let prefix = KeyBuf::new(Space::Saga).text(context).number(number / SAGA_PAGE).build();
    let mut scan = Scan { to: behind(&prefix), from: prefix, backwards: false, limit: 256 };
    let mut entries = Vec::new();
    loop {
        let rows = tree.scan(&scan)?;
        for (_, row) in &rows {
            let page = codec::decode::<SagaPage>(Space::Saga, &row.record);
            let Some(page) = readable(tree, page)? else { continue };
            for (_, sequence) in page.into_iter().filter(|(of, _)| *of == number) {
                let found = readable(tree, read_log::<A>(tree, sequence, 1))?;
                entries.extend(found.into_iter().flatten().take(1).map(|logged| entry_of::<A>(&logged)));
            }
        }
        match rows.last() {
            Some((last, _)) if rows.len() == scan.limit => scan.from = [last.as_slice(), &[0]].concat(),
            _ => break,
        }
    }
    if context == A::NAME.context
        && let Some((_, kept)) = readable(tree, tree.state(0, number))?.flatten()
        && let Some(ask) = kept.state.awaits(Id::new(number))
    {
        entries.push(SagaEntry {
            at: entries.last().map_or_else(Default::default, |last| last.at),
            context: A::NAME.context,
            number,
            sequence: last_sequence,
            version: kept.version,
            what: "asks".into(),
            cause: format!("attempt {}", ask.attempt),
            data: serde_json::json!({ "question": format!("{ask:?}") }),
        });
    }
    Ok(entries)
}

/// What is damaged is told of and left out.
fn readable<A: Aggregate, T>(tree: &Tree<A>, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::Damaged(what)) => {
            tree.report_damage(&what);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn entry_of<A: Aggregate>(logged: &Logged<A::Event>) -> SagaEntry {
    let Logged { envelope, event } = logged;
    SagaEntry {
        at: envelope.at,
        context: A::NAME.context,
        number: envelope.aggregate,
        sequence: envelope.sequence,
        version: envelope.version,
        what: event.as_ref().to_owned(),
        cause: envelope.cause.to_string(),
        data: data_of(event),
    }
}
