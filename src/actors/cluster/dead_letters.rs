//! Messages from outside that could not be handled, kept until an operator looks at them.

use crate::{
    actors::port::fault::Fault,
    domain::Timestamp,
    store::{
        Batch, Epoch, Scan, Store, StoreError, TreeId, codec,
        keys::{KeyBuf, Space, last_number},
    },
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// At most so many are set aside; more wait where they are.
const MOST: usize = 1000;
const VERSION: u16 = 1;

/// A message that could not be taken, as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// When it was set aside.
    pub at: Timestamp,
    /// The queue that it was taken from at last.
    pub queue: String,
    /// Whose event it was meant to be: `bookrent.rent`; empty where no context here listens to that.
    pub context: String,
    /// Why it could not be taken.
    pub reason: String,
    /// Its headers, those that are text.
    pub headers: BTreeMap<String, String>,
    /// Its body; none where it is too large to keep.
    pub body: Option<String>,
}

/// What outside messages were set aside, for those who operate the node.
pub trait DeadLetters: fmt::Debug + Send + Sync {
    /// All of them, with the number of each.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn list_letters(&self) -> Result<Vec<(u64, DeadLetter)>, Fault>;
    /// Tries one again (`true`), or drops it (`false`). `Ok(false)`: there is none of this number.
    ///
    /// # Errors
    /// [`Fault::Store`], or [`Fault::Refused`] with the reason for which it still cannot be taken.
    fn settle_letter(&self, number: u64, redrive: bool) -> BoxFuture<'_, Result<bool, Fault>>;
}

/// Where letters are kept: a tree of their own.
#[derive(Debug)]
pub struct DeadLetterStore {
    store: Arc<dyn Store>,
    tree: TreeId,
    epoch: Epoch,
    next: AtomicU64,
}

impl DeadLetterStore {
    /// Opens the box of a store.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let tree = store.open_tree("holdfast.letters")?;
        let last = store.scan(tree, &Scan::space(Space::Parked, 1).from_the_end())?;
        let next = AtomicU64::new(
            last.first().and_then(|(key, _)| last_number(key)).map_or(1, |last| last + 1),
        );
        Ok(Self { store: store.clone(), tree, epoch: store.activate(tree)?, next })
    }

    fn whole_scan() -> Scan {
        Scan::space(Space::Parked, MOST)
    }
    fn letter_key(number: u64) -> Vec<u8> {
        KeyBuf::new(Space::Parked).number(number).build()
    }

    /// All of them, with the number of each.
    ///
    /// # Errors
    /// The error of the store.
    pub fn list_letters(&self) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        let rows = self.store.scan(self.tree, &Self::whole_scan())?;
        let letters = rows.into_iter().filter_map(|(key, row)| Some((last_number(&key)?, row)));
        letters
            .map(|(number, row)| Ok((number, codec::decode(Space::Parked, &row.record)?)))
            .collect()
    }

    /// Keeps a letter, and is done once a power cut cannot take it back. `Ok(false)`: there is no room.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn keep_letter(&self, letter: &DeadLetter) -> Result<bool, StoreError> {
        if self.store.scan(self.tree, &Self::whole_scan())?.len() >= MOST {
            return Ok(false);
        }
        let bare = || DeadLetter { body: None, headers: BTreeMap::new(), ..letter.clone() };
        let record = codec::encode(Space::Parked, VERSION, letter)
            .or_else(|_| {
                codec::encode(Space::Parked, VERSION, &DeadLetter { body: None, ..letter.clone() })
            })
            .or_else(|_| codec::encode(Space::Parked, VERSION, &bare()))?;
        self.write_record(self.next.fetch_add(1, Relaxed), Some(record)).await?;
        Ok(true)
    }

    /// Drops a letter.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn remove(&self, number: u64) -> Result<(), StoreError> {
        self.write_record(number, None).await
    }

    async fn write_record(&self, number: u64, record: Option<Vec<u8>>) -> Result<(), StoreError> {
        let writes = vec![(Self::letter_key(number), record)];
        let batch = Batch { tree: self.tree, epoch: self.epoch, expects: Vec::new(), writes };
        self.store.commit(batch).await?;
        self.store.durable(self.store.accepted_commit()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn letter(body: &str) -> DeadLetter {
        let headers = BTreeMap::from([("cloudEvents:id".to_owned(), "7".to_owned())]);
        let at = Timestamp::from_micros(7);
        let queue = "queue".into();
        let context = "c".into();
        let reason = "why".into();
        DeadLetter { at, queue, context, reason, headers, body: Some(body.into()) }
    }

    #[tokio::test]
    async fn letters_are_kept_until_they_are_dropped_and_large_ones_without_their_body() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let letters = DeadLetterStore::open(&store).unwrap();
        for body in ["a", &"b".repeat(100_000)] {
            assert!(letters.keep_letter(&letter(body)).await.unwrap());
        }
        let reopened = DeadLetterStore::open(&store).unwrap();
        let large = DeadLetter { body: None, ..letter("") };
        assert_eq!(reopened.list_letters().unwrap(), [(1, letter("a")), (2, large.clone())]);
        reopened.remove(1).await.unwrap();
        assert!(reopened.keep_letter(&letter("c")).await.unwrap());
        assert_eq!(reopened.list_letters().unwrap(), [(2, large), (3, letter("c"))]);
    }
}
