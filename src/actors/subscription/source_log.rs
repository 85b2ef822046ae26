//! A log that a context listens to, for those who ask what the context still has to do.

use super::source::{LogEntries, Reaction, Subscribers};
use crate::{
    actors::{
        port::{owed::SourceEvent, status::SourceLog},
        tables::tree::Tree,
    },
    store::StoreError,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::SeqCst},
};

/// The log in `tree`, to whose events a listener reacts as `react` says.
pub fn source_log<T: Send + 'static>(
    tree: &Tree,
    listeners: &Arc<Subscribers>,
    react: &Reaction<T>,
) -> SourceLog {
    let last = listeners.clone();
    let ids = listeners.clone();
    let events = listeners.clone();
    let tree = tree.clone();
    let react = react.clone();
    SourceLog {
        context: listeners.aggregate.name().context,
        latest: Box::new(move || last.latest.load(SeqCst)),
        id_of: Box::new(move |sequence| ids.with_history(|history| history.id_of(sequence))),
        read: Box::new(move |from, limit| read_events(&tree, &events, &react, from, limit)),
    }
}

fn read_events<T>(
    tree: &Tree,
    listeners: &Subscribers,
    react: &Reaction<T>,
    from: u64,
    limit: usize,
) -> Result<Vec<SourceEvent>, StoreError> {
    let entries: LogEntries = listeners.read_published(tree, from, limit)?.into();
    let events = entries.iter().enumerate().map(|(place, logged)| {
        // A policy that panics has something to do.
        let reacts = catch_unwind(AssertUnwindSafe(|| react(&entries, place).is_some()));
        let envelope = &logged.envelope;
        SourceEvent {
            sequence: envelope.sequence,
            number: envelope.aggregate,
            at: envelope.at,
            saga: envelope.saga.clone(),
            owner: envelope.owner.clone(),
            concerns: reacts.unwrap_or(true),
        }
    });
    Ok(events.collect())
}
