//! The behavior of a view: events become rows.
//!
//! A rebuild writes the next generation of the table next to the shown one, from the first event on. Once it has caught
//! up it is shown, and the old one is purged. Readers see a complete table at any time.

use crate::{
    actors::{
        erased::AnyState,
        port::{fault::Fault, health::ParkedId, status::ContextStatus},
        subscription::{
            progress::SubscriptionProgress,
            subscriptions::{EventDelivery, Subscriptions},
        },
        tables::{counters::Counters, tree::Tree},
    },
    store::{Commit, Epoch, StoreError, keys::Space},
};
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, SeqCst},
};
use tokio::sync::oneshot;

/// Marks the positions of a new generation while the parked events of the old one are purged. No
/// source has this name.
pub(super) const CLEARING: &str = "";

pub(super) fn is_clearing(meta: &Counters) -> bool {
    meta.building.as_ref().is_some_and(|(_, positions)| positions.contains_key(CLEARING))
}

/// How an event changes a row.
pub type RowChange = Box<dyn FnOnce(&mut dyn AnyState) + Send>;

/// A message to a view.
pub enum ViewMail {
    /// Events of a source.
    Delivery(EventDelivery<RowChange>),
    /// Parked events or logs may be due.
    Wake,
    /// Rebuild the table.
    Rebuild(oneshot::Sender<Result<(), Fault>>),
    /// An operator retries (`redrive`) or drops a parked event.
    Unpark { parked: ParkedId, redrive: bool, done: oneshot::Sender<Result<(), Fault>> },
}

/// The behavior of a view.
pub struct ViewBehavior {
    pub tree: Tree,
    pub shared: Arc<ContextStatus>,
    pub subscriptions: Subscriptions<RowChange>,
    pub(super) epoch: Epoch,
    pub(super) counters: Counters,
    /// The commit that wrote the counters.
    pub(super) counters_commit: Commit,
    pub(super) has_more: bool,
    /// How far the rows of older generations are purged; deleted rows make scans slow.
    pub(super) purged: [Vec<u8>; 3],
}

/// Where the rows of older generations begin, and the parked events.
pub(super) fn purge_start() -> [Vec<u8>; 3] {
    [vec![Space::State as u8], vec![Space::Index as u8], vec![Space::Parked as u8]]
}

/// The generation that is shown.
pub fn stored_generation(tree: &Tree) -> Result<u32, StoreError> {
    Ok(tree.read_counters()?.0.generation)
}

/// Answers an operator once a turn is accepted.
pub struct ViewEffect {
    pub(super) place: usize,
    pub(super) answer: Result<(), Fault>,
}

/// How an accepted turn changes the cache.
pub struct ViewCacheUpdate {
    pub(super) counters: Counters,
    pub(super) progress: SubscriptionProgress,
    pub(super) clears_parked: bool,
    pub(super) purged: [Vec<u8>; 3],
}

impl ViewBehavior {
    pub fn new(
        tree: Tree,
        shared: Arc<ContextStatus>,
        subscriptions: Subscriptions<RowChange>,
    ) -> Self {
        Self {
            tree,
            shared,
            subscriptions,
            epoch: Epoch(0),
            counters: Counters::default(),
            counters_commit: 0,
            has_more: true,
            purged: purge_start(),
        }
    }

    pub(super) fn publish_health(&self) {
        self.shared.generation.store(self.counters.generation, SeqCst);
        self.shared.parked.store(self.subscriptions.parked_count(), Relaxed);
        self.shared.last_sequence.store(self.counters.last_sequence, Relaxed);
    }
}
