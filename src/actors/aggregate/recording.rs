//! Encodes decisions for the log.

use super::turn::Turn;
use crate::{
    actors::{
        erased::{Event, State, Versioned},
        port::saga::{SagaId, TraceContext},
        tables::{
            log::{Cause, Envelope, LogEntry, encode_event},
            sagas::SAGA_PAGE,
        },
    },
    store::StoreError,
};
use serde_bytes::ByteBuf;

/// An encoded decision.
pub(crate) struct EncodedDecision {
    /// Its events, each with its encoded form.
    pub events: Vec<(LogEntry, ByteBuf)>,
    /// The state after them.
    pub after: Versioned,
    /// The record of that state.
    pub record: Vec<u8>,
}

impl Turn<'_> {
    /// Gives the events their envelopes, and encodes them and the state after them.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one of them cannot be stored: found here, so that only this message fails and not the
    /// whole turn.
    pub(crate) fn encode_decision(
        &self,
        number: u64,
        before: (u64, Option<SagaId>),
        (events, state): (Vec<Event>, State),
        (cause, saga): (&Cause, &SagaId),
        thread: &TraceContext,
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
                client: thread.client.clone(),
                trace: thread.trace.clone(),
                owner: thread.owner.clone(),
            };
            let logged = LogEntry { envelope, event };
            let bytes = encode_event(&logged)?;
            written.push((logged, bytes));
        }
        let version = version + written.len() as u64;
        let owner = thread.owner.clone().filter(|_| self.behavior.aggregate.is_owned());
        let after = Versioned { version, saga: created_in, owner, state };
        let record = after.encode()?;
        Ok(EncodedDecision { events: written, after, record })
    }

    /// Adds a decision to the turn.
    pub(crate) fn record_event(
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
        self.transaction.set_state(number, decided.after, decided.record)
    }
}
