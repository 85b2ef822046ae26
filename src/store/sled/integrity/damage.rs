//! What the store has found damaged while it runs, for health, log and metrics.

use crate::{store::StoreError, sync};
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
    /// Reports damage in `tree`. The same damage again is counted, and not logged again.
    pub fn report_damage(&self, tree: &str, what: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        // sled's messages do not name the tree.
        let what = if what.contains(tree) { what.to_owned() } else { format!("`{tree}`: {what}") };
        let mut last = sync::lock(&self.last);
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
                self.report_damage(tree, what);
            }
        })
    }

    /// How often, and what the last time.
    pub fn summary(&self) -> (u64, Option<String>) {
        (self.count.load(Ordering::Relaxed), sync::lock(&self.last).clone())
    }
}
