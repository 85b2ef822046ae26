//! All who are connected: how many there may be, who makes room for whom, and how much of what was answered may wait
//! for those who do not read it.
//!
//! Every connection has a [`Stay`]. Its worker writes there what it is doing; whoever has to find one that can be
//! spared reads it from any thread. The bound is kept by the listener too, a little higher: what goes beyond waits in the
//! kernel's backlog, so that descriptors never run out by connections.

mod request;

pub use request::{Awaiting, UnderWay};

use futures_util::task::AtomicWaker;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool, AtomicU8, AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    time::Instant,
};
use tokio::sync::watch;

/// The mark of a connection with a request under way, in place of the time since when it has none.
const BUSY: u64 = 0;

/// What a connection is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Stay = 0,
    /// To close, for another one: it has no request under way.
    Leave = 1,
    /// To break off: it does not read what waits for it.
    Break = 2,
}

/// One connection, as all others see it.
#[derive(Debug)]
pub struct Stay {
    /// Since when it has no request under way, in microseconds, or [`BUSY`].
    since: AtomicU64,
    /// When the head of the present request had come.
    began: AtomicU64,
    /// Since when it has not read, or 0.
    blocked: AtomicU64,
    told: AtomicU8,
    /// Bytes that wait for it.
    unsent: AtomicUsize,
    /// Bytes of the present answer that are not even handed over yet, and that nobody else has.
    left: AtomicUsize,
    /// Requests so far.
    requests: AtomicU64,
    under_way: AtomicBool,
    hungry: AtomicBool,
    /// Whether the present request has a body of which nobody has read the end.
    unread: AtomicBool,
    stale: AtomicBool,
    place: AtomicUsize,
    /// Wakes its worker.
    pub waker: AtomicWaker,
    crowd: Arc<Crowd>,
}

/// All connections.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    most_unsent: usize,
    start: Instant,
    all: Mutex<All>,
    unsent: AtomicUsize,
    open: watch::Sender<usize>,
    /// Closed for others, turned away, and broken off for not reading.
    counts: [AtomicU64; 3],
}

#[derive(Debug, Default)]
struct All {
    stays: Vec<Arc<Stay>>,
    /// Those that have been without a request for longest, the longest last, as of some time ago. Whoever has the same
    /// mark still is before all others, because a new mark is always a later one.
    spare: Vec<(u64, Arc<Stay>)>,
    leaving: usize,
}

/// How the connections are doing.
#[derive(Debug, Clone, Copy)]
pub struct CrowdHealth {
    /// Open now.
    pub open: usize,
    /// As many may be.
    pub most: usize,
    /// Bytes that wait for those who do not read.
    pub unsent: usize,
    /// Closed while idle, for a newcomer.
    pub spared: u64,
    /// Newcomers that were turned away because all others were busy.
    pub refused: u64,
    /// Broken off because they did not read.
    pub broken: u64,
}

impl Crowd {
    /// Room for `most` connections, for whom `most_unsent` bytes may wait.
    pub fn new(most: usize, most_unsent: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_unsent,
            start: Instant::now(),
            all: Mutex::default(),
            unsent: AtomicUsize::new(0),
            open: watch::Sender::new(0),
            counts: Default::default(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when no connection is open.
    pub async fn none(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    fn new_stay(self: &Arc<Self>, place: usize) -> Arc<Stay> {
        Arc::new(Stay {
            since: AtomicU64::new(self.now()),
            began: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            told: AtomicU8::new(Told::Stay as u8),
            unsent: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            under_way: AtomicBool::new(false),
            hungry: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            stale: AtomicBool::new(false),
            place: AtomicUsize::new(place),
            waker: AtomicWaker::new(),
            crowd: Arc::clone(self),
        })
    }

    /// The stay of a connection that is turned away at once. It is none of the crowd.
    pub fn stranger(self: &Arc<Self>) -> Arc<Stay> {
        self.open.send_modify(|open| *open += 1);
        self.new_stay(usize::MAX)
    }

    /// Lets a connection in. At the bound, the one that has been without a request for longest is told to leave; `None`
    /// where all are busy.
    pub fn enter(self: &Arc<Self>) -> Option<Arc<Stay>> {
        let mut all = self.all();
        if all.stays.len() - all.leaving >= self.most && !self.make_room(&mut all) {
            self.count(1);
            return None;
        }
        let stay = self.new_stay(all.stays.len());
        all.stays.push(Arc::clone(&stay));
        drop(all);
        self.open.send_modify(|open| *open += 1);
        Some(stay)
    }

    /// Tells one that can be spared to leave.
    fn make_room(&self, all: &mut All) -> bool {
        let free = |since: u64, stay: &Stay| since != BUSY && stay.told() == Told::Stay;
        for looked_anew in [false, true] {
            while let Some((since, stay)) = all.spare.pop() {
                if stay.since.load(Acquire) == since && free(since, &stay) {
                    stay.told.store(Told::Leave as u8, Release);
                    stay.waker.wake();
                    all.leaving += 1;
                    self.count(0);
                    return true;
                }
            }
            if looked_anew {
                break;
            }
            // An eighth at a time: looking costs a step for each, and serves so many newcomers.
            let found = all.stays.iter().map(|stay| (stay.since.load(Acquire), stay));
            let mut found: Vec<_> = found.filter(|(since, stay)| free(*since, stay)).collect();
            found.sort_unstable_by_key(|(since, _)| *since);
            found.truncate(all.stays.len() / 8 + 1);
            all.spare =
                found.into_iter().rev().map(|(since, stay)| (since, Arc::clone(stay))).collect();
        }
        false
    }

    /// `stay` was to leave, and a request has come meanwhile: another one has to.
    fn keep(&self, stay: &Stay) {
        let mut all = self.all();
        if stay.told() == Told::Leave {
            // Its request may have come in part only, and then it has been idle for longest still.
            let was_idle = stay.since.swap(BUSY, AcqRel) != BUSY;
            stay.told.store(Told::Stay as u8, Release);
            all.leaving -= 1;
            self.make_room(&mut all);
            if was_idle {
                stay.since.store(self.now(), Release);
            }
        }
    }

    fn gone(&self, stay: &Stay) {
        stay.waits(0);
        let mut all = self.all();
        let place = stay.place.load(Relaxed);
        if place < all.stays.len() {
            all.stays.swap_remove(place);
            if let Some(moved) = all.stays.get(place) {
                moved.place.store(place, Relaxed);
            }
        }
        if stay.told() == Told::Leave {
            all.leaving -= 1;
        }
        // It may still be listed among those that can be spared.
        stay.since.store(BUSY, Release);
        drop(all);
        self.open.send_modify(|open| *open -= 1);
    }

    /// More waits for those who do not read than may: those that have not for longest are broken off, as many as it takes.
    fn relieve(&self) {
        let all = self.all();
        let blocked = all.stays.iter().map(|stay| (stay.blocked.load(Relaxed), stay));
        let (told, mut blocked): (Vec<_>, Vec<_>) = blocked
            .filter(|(since, _)| *since > 0)
            .partition(|(_, stay)| stay.told() == Told::Break);
        // What waits for those that have been told so already is about to be given back.
        let goes: usize = told.iter().map(|(_, stay)| stay.waiting()).sum();
        let mut over =
            self.unsent.load(Relaxed).saturating_sub(self.most_unsent).saturating_sub(goes);
        blocked.sort_unstable_by_key(|(since, _)| *since);
        for (_, stay) in blocked {
            if over == 0 {
                break;
            }
            if stay.told() == Told::Stay {
                over = over.saturating_sub(stay.waiting());
                stay.told.store(Told::Break as u8, Release);
                stay.waker.wake();
            }
        }
    }

    fn count(&self, place: usize) {
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// How they are doing.
    pub fn health(&self) -> CrowdHealth {
        let [spared, refused, broken] = self.counts.each_ref().map(|count| count.load(Relaxed));
        let (open, unsent) = (*self.open.borrow(), self.unsent.load(Relaxed));
        CrowdHealth { open, most: self.most, unsent, spared, refused, broken }
    }
}

impl Stay {
    /// What it is told to do.
    pub fn told(&self) -> Told {
        match self.told.load(Acquire) {
            0 => Told::Stay,
            1 => Told::Leave,
            _ => Told::Break,
        }
    }

    /// It does not leave, because a request has come.
    pub fn keep(&self) {
        self.crowd.keep(self);
    }

    /// It is gone.
    pub fn gone(&self) {
        self.crowd.gone(self);
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Whether a request is being answered.
    pub fn is_under_way(&self) -> bool {
        self.under_way.load(Relaxed)
    }

    /// Whether the body of a request is awaited.
    pub fn is_hungry(&self) -> bool {
        self.hungry.load(Relaxed)
    }

    /// Whether what comes in is what is left of a body that nobody wants.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Relaxed)
    }

    /// Whether there is any use in reading on: what a client sends behind a request waits until that is answered.
    pub fn may_read(&self) -> bool {
        !self.is_under_way() || self.is_hungry()
    }

    /// Everything that was answered is with the client, and nothing else is under way.
    pub fn settle(&self) {
        self.blocked.store(0, Relaxed);
        self.waits(0);
        if !self.is_under_way() && self.since.load(Relaxed) == BUSY {
            self.since.store(self.crowd.now(), Release);
        }
    }

    /// The client does not read, and `bytes` wait for it.
    pub fn block(&self, bytes: usize) {
        let before = self.waits(bytes);
        self.since.store(BUSY, Release);
        let is_new = self.blocked.load(Relaxed) == 0;
        if is_new {
            self.blocked.store(self.crowd.now(), Relaxed);
        }
        // More may come to wait for one that has not read for long.
        if (is_new || bytes > before) && self.crowd.unsent.load(Relaxed) > self.crowd.most_unsent {
            self.crowd.relieve();
        }
    }

    /// It is broken off.
    pub fn broken(&self) {
        self.crowd.count(2);
    }

    /// `bytes` wait for it; says how many did before.
    fn waits(&self, bytes: usize) -> usize {
        let before = self.unsent.swap(bytes, AcqRel);
        self.crowd.unsent.fetch_add(bytes, Relaxed);
        self.crowd.unsent.fetch_sub(before, Relaxed);
        before
    }

    /// All that is kept for it.
    fn waiting(&self) -> usize {
        self.unsent.load(Relaxed).saturating_add(self.left.load(Relaxed))
    }
}

#[cfg(test)]
mod tests;
