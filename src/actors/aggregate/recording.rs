//! What a decision comes to, as it goes into the log.

use super::turn::Turn;
use crate::{
    actors::{
        erased::{Event, State},
        tables::records::{
            Cause, Envelope, LogEntry, SAGA_PAGE, SagaId, TraceContext, Versioned, encode_event,
        },
    },
    store::StoreError,
};
use serde_bytes::ByteBuf;

/// A decision, as it is stored.
pub(crate) struct EncodedDecision {
    /// Its events, each with what stands of it in the log.
    pub events: Vec<(LogEntry, ByteBuf)>,
    /// What they lead to.
    pub after: Versioned,
    /// The record of that.
    pub record: Vec<u8>,
}

impl Turn<'_> {
    /// The next events of the log, and what they make of `before`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one of them, or what they lead to, cannot be stored: found here and not when the turn
    /// is written, so nothing else of the turn is lost, and it is known what it was.
    pub(crate) fn encode_decision(
        &self,
        number: u64,
        before: (u64, Option<SagaId>),
        (events, state): (Vec<Event>, State),
        (cause, saga): (&Cause, &SagaId),
        thread: Option<&TraceContext>,
    ) -> Result<EncodedDecision, StoreError> {
        let (version, created_in) = before;
        let mut written = Vec::with_capacity(events.len());
        for (event, place) in events.into_iter().zip(1..) {
            let envelope = Envelope {
                sequence: self.counters.last_sequence + place,
                aggregate: number,
                version: version + place,
                at: self.now,
                saga: saga.clone(),
                cause: cause.clone(),
                client: thread.and_then(|thread| thread.client.clone()),
                trace: thread.and_then(|thread| thread.trace.clone()),
            };
            let logged = LogEntry { envelope, event };
            let bytes = encode_event(&logged)?;
            written.push((logged, bytes));
        }
        let after = Versioned { version: version + written.len() as u64, saga: created_in, state };
        let record = after.state.encode(after.version, after.saga.as_ref())?;
        Ok(EncodedDecision { events: written, after, record })
    }

    /// It happens.
    pub(crate) fn record(
        &mut self,
        number: u64,
        decided: EncodedDecision,
    ) -> Result<(), StoreError> {
        for (logged, bytes) in decided.events {
            let Envelope { sequence, saga, .. } = &logged.envelope;
            self.counters.last_sequence = *sequence;
            let page = (saga.context.clone(), saga.number / SAGA_PAGE);
            self.sagas.entry(page).or_default().push((saga.number, *sequence));
            self.events.push(logged);
            self.encoded_events.push(bytes);
        }
        self.transaction.set(number, decided.after, decided.record)
    }
}
