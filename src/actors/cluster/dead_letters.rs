//! Messages from outside that could not be handled, kept until an operator looks at them.

use crate::{
    actors::{port::fault::Fault, tables::node_tree::NodeTree},
    domain::Timestamp,
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space, last_number},
        paging::Pages,
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
/// The tree that they are kept in.
const TREE: &str = "holdfast.letters";

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

/// A dead letter by its number; why it cannot be read, if its row is damaged.
pub type NumberedLetter = (u64, Result<DeadLetter, String>);

/// What outside messages were set aside, for those who operate the node.
pub trait DeadLetters: fmt::Debug + Send + Sync {
    /// All of them, with the number of each.
    ///
    /// # Errors
    /// [`Fault::Store`].
    fn list_letters(&self) -> Result<Vec<NumberedLetter>, Fault>;
    /// Tries one again (`true`), or drops it (`false`). `Ok(false)`: there is none of this number.
    ///
    /// # Errors
    /// [`Fault::Store`], or [`Fault::Refused`] with the reason for which it still cannot be taken.
    fn settle_letter(&self, number: u64, redrive: bool) -> BoxFuture<'_, Result<bool, Fault>>;
}

/// Where letters are kept: a tree of their own.
#[derive(Debug)]
pub struct DeadLetterStore {
    rows: NodeTree,
    next: AtomicU64,
}

impl DeadLetterStore {
    /// Opens the box of a store.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let last = rows.read_last(Scan::space(Space::Parked, 1))?;
        let last = last.and_then(|(key, _)| last_number(&key));
        Ok(Self { rows, next: AtomicU64::new(last.map_or(1, |last| last + 1)) })
    }

    fn letter_key(number: u64) -> Vec<u8> {
        KeyBuf::new(Space::Parked).number(number).build()
    }

    /// All of them, with the number of each.
    ///
    /// # Errors
    /// The error of the store.
    pub fn list_letters(&self) -> Result<Vec<NumberedLetter>, StoreError> {
        let mut letters = Vec::new();
        let mut pages = Pages::over_scan(Scan::space(Space::Parked, MOST));
        while let Some(rows) = self.rows.next_page(&mut pages, 1)? {
            for (key, row) in rows {
                let letter = match codec::decode(Space::Parked, &row.record) {
                    Err(StoreError::Damaged(what)) => Err(what),
                    read => Ok(read?),
                };
                letters.extend(last_number(&key).map(|number| (number, letter)));
            }
        }
        Ok(letters)
    }

    /// Keeps a letter, and is done once a power cut cannot take it back. `Ok(false)`: there is no room.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn keep_letter(&self, letter: &DeadLetter) -> Result<bool, StoreError> {
        if self.list_letters()?.len() >= MOST {
            return Ok(false);
        }
        let bare = || DeadLetter { body: None, headers: BTreeMap::new(), ..letter.clone() };
        let record = codec::encode(Space::Parked, VERSION, letter)
            .or_else(|_| {
                codec::encode(Space::Parked, VERSION, &DeadLetter { body: None, ..letter.clone() })
            })
            .or_else(|_| codec::encode(Space::Parked, VERSION, &bare()))?;
        let number = self.next.fetch_add(1, Relaxed);
        self.rows.write_durably(Self::letter_key(number), Some(record)).await?;
        Ok(true)
    }

    /// Drops a letter.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn remove(&self, number: u64) -> Result<(), StoreError> {
        self.rows.write_durably(Self::letter_key(number), None).await
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
        assert_eq!(
            reopened.list_letters().unwrap(),
            [(1, Ok(letter("a"))), (2, Ok(large.clone()))]
        );
        reopened.remove(1).await.unwrap();
        assert!(reopened.keep_letter(&letter("c")).await.unwrap());
        assert_eq!(reopened.list_letters().unwrap(), [(2, Ok(large)), (3, Ok(letter("c")))]);
    }

    #[tokio::test]
    async fn one_that_is_damaged_or_lost_hides_no_other_and_its_number_is_not_given_again() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let letters = DeadLetterStore::open(&store).unwrap();
        for body in ["a", "b", "c", "d"] {
            letters.keep_letter(&letter(body)).await.unwrap();
        }
        memory.damage_row(TREE, &DeadLetterStore::letter_key(2), Some(vec![1, 2, 3]));
        memory.lose_row(TREE, &DeadLetterStore::letter_key(3));
        let reopened = DeadLetterStore::open(&store).unwrap();
        let all = reopened.list_letters().unwrap();
        assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(all[1].1.is_err() && all[2].1 == Ok(letter("d")));
        reopened.remove(2).await.unwrap();
        assert!(reopened.keep_letter(&letter("e")).await.unwrap());
        let numbers: Vec<_> =
            reopened.list_letters().unwrap().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 4, 5]);
    }
}
