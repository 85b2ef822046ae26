//! What one turn of a context changes about its subscriptions.

use super::source::Recipient;
use crate::{
    actors::{
        port::safeguard::Safeguard,
        tables::{log::Envelope, parked::ParkedRow},
    },
    store::StoreError,
};
use std::collections::BTreeMap;

/// What one turn changes about the subscriptions.
#[derive(Default)]
pub struct SubscriptionProgress {
    /// The positions after the turn, by source.
    pub positions: BTreeMap<String, u64>,
    /// What is parked, by subscription and aggregate: how many events, and the first one.
    pub(super) newly_parked: BTreeMap<(usize, u64), (u64, u64)>,
    /// What is retried or dropped, by subscription and aggregate.
    pub(super) retried: BTreeMap<(usize, u64), Retried>,
    /// How many events were retried.
    pub(super) tries: usize,
    /// Whether the log of a source could be read.
    pub(super) read: BTreeMap<usize, bool>,
    /// There are more events than a turn takes.
    pub more: bool,
}

/// What became of a parked queue.
pub(super) struct Retried {
    pub(super) taken: u64,
    /// Its first event now, if any is left.
    pub(super) first: Option<u64>,
    /// How often that event has failed, if it has.
    pub(super) failed: Option<u32>,
}

/// A turn that applies events.
pub trait Listener<T> {
    /// Whether its context does what this says.
    fn does(&self, _safeguard: Safeguard) -> bool {
        true
    }
    /// An event is about to be applied: a crash costs that event only.
    fn before_applying(&self) {}
    /// What it has changed so far.
    fn progress(&mut self) -> &mut SubscriptionProgress;
    /// Applies what one event means for one aggregate or row, or returns why that fails.
    fn apply_event(
        &mut self,
        source: &'static str,
        envelope: &Envelope,
        whose: Recipient,
        what: T,
    ) -> Result<Result<(), String>, StoreError>;
    /// Reports damage in what is read.
    fn report_damage(&mut self, what: &str);
    /// Writes the row of a parked event, or removes it.
    fn write_parked(&mut self, key: Vec<u8>, row: Option<ParkedRow>) -> Result<(), StoreError>;
    /// The first `limit` parked sequences of a source's aggregate, as they were before this turn.
    fn list_parked(
        &self,
        source: &str,
        aggregate: u64,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;
}

impl SubscriptionProgress {
    /// A turn that begins at these positions.
    pub fn from(positions: &BTreeMap<String, u64>) -> Self {
        Self { positions: positions.clone(), ..Self::default() }
    }
    pub(super) fn has_retried(&self, subscription: usize, aggregate: u64) -> bool {
        self.retried.contains_key(&(subscription, aggregate))
    }
    /// The position in the log of `source`.
    pub fn position(&self, source: &str) -> u64 {
        self.positions.get(source).copied().unwrap_or(0)
    }
}
