//! Which commits are durable, and what waits for the others.

use super::{Commit, DurabilityCallback, StoreError};
use crate::sync;
use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// The durable number, and callbacks by the commit that they wait for.
pub(super) struct Durability {
    commit: AtomicU64,
    waiting: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    failed: Option<StoreError>,
    waiters: BTreeMap<Commit, Vec<DurabilityCallback>>,
}

impl Durability {
    pub(super) fn new(number: Commit) -> Self {
        Self { commit: AtomicU64::new(number), waiting: Mutex::default() }
    }

    pub(super) fn durable_commit(&self) -> Commit {
        self.commit.load(Ordering::Acquire)
    }

    pub(super) fn failure(&self) -> Option<StoreError> {
        sync::lock(&self.waiting).failed.clone()
    }

    /// Calls `callback` once `commit` is durable or never will be.
    pub(super) fn on_durable(&self, commit: Commit, callback: DurabilityCallback) {
        if commit <= self.durable_commit() {
            return callback(Ok(()));
        }
        let mut waiting = sync::lock(&self.waiting);
        // The durable commit advances under this lock, so no callback is added after the release that
        // would have called it.
        if commit <= self.durable_commit() {
            drop(waiting);
            return callback(Ok(()));
        }
        if let Some(error) = waiting.failed.clone() {
            drop(waiting);
            return callback(Err(error));
        }
        waiting.waiters.entry(commit).or_default().push(callback);
    }

    /// Everything up to `commit` is durable.
    pub(super) fn advance_to(&self, commit: Commit) {
        let released = {
            let mut waiting = sync::lock(&self.waiting);
            self.commit.fetch_max(commit, Ordering::AcqRel);
            let later = waiting.waiters.split_off(&commit.saturating_add(1));
            std::mem::replace(&mut waiting.waiters, later)
        };
        run_callbacks(released, &Ok(()));
    }

    /// Nothing more becomes durable. The first reason stays.
    pub(super) fn fail_with(&self, error: StoreError) {
        let (released, error) = {
            let mut waiting = sync::lock(&self.waiting);
            let error = waiting.failed.get_or_insert(error).clone();
            (std::mem::take(&mut waiting.waiters), error)
        };
        run_callbacks(released, &Err(error));
    }
}

/// Runs callbacks in the order of commits. One that panics does not keep the others from running.
fn run_callbacks(
    waiters: BTreeMap<Commit, Vec<DurabilityCallback>>,
    result: &Result<(), StoreError>,
) {
    for callback in waiters.into_values().flatten() {
        if catch_unwind(AssertUnwindSafe(|| callback(result.clone()))).is_err() {
            tracing::error!("a callback of the store panicked");
        }
    }
}

impl fmt::Debug for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durability").field("number", &self.durable_commit()).finish_non_exhaustive()
    }
}
