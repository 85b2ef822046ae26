//! The bound on open connections, and on the bytes of answers that wait for clients that do not read.
//!
//! Every connection has a [`ConnectionSlot`]. Its worker records there what the connection is doing; any thread that
//! looks for an idle one reads it. The listener accepts a few connections more than the bound and leaves the rest in the
//! kernel's backlog, so connections never use up the descriptors of the process.

mod request;
mod slot;

pub use request::{ActiveRequest, BodyWait};
pub use slot::{ConnectionSlot, Signal};

use crate::{http::drain::IdleConnections, sync};
use slot::{BUSY, Totals};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};
use tokio::sync::watch;

/// All connections of a server.
#[derive(Debug)]
pub struct ConnectionLimit {
    limit: usize,
    unsent_limit: usize,
    totals: Arc<Totals>,
    slots: Mutex<Slots>,
    open: watch::Sender<usize>,
    closed_idle: AtomicU64,
    refused: AtomicU64,
    aborted: AtomicU64,
    /// The server stops: connections close once they have been idle for a while, and not to make room.
    draining: AtomicBool,
    leave_to: Mutex<Option<IdleConnections>>,
}

#[derive(Debug, Default)]
struct Slots {
    all: Vec<Arc<ConnectionSlot>>,
    /// The connections that were idle when we last looked, the longest idle last. One whose time stamp is unchanged is
    /// still idle, and for longer than any that became idle since.
    idle: Vec<(u64, Arc<ConnectionSlot>)>,
    closing: usize,
}

/// The counts that metrics show.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionStats {
    /// Open connections.
    pub open: usize,
    /// The largest number of them.
    pub limit: usize,
    /// Bytes that wait for clients that do not read.
    pub unsent: usize,
    /// Idle connections that were closed to admit a new one.
    pub closed_idle: u64,
    /// New connections that were refused because no other was idle.
    pub refused: u64,
    /// Connections that were aborted because the client did not read.
    pub aborted: u64,
}

impl ConnectionLimit {
    /// Admits `limit` connections, and lets `unsent_limit` bytes wait for all of them together.
    pub fn new(limit: usize, unsent_limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            unsent_limit,
            totals: Arc::new(Totals::new()),
            slots: Mutex::default(),
            open: watch::Sender::new(0),
            closed_idle: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            leave_to: Mutex::default(),
        })
    }

    fn lock_slots(&self) -> MutexGuard<'_, Slots> {
        sync::lock(&self.slots)
    }

    /// The server stops: what has begun to arrive is read and answered. Connections that are idle are left to `to`, if that is
    /// given.
    pub fn begin_drain(&self, to: Option<IdleConnections>) {
        *sync::lock(&self.leave_to) = to;
        self.draining.store(true, Release);
    }

    /// Where idle connections are left, if anywhere.
    pub fn leave_to(&self) -> Option<IdleConnections> {
        sync::lock(&self.leave_to).clone()
    }

    /// Whether the server stops.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Acquire)
    }

    /// Tells connections to close that have been idle for `time`. One that waits for a body is not idle here.
    pub fn close_idle(&self, time: Duration) {
        let mut slots = self.lock_slots();
        let now = self.totals.now();
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut closed = 0;
        for slot in &slots.all {
            let since = slot.idle_since.load(Acquire);
            let is_idle = since != BUSY && now.saturating_sub(since) >= time;
            if is_idle && !slot.awaits_body() && slot.signal() == Signal::KeepOpen {
                slot.send_signal(Signal::Close);
                closed += 1;
            }
        }
        slots.closing += closed;
    }

    /// A slot for a connection that is refused at once; it does not count towards the limit.
    pub fn refused_slot(self: &Arc<Self>) -> Arc<ConnectionSlot> {
        self.open.send_modify(|open| *open += 1);
        ConnectionSlot::new(&self.totals, usize::MAX)
    }

    /// Admits a connection. At the limit, the connection that has been idle for longest gets the signal to close; `None` if
    /// every connection is busy.
    pub fn admit_connection(self: &Arc<Self>) -> Option<Arc<ConnectionSlot>> {
        let mut slots = self.lock_slots();
        if slots.all.len() - slots.closing >= self.limit && !self.close_one_idle(&mut slots) {
            self.refused.fetch_add(1, Relaxed);
            return None;
        }
        let slot = ConnectionSlot::new(&self.totals, slots.all.len());
        slots.all.push(Arc::clone(&slot));
        drop(slots);
        self.open.send_modify(|open| *open += 1);
        Some(slot)
    }

    /// Tells the connection that has been idle for longest to close.
    fn close_one_idle(&self, slots: &mut Slots) -> bool {
        let is_free =
            |since: u64, slot: &ConnectionSlot| since != BUSY && slot.signal() == Signal::KeepOpen;
        for refreshed in [false, true] {
            while let Some((since, slot)) = slots.idle.pop() {
                if slot.idle_since.load(Acquire) == since && is_free(since, &slot) {
                    slot.send_signal(Signal::Close);
                    slots.closing += 1;
                    self.closed_idle.fetch_add(1, Relaxed);
                    return true;
                }
            }
            if refreshed {
                break;
            }
            // The scan costs a step for each connection, so it collects an eighth of them at once.
            let found = slots.all.iter().map(|slot| (slot.idle_since.load(Acquire), slot));
            let mut found: Vec<_> = found.filter(|(since, slot)| is_free(*since, slot)).collect();
            found.sort_unstable_by_key(|(since, _)| *since);
            found.truncate(slots.all.len() / 8 + 1);
            let found = found.into_iter().rev();
            slots.idle = found.map(|(since, slot)| (since, Arc::clone(slot))).collect();
        }
        false
    }

    /// Keeps `slot` open, because a request arrived after its signal to close. Another one has to close.
    pub fn keep_open(&self, slot: &ConnectionSlot) {
        let mut slots = self.lock_slots();
        if slot.signal() == Signal::Close {
            // If only a part of the request has arrived, the slot is still the one idle for longest.
            let was_idle = slot.idle_since.swap(BUSY, AcqRel) != BUSY;
            slot.set_signal(Signal::KeepOpen);
            slots.closing -= 1;
            if !self.is_draining() {
                self.close_one_idle(&mut slots);
            }
            if was_idle {
                slot.idle_since.store(self.totals.now(), Release);
            }
        }
    }

    /// Removes a connection that has ended.
    pub fn remove(&self, slot: &ConnectionSlot) {
        slot.set_unsent(0);
        let mut slots = self.lock_slots();
        let index = slot.index.load(Relaxed);
        if index < slots.all.len() {
            slots.all.swap_remove(index);
            if let Some(moved) = slots.all.get(index) {
                moved.index.store(index, Relaxed);
            }
        }
        if slot.signal() == Signal::Close {
            slots.closing -= 1;
        }
        // It may still be among the idle ones.
        slot.idle_since.store(BUSY, Release);
        drop(slots);
        self.open.send_modify(|open| *open -= 1);
    }

    /// The client of `slot` does not read, and `bytes` wait for it.
    pub fn mark_blocked(&self, slot: &ConnectionSlot, bytes: usize) {
        let before = slot.set_unsent(bytes);
        slot.idle_since.store(BUSY, Release);
        let is_new = slot.blocked_since.load(Relaxed) == 0;
        if is_new {
            slot.blocked_since.store(self.totals.now(), Relaxed);
        }
        let is_over = self.totals.unsent.load(Relaxed) > self.unsent_limit;
        if (is_new || bytes > before) && is_over {
            self.abort_slow_readers();
        }
    }

    pub fn count_aborted(&self) {
        self.aborted.fetch_add(1, Relaxed);
    }

    /// Aborts the connections that have not read for longest, until the rest is below the limit of unsent bytes.
    fn abort_slow_readers(&self) {
        let slots = self.lock_slots();
        let blocked = slots.all.iter().map(|slot| (slot.blocked_since.load(Relaxed), slot));
        let (aborting, mut blocked): (Vec<_>, Vec<_>) = blocked
            .filter(|(since, _)| *since > 0)
            .partition(|(_, slot)| slot.signal() == Signal::Abort);
        // The bytes of those that are aborting already are about to be freed.
        let freed: usize = aborting.iter().map(|(_, slot)| slot.pending_bytes()).sum();
        let unsent = self.totals.unsent.load(Relaxed);
        let mut excess = unsent.saturating_sub(self.unsent_limit).saturating_sub(freed);
        blocked.sort_unstable_by_key(|(since, _)| *since);
        for (_, slot) in blocked {
            if excess == 0 {
                break;
            }
            if slot.signal() == Signal::KeepOpen {
                excess = excess.saturating_sub(slot.pending_bytes());
                slot.send_signal(Signal::Abort);
            }
        }
    }

    /// The counts that metrics show.
    pub fn read_stats(&self) -> ConnectionStats {
        ConnectionStats {
            open: *self.open.borrow(),
            limit: self.limit,
            unsent: self.totals.unsent.load(Relaxed),
            closed_idle: self.closed_idle.load(Relaxed),
            refused: self.refused.load(Relaxed),
            aborted: self.aborted.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
