//! Text messages that the gateway refuses, by context and number.

use crate::{
    actors::port::message::RefusedMessage,
    store::{
        Batch, Epoch, Scan, Store, StoreError, TreeId, codec,
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
    store: Arc<dyn Store>,
    tree: TreeId,
    epoch: Epoch,
    count: AtomicU64,
    /// Held while a row is looked at and written.
    writing: Mutex<()>,
}

fn message_key(context: &str, number: u64) -> Vec<u8> {
    KeyBuf::new(Space::Parked).text(context).number(number).build()
}

impl RefusedMessages {
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let tree = store.open_tree(TREE)?;
        let epoch = store.activate(tree)?;
        let refused = Self {
            store: store.clone(),
            tree,
            epoch,
            count: AtomicU64::new(0),
            writing: Mutex::default(),
        };
        // They are counted unread: one that is damaged keeps no server from starting.
        let mut pages = Pages::over_scan(Scan::space(Space::Parked, PAGE));
        while let Some(page) = pages.next(|scan| store.scan(tree, scan))? {
            refused.count.fetch_add(page.len() as u64, Relaxed);
        }
        Ok(refused)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// At most `limit` of those after the one of this context and number.
    pub fn list_messages(
        &self,
        after: Option<(&str, u64)>,
        limit: usize,
    ) -> Result<Vec<RefusedMessage>, StoreError> {
        let mut scan = Scan::space(Space::Parked, limit);
        if let Some((context, number)) = after {
            scan.from = key_after(&message_key(context, number));
        }
        let rows = self.store.scan(self.tree, &scan)?.into_iter();
        rows.map(|(_, row)| codec::decode(Space::Parked, &row.record)).collect()
    }

    /// This one, if it is there.
    pub fn get(&self, context: &str, number: u64) -> Result<Option<RefusedMessage>, StoreError> {
        let rows = self.store.read(self.tree, &[&message_key(context, number)])?;
        let row = rows.into_iter().flatten().next();
        row.map(|row| codec::decode(Space::Parked, &row.record)).transpose()
    }

    /// Keeps one, and is done once a power cut cannot take it back.
    pub async fn keep_message(&self, message: &RefusedMessage) -> Result<(), StoreError> {
        let RefusedMessage { context, number, .. } = message;
        let _writing = self.writing.lock().await;
        let is_new = self.get(context, *number)?.is_none();
        let record = codec::encode(Space::Parked, VERSION, message)?;
        self.write_record(message_key(context, *number), Some(record)).await?;
        self.count.fetch_add(is_new.into(), Relaxed);
        Ok(())
    }

    /// Removes one, if it is there; where an event is named, only if that queued it: it may have been refused again.
    pub async fn remove(
        &self,
        context: &str,
        number: u64,
        event: Option<&str>,
    ) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let found = self.get(context, number)?;
        if found.is_some_and(|found| event.is_none_or(|event| found.event == event)) {
            self.write_record(message_key(context, number), None).await?;
            self.count.fetch_sub(1, Relaxed);
        }
        Ok(())
    }

    async fn write_record(&self, key: Vec<u8>, record: Option<Vec<u8>>) -> Result<(), StoreError> {
        let writes = vec![(key, record)];
        let batch = Batch { tree: self.tree, epoch: self.epoch, expects: Vec::new(), writes };
        self.store.commit(batch).await?;
        self.store.durable(self.store.accepted_commit()).await
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
        assert_eq!(reopened.list_messages(None, 2).unwrap(), all[..2]);
        assert_eq!(reopened.list_messages(Some(("a.text", 2)), 2).unwrap(), all[2..]);
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
    async fn one_that_is_damaged_is_counted_and_keeps_no_server_from_starting() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let refused = RefusedMessages::open(&store).unwrap();
        refused.keep_message(&message("a.text", 1)).await.unwrap();
        refused.write_record(message_key("a.text", 2), Some(vec![1, 2, 3])).await.unwrap();
        let reopened = RefusedMessages::open(&store).unwrap();
        assert_eq!(reopened.count(), 2);
        assert_eq!(reopened.list_messages(None, 1).unwrap(), [message("a.text", 1)]);
        assert!(reopened.list_messages(None, 2).is_err());
    }
}
