//! One connection, as the other threads see it.

use futures_util::task::AtomicWaker;
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU8, AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    time::Instant,
};

/// In place of the time since when a connection is idle: it has an active request.
pub const BUSY: u64 = 0;

/// What a connection has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    KeepOpen = 0,
    /// Close, because another connection needs the room and this one is idle.
    Close = 1,
    /// Abort, because the client does not read what waits for it.
    Abort = 2,
}

/// What all slots share: the clock, and the sum of the bytes that wait.
#[derive(Debug)]
pub struct Totals {
    pub(super) start: Instant,
    pub(super) unsent: AtomicUsize,
}

impl Totals {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), unsent: AtomicUsize::new(0) }
    }

    /// Microseconds since the server started, at least 1.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Replaces `before` waiting bytes by `now`.
    pub(super) fn change_unsent(&self, before: usize, now: usize) {
        self.unsent.fetch_add(now, Relaxed);
        self.unsent.fetch_sub(before, Relaxed);
    }
}

/// One connection, as the other threads see it.
#[derive(Debug)]
pub struct ConnectionSlot {
    /// Since when it has no active request, in microseconds, or [`BUSY`].
    pub(super) idle_since: AtomicU64,
    /// When the head of the active request had arrived.
    pub(super) began: AtomicU64,
    /// Since when the client has not read, or 0.
    pub(super) blocked_since: AtomicU64,
    signal: AtomicU8,
    /// Bytes that wait for the client.
    unsent: AtomicUsize,
    /// Bytes of the active answer that are not handed to the connection yet, and that no other answer shares.
    pub(super) unsent_body: AtomicUsize,
    pub(super) requests: AtomicU64,
    pub(super) active: AtomicBool,
    pub(super) awaiting_body: AtomicBool,
    /// Whether the body of the active request has not been read to its end.
    pub(super) body_unread: AtomicBool,
    pub(super) discarding_body: AtomicBool,
    pub(super) index: AtomicUsize,
    /// Wakes the worker.
    pub waker: AtomicWaker,
    pub(super) totals: Arc<Totals>,
}

impl ConnectionSlot {
    pub(super) fn new(totals: &Arc<Totals>, index: usize) -> Arc<Self> {
        Arc::new(Self {
            idle_since: AtomicU64::new(totals.now()),
            began: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            signal: AtomicU8::new(Signal::KeepOpen as u8),
            unsent: AtomicUsize::new(0),
            unsent_body: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            active: AtomicBool::new(false),
            awaiting_body: AtomicBool::new(false),
            body_unread: AtomicBool::new(false),
            discarding_body: AtomicBool::new(false),
            index: AtomicUsize::new(index),
            waker: AtomicWaker::new(),
            totals: Arc::clone(totals),
        })
    }

    /// What it has to do.
    pub fn signal(&self) -> Signal {
        match self.signal.load(Acquire) {
            0 => Signal::KeepOpen,
            1 => Signal::Close,
            _ => Signal::Abort,
        }
    }

    pub(super) fn set_signal(&self, signal: Signal) {
        self.signal.store(signal as u8, Release);
    }

    /// Sets the signal, and wakes the worker.
    pub(super) fn send_signal(&self, signal: Signal) {
        self.set_signal(signal);
        self.waker.wake();
    }

    /// How many requests have begun.
    pub fn request_count(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Whether a request is being answered.
    pub fn is_active(&self) -> bool {
        self.active.load(Relaxed)
    }

    /// Whether nothing is under way: what was asked is answered, and the answer has left the process.
    pub fn is_idle(&self) -> bool {
        !self.is_active() && self.idle_since.load(Acquire) != BUSY
    }

    /// Whether a handler waits for the body.
    pub fn awaits_body(&self) -> bool {
        self.awaiting_body.load(Relaxed)
    }

    /// Whether what arrives is the rest of a body that no handler reads.
    pub fn discards_body(&self) -> bool {
        self.discarding_body.load(Relaxed)
    }

    /// Whether to read on: the next request of a client waits until the one before it is answered.
    pub fn may_read(&self) -> bool {
        !self.is_active() || self.awaits_body()
    }

    /// Everything that was answered has left the process.
    pub fn mark_flushed(&self) {
        self.blocked_since.store(0, Relaxed);
        self.set_unsent(0);
        if !self.is_active() && self.idle_since.load(Relaxed) == BUSY {
            self.idle_since.store(self.totals.now(), Release);
        }
    }

    /// Sets how many bytes wait for the client; returns how many did before.
    pub(super) fn set_unsent(&self, bytes: usize) -> usize {
        let before = self.unsent.swap(bytes, AcqRel);
        self.totals.change_unsent(before, bytes);
        before
    }

    /// All bytes that are kept for the client.
    pub(super) fn pending_bytes(&self) -> usize {
        self.unsent.load(Relaxed).saturating_add(self.unsent_body.load(Relaxed))
    }
}
