//! What of a connection is busy with a request: from its head to the end of its answer, and while its body is awaited.

use crate::http::middleware::admission::{BUSY, Stay};
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, Release},
};

/// A request from the moment in which its head has come until its answer has been handed over.
#[derive(Debug)]
pub struct UnderWay {
    stay: Arc<Stay>,
    /// Of the answer, what is not handed over yet.
    left: usize,
}

impl UnderWay {
    /// A request has come, with a body or without.
    pub fn begin(stay: Arc<Stay>, has_body: bool) -> Self {
        stay.began.store(stay.crowd.now(), Relaxed);
        stay.since.store(BUSY, Release);
        stay.requests.fetch_add(1, Relaxed);
        stay.under_way.store(true, Relaxed);
        stay.unread.store(has_body, Relaxed);
        Self { stay, left: 0 }
    }

    /// So many bytes of the answer are not handed over yet.
    pub fn left(&mut self, left: usize) {
        self.stay.crowd.unsent.fetch_add(left, Relaxed);
        self.stay.crowd.unsent.fetch_sub(self.left, Relaxed);
        self.stay.left.store(left, Relaxed);
        self.left = left;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.left(0);
        self.stay.stale.store(self.stay.unread.load(Relaxed), Relaxed);
        self.stay.under_way.store(false, Relaxed);
    }
}

/// A request whose body is awaited. Nothing has been done for it yet, so it is not in the way of leaving.
#[derive(Debug)]
pub struct Awaiting(Arc<Stay>);

impl Awaiting {
    /// The body is awaited until this is dropped.
    pub fn begin(stay: Arc<Stay>) -> Self {
        stay.since.store(stay.began.load(Relaxed), Release);
        stay.hungry.store(true, Relaxed);
        Self(stay)
    }

    /// The body has come.
    pub fn is_whole(&self) {
        self.0.unread.store(false, Relaxed);
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        self.0.hungry.store(false, Relaxed);
        self.0.since.store(BUSY, Release);
    }
}
