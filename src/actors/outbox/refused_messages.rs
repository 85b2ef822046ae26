//! Text messages that the gateway refuses, by context and number.

use crate::{
    actors::{
        port::message::{ParkedMessage, RefusedMessage},
        tables::node_tree::NodeTree,
    },
    store::{
        Row, Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space, key_after},
        paging::Pages,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use tokio::sync::Mutex;

/// The tree that they are kept in.
const TREE: &str = "holdfast.refused";
/// So many rows are read at once.
const PAGE: usize = 1000;
const VERSION: u16 = 1;

/// The refused messages of a node.
#[derive(Debug)]
pub struct RefusedMessages {
    rows: NodeTree,
    count: AtomicU64,
    /// Held while a row is looked at and written.
    writing: Mutex<()>,
}

fn message_key(context: &str, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Parked).text(context).number(number).build()
}

/// The context and the number that a key names.
fn parse_key(key: &[u8]) -> Option<(String, u64)> {
    let (rest, number) = key.split_last_chunk::<8>()?;
    // The key space precedes the context, an end mark follows it.
    let context = rest.get(1..rest.len().checked_sub(2)?)?;
    Some((String::from_utf8(context.to_vec()).ok()?, u64::from_be_bytes(*number)))
}

fn decode_message(row: &Row) -> Result<RefusedMessage, StoreError> {
    codec::decode(Space::Parked, &row.record)
}

impl RefusedMessages {
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        // They are counted unread: one that is damaged keeps no server from starting.
        let mut count = 0;
        let mut pages = Pages::over_scan(Scan::space(Space::Parked, PAGE));
        while let Some(page) = rows.next_page(&mut pages, 1)? {
            count += page.len() as u64;
        }
        Ok(Self { rows, count: count.into(), writing: Mutex::default() })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// At most `limit` of those after the one of this context and number; of a damaged one what its key tells.
    pub fn list_messages(
        &self,
        after: Option<(&str, u64)>,
        limit: usize,
    ) -> Result<Vec<ParkedMessage>, StoreError> {
        let mut scan = Scan::space(Space::Parked, limit);
        if let Some((context, number)) = after {
            scan.from = key_after(&message_key(context, number));
        }
        let mut found = Vec::new();
        let mut pages = Pages::over_scan(scan);
        while found.len() < limit
            && let Some(rows) = self.rows.next_page(&mut pages, 1)?
        {
            for (key, row) in &rows {
                // A key that is none names no message.
                let Some((context, number)) = parse_key(key) else { continue };
                let message = match decode_message(row) {
                    Err(StoreError::Damaged(what)) => Err(what),
                    read => Ok(read?),
                };
                found.push(ParkedMessage { context, number, message });
            }
            pages.set_limit(limit.saturating_sub(found.len()).max(1));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// This one, if it is there; why it cannot be read, if it is damaged.
    pub fn get(
        &self,
        context: &str,
        number: u64,
    ) -> Result<Option<Result<RefusedMessage, String>>, StoreError> {
        match self.rows.read_row(&message_key(context, number)) {
            Ok(None) => Ok(None),
            Ok(Some(row)) => match decode_message(&row) {
                Err(StoreError::Damaged(what)) => Ok(Some(Err(what))),
                read => Ok(Some(Ok(read?))),
            },
            Err(StoreError::Damaged(what)) => Ok(Some(Err(what))),
            Err(error) => Err(error),
        }
    }

    /// Keeps one, and is done once a power cut cannot take it back.
    pub async fn keep_message(&self, message: &RefusedMessage) -> Result<(), StoreError> {
        let RefusedMessage { context, number, .. } = message;
        let _writing = self.writing.lock().await;
        let is_new = self.get(context, *number)?.is_none();
        let record = codec::encode(Space::Parked, VERSION, message)?;
        self.rows.write_durably(message_key(context, *number), Some(record)).await?;
        self.count.fetch_add(is_new.into(), Relaxed);
        Ok(())
    }

    /// Removes one, if it is there; where an event is named, only if that queued it: it may have been refused again. A
    /// damaged one does not tell that, and is removed.
    pub async fn remove(
        &self,
        context: &str,
        number: u64,
        event: Option<&str>,
    ) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let is_it = |found: &Result<RefusedMessage, String>| match (found, event) {
            (Ok(found), Some(event)) => found.event == event,
            _ => true,
        };
        if self.get(context, number)?.is_some_and(|found| is_it(&found)) {
            self.rows.write_durably(message_key(context, number), None).await?;
            self.count.fetch_sub(1, Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Timestamp, store::MemoryStore};

    fn message(context: &str, number: u64) -> RefusedMessage {
        RefusedMessage {
            context: context.into(),
            number,
            event: number.to_string(),
            saga: "purifier.rental-7".into(),
            at: Timestamp::from_micros(7),
            reason: "410 Gone".into(),
        }
    }

    #[tokio::test]
    async fn they_are_kept_once_listed_page_by_page_and_removed_once() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let refused = RefusedMessages::open(&store).unwrap();
        let all = [message("a.text", 1), message("a.text", 2), message("b.text", 1)];
        for message in all.iter().chain(&all[..1]) {
            refused.keep_message(message).await.unwrap();
        }
        let reopened = RefusedMessages::open(&store).unwrap();
        assert_eq!((refused.count(), reopened.count()), (3, 3));
        let read = |listed: Vec<ParkedMessage>| {
            listed.into_iter().map(|parked| parked.message.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(read(reopened.list_messages(None, 2).unwrap()), all[..2]);
        assert_eq!(read(reopened.list_messages(Some(("a.text", 2)), 2).unwrap()), all[2..]);
        for _ in 0..2 {
            reopened.remove("a.text", 2, None).await.unwrap();
        }
        assert_eq!((reopened.count(), reopened.get("a.text", 2).unwrap()), (2, None));
        reopened.remove("b.text", 1, Some("an earlier event")).await.unwrap();
        assert_eq!(reopened.count(), 2);
        reopened.remove("b.text", 1, Some("1")).await.unwrap();
        assert_eq!(reopened.count(), 1);
    }

    #[tokio::test]
    async fn one_that_is_damaged_is_named_beside_the_others_and_can_be_dropped() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let refused = RefusedMessages::open(&store).unwrap();
        for number in 1..=3 {
            refused.keep_message(&message("a.text", number)).await.unwrap();
        }
        memory.damage_row(TREE, &message_key("a.text", 2), Some(vec![1, 2, 3]));
        let reopened = RefusedMessages::open(&store).unwrap();
        assert_eq!(reopened.count(), 3);
        for limit in 1..=3 {
            let mut listed = Vec::new();
            while let page = reopened
                .list_messages(
                    listed.last().map(|last: &ParkedMessage| (last.context.as_str(), last.number)),
                    limit,
                )
                .unwrap()
                && !page.is_empty()
            {
                listed.extend(page);
            }
            let numbers: Vec<_> = listed.iter().map(|parked| parked.number).collect();
            assert_eq!(numbers, [1, 2, 3]);
            assert!(listed.iter().all(|parked| parked.context == "a.text"));
            assert!(listed[1].message.is_err() && listed[2].message == Ok(message("a.text", 3)));
        }
        assert!(matches!(reopened.get("a.text", 2), Ok(Some(Err(_)))));
        // It is refused once more, which writes it anew.
        reopened.keep_message(&message("a.text", 2)).await.unwrap();
        assert_eq!(reopened.count(), 3);
        memory.damage_row(TREE, &message_key("a.text", 2), Some(vec![1, 2, 3]));
        reopened.remove("a.text", 2, Some("an event")).await.unwrap();
        assert_eq!((reopened.count(), reopened.get("a.text", 2).unwrap()), (2, None));
    }

    #[tokio::test]
    async fn one_that_is_lost_costs_only_itself() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let refused = RefusedMessages::open(&store).unwrap();
        for number in 1..=3 {
            refused.keep_message(&message("a.t", number)).await.unwrap();
        }
        memory.lose_row(TREE, &message_key("a.t", 2));
        let reopened = RefusedMessages::open(&store).unwrap();
        let listed = reopened.list_messages(None, 9).unwrap();
        let numbers: Vec<_> = listed.iter().map(|parked| parked.number).collect();
        assert_eq!((reopened.count(), numbers), (2, vec![1, 3]));
        reopened.remove("a.t", 2, None).await.unwrap();
        assert_eq!(reopened.get("a.t", 2).unwrap(), None);
    }
}
