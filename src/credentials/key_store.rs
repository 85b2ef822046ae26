//! Where API keys are kept: a tree of the node, all of it in memory as well.

use super::{
    api_key::{ApiKey, BadKey, KeyId, KeyText, NewKey, NoRandomness},
    ended::{Ended, EndedLog},
};
use crate::{
    actors::{Machine, NodeTree},
    domain::Timestamp,
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space},
        paging::Pages,
    },
    sync,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};
use tokio::sync::Mutex;

/// The tree that they are kept in.
const TREE: &str = "holdfast.keys";
/// So many may be kept, revoked ones among them.
const MOST: usize = 10_000;
/// So many rows are read at once.
const PAGE: usize = 1000;
const VERSION: u16 = 1;

/// Why a key was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// It cannot be made so.
    #[error(transparent)]
    Bad(#[from] BadKey),
    /// There is none with this id.
    #[error("there is no key with this id")]
    Unknown,
    /// There are too many.
    #[error("{MOST} keys are kept; revoke some that ended long ago")]
    TooMany,
    /// No secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The API keys of this node.
#[derive(Debug)]
pub struct KeyStore {
    rows: NodeTree,
    machine: Machine,
    all: RwLock<BTreeMap<KeyId, ApiKey>>,
    /// Held while a row is written.
    writing: Mutex<()>,
    ended: Arc<EndedLog>,
}

fn row_key(id: &KeyId) -> Vec<u8> {
    KeyBuf::new(Space::State).text(id.as_str()).build()
}

impl KeyStore {
    /// Reads the keys of a store, which end by the clock of `machine`. A damaged one opens nothing, and is reported.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(store: &Arc<dyn Store>, machine: Machine) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let mut all = BTreeMap::new();
        let mut pages = Pages::over_scan(Scan::space(Space::State, PAGE));
        while let Some(page) = rows.next_page(&mut pages, 1)? {
            for (_, row) in &page {
                match codec::decode::<ApiKey>(Space::State, &row.record) {
                    Ok(key) => drop(all.insert(key.id.clone(), key)),
                    Err(StoreError::Damaged(what)) => {
                        tracing::error!(what, "an API key is damaged and opens nothing");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let writing = Mutex::default();
        Ok(Self { rows, machine, all: RwLock::new(all), writing, ended: Arc::default() })
    }

    /// What is revoked is written to `ended`.
    #[must_use]
    pub fn reporting_to(self, ended: Arc<EndedLog>) -> Self {
        Self { ended, ..self }
    }

    /// Those that there are, in the order of their ids.
    pub fn list(&self) -> Vec<ApiKey> {
        sync::read(&self.all).values().cloned().collect()
    }

    /// The time that keys end by.
    pub fn now(&self) -> Timestamp {
        self.machine.now()
    }

    /// The key with this id.
    pub fn find(&self, id: &KeyId) -> Option<ApiKey> {
        sync::read(&self.all).get(id).cloned()
    }

    /// Makes one. Its text is not kept, and cannot be had again.
    ///
    /// # Errors
    /// [`KeyStoreError`]
    pub async fn add(&self, about: NewKey) -> Result<KeyText, KeyStoreError> {
        let now = self.now();
        about.check(now)?;
        let text = KeyText::generate()?;
        let _writing = self.writing.lock().await;
        if sync::read(&self.all).len() >= MOST {
            return Err(KeyStoreError::TooMany);
        }
        self.write(ApiKey::new(&text, about, now)).await?;
        Ok(text)
    }

    /// Ends the key with this id, durably and at once. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`KeyStoreError`]
    pub async fn revoke(&self, id: &KeyId) -> Result<ApiKey, KeyStoreError> {
        let _writing = self.writing.lock().await;
        let mut key = self.find(id).ok_or(KeyStoreError::Unknown)?;
        if key.revoked.is_none() {
            key.revoked = Some(self.now());
            self.write(key.clone()).await?;
            self.ended.push(Ended::Key(key.id.clone()));
        }
        Ok(key)
    }

    async fn write(&self, key: ApiKey) -> Result<(), StoreError> {
        let record = codec::encode(Space::State, VERSION, &key)?;
        self.rows.write_durably(row_key(&key.id), Some(record)).await?;
        sync::write(&self.all).insert(key.id.clone(), key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Role, store::MemoryStore};

    fn about(name: &str) -> NewKey {
        NewKey { name: name.into(), roles: vec![Role::Staff], ..NewKey::default() }
    }

    const NOW: Timestamp = Timestamp::from_micros(7);

    fn machine() -> Machine {
        Machine::new(|| NOW, || 0)
    }

    #[tokio::test]
    async fn a_key_outlives_a_restart_and_a_revocation_does_too() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let keys = KeyStore::open(&store, machine()).unwrap();
        let till = keys.add(about("till")).await.unwrap();
        let lost = keys.add(about("lost")).await.unwrap();
        keys.revoke(&lost.id).await.unwrap();
        let reopened = KeyStore::open(&store, machine()).unwrap();
        for keys in [&keys, &reopened] {
            assert!(keys.find(&till.id).is_some_and(|key| key.is_shown_by(&till)));
            assert!(keys.find(&till.id).is_some_and(|key| key.is_valid(NOW)));
            assert!(keys.find(&lost.id).is_some_and(|key| !key.is_valid(NOW)));
            assert_eq!(keys.list().len(), 2);
        }
        let unknown = KeyId::parse("aaaaaaaaaaaa").unwrap();
        let revoked = reopened.revoke(&unknown).await;
        assert!(matches!(revoked, Err(KeyStoreError::Unknown)));
        let bad = reopened.add(about("")).await;
        assert!(matches!(bad, Err(KeyStoreError::Bad(BadKey::Name))));
    }

    #[tokio::test]
    async fn a_damaged_key_opens_nothing_and_costs_no_other() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let keys = KeyStore::open(&store, machine()).unwrap();
        let till = keys.add(about("till")).await.unwrap();
        let other = keys.add(about("other")).await.unwrap();
        memory.damage_row(TREE, &row_key(&till.id), Some(vec![1, 2, 3]));
        let reopened = KeyStore::open(&store, machine()).unwrap();
        assert_eq!(reopened.find(&till.id), None);
        assert!(reopened.find(&other.id).is_some());
    }
}
