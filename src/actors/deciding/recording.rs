//! What a decision comes to, as it goes into the log.

use super::work::Work;
use crate::{
    actors::records::{Cause, Envelope, Logged, SAGA_PAGE, SagaId, Thread, encode_log, encode_state},
    domain::Aggregate,
    store::StoreError,
};

/// The events of one decision, and what they lead to.
pub(super) struct Decided<'a, A: Aggregate> {
    pub number: u64,
    /// The version before it.
    pub version: u64,
    pub events: Vec<A::Event>,
    pub after: &'a A,
    pub created_in: Option<&'a SagaId>,
}

impl<A: Aggregate> Work<'_, A> {
    /// The next events of the log.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one of them, or what they lead to, cannot be stored.
    pub(super) fn logged(
        &self,
        decided: Decided<'_, A>,
        cause: &Cause,
        saga: &SagaId,
        thread: Option<&Thread>,
    ) -> Result<Vec<Logged<A::Event>>, StoreError> {
        let Decided { number, version, events, after, created_in } = decided;
        let mut logged = Vec::with_capacity(events.len());
        for (event, place) in events.into_iter().zip(1..) {
            let envelope = Envelope {
                sequence: self.meta.last_sequence + place,
                aggregate: number,
                version: version + place,
                at: self.now,
                saga: saga.clone(),
                cause: cause.clone(),
                client: thread.and_then(|thread| thread.client.clone()),
                trace: thread.and_then(|thread| thread.trace.clone()),
            };
            logged.push(Logged { envelope, event });
        }
        // Found here and not when the turn is written: so nothing else of the turn is lost, and it is known what it was.
        encode_log::<A>(&logged)?;
        encode_state(version + logged.len() as u64, created_in, after)?;
        Ok(logged)
    }

    /// They happen.
    pub(super) fn record(&mut self, logged: Vec<Logged<A::Event>>) {
        for Logged { envelope, .. } in &logged {
            self.meta.last_sequence = envelope.sequence;
            let page = (envelope.saga.context.clone(), envelope.saga.number / SAGA_PAGE);
            self.sagas.entry(page).or_default().push((envelope.saga.number, envelope.sequence));
        }
        self.events.extend(logged);
    }
}
