//! A request of a connection, from its head to the end of its answer.

use super::slot::{BUSY, ConnectionSlot};
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, Release},
};

/// A request, from the arrival of its head until its answer has been handed to the connection.
#[derive(Debug)]
pub struct ActiveRequest {
    slot: Arc<ConnectionSlot>,
    /// Bytes of the answer that are not handed over yet.
    unsent_body: usize,
}

impl ActiveRequest {
    /// The head of a request has arrived.
    pub fn begin(slot: Arc<ConnectionSlot>, has_body: bool) -> Self {
        slot.began.store(slot.totals.now(), Relaxed);
        slot.idle_since.store(BUSY, Release);
        slot.requests.fetch_add(1, Relaxed);
        slot.active.store(true, Relaxed);
        slot.body_unread.store(has_body, Relaxed);
        Self { slot, unsent_body: 0 }
    }

    /// So many bytes of the answer are not handed over yet.
    pub fn set_unsent_body(&mut self, bytes: usize) {
        self.slot.totals.change_unsent(self.unsent_body, bytes);
        self.slot.unsent_body.store(bytes, Relaxed);
        self.unsent_body = bytes;
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.set_unsent_body(0);
        self.slot.discarding_body.store(self.slot.body_unread.load(Relaxed), Relaxed);
        self.slot.active.store(false, Relaxed);
    }
}

/// A handler that waits for the body. It has done nothing yet, so the connection counts as idle.
#[derive(Debug)]
pub struct BodyWait(Arc<ConnectionSlot>);

impl BodyWait {
    /// Waits for the body until this is dropped.
    pub fn begin(slot: Arc<ConnectionSlot>) -> Self {
        slot.idle_since.store(slot.began.load(Relaxed), Release);
        slot.awaiting_body.store(true, Relaxed);
        Self(slot)
    }

    /// The whole body has arrived.
    pub fn complete_body(&self) {
        self.0.body_unread.store(false, Relaxed);
    }
}

impl Drop for BodyWait {
    fn drop(&mut self) {
        self.0.awaiting_body.store(false, Relaxed);
        self.0.idle_since.store(BUSY, Release);
    }
}
