//! Rows that a crash takes back.

use std::collections::BTreeMap;

/// A key space of one context. Each change names its commit, so that a crash can take back what was not on the disk.
pub struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// What was there before each change.
    journal: Vec<(u64, K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), journal: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }
    pub fn put(&mut self, commit: u64, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.journal.push((commit, key, before));
    }
    pub fn remove(&mut self, commit: u64, key: &K) {
        if let Some(before) = self.rows.remove(key) {
            self.journal.push((commit, key.clone(), Some(before)));
        }
    }
    pub fn clear(&mut self, commit: u64) {
        while let Some((key, before)) = self.rows.pop_first() {
            self.journal.push((commit, key, Some(before)));
        }
    }
    /// Everything after commit `to` has never been.
    pub fn roll_back(&mut self, to: u64) {
        while self.journal.last().is_some_and(|(commit, ..)| *commit > to) {
            match self.journal.pop() {
                Some((_, key, Some(before))) => drop(self.rows.insert(key, before)),
                Some((_, key, None)) => drop(self.rows.remove(&key)),
                None => return,
            }
        }
    }
}
