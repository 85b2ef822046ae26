//! What the store has found damaged while it runs, for health, log and metrics.

use crate::store::{StoreError, lock};
use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// Damage that has been found.
#[derive(Debug, Default)]
pub struct DamageLog {
    count: AtomicU64,
    last: Mutex<Option<String>>,
}

impl DamageLog {
    /// Takes note of what is damaged in `tree`; the same thing again is counted, and not said again.
    pub fn report(&self, tree: &str, what: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        // What sled says names no tree.
        let what = if what.contains(tree) { what.to_owned() } else { format!("`{tree}`: {what}") };
        let mut last = lock(&self.last);
        if last.as_ref() != Some(&what) {
            tracing::error!(damage = what, "the store is damaged: restore a backup");
            *last = Some(what);
        }
    }

    /// Takes note of damage among the outcomes of reading.
    pub fn report_if_damaged<T>(
        &self,
        tree: &str,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        outcome.inspect_err(|error| {
            if let StoreError::Damaged(what) = error {
                self.report(tree, what);
            }
        })
    }

    /// How often, and what the last time.
    pub fn summary(&self) -> (u64, Option<String>) {
        (self.count.load(Ordering::Relaxed), lock(&self.last).clone())
    }
}
