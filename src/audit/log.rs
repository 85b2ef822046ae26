//! Where the audit is kept: a tree of the node.

use super::entry::{ActionOutcome, AuditEntry, AuditLine};
use crate::{
    actors::{Machine, NodeTree},
    domain::Timestamp,
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space, key_after, last_number},
        paging::Pages,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// The tree that it is kept in.
const TREE: &str = "holdfast.audit";
/// So many lines are kept; the oldest give way to new ones.
const MOST: u64 = 1_000_000;
const VERSION: u16 = 1;

/// The audit of this node.
#[derive(Debug)]
pub struct AuditLog {
    rows: NodeTree,
    store: Arc<dyn Store>,
    machine: Machine,
    next: AtomicU64,
    most: u64,
}

/// A line whose outcome is not known yet.
#[derive(Debug)]
pub struct OpenEntry {
    number: u64,
    entry: AuditEntry,
}

fn row_key(number: u64) -> Vec<u8> {
    KeyBuf::new(Space::State).number(number).build()
}

impl AuditLog {
    /// Opens the audit of a store. Its lines have the time of `machine`.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(store: &Arc<dyn Store>, machine: Machine) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let last = rows.read_last(Scan::space(Space::State, 1))?;
        let last = last.and_then(|(key, _)| last_number(&key)).unwrap_or(0);
        Ok(Self {
            rows,
            store: Arc::clone(store),
            machine,
            next: AtomicU64::new(last + 1),
            most: MOST,
        })
    }

    /// The time of lines.
    pub fn now(&self) -> Timestamp {
        self.machine.now()
    }

    /// Whether the disk has room for more than what must be written.
    pub fn has_room(&self) -> bool {
        !self.store.is_full()
    }

    /// Writes down what begins, and is done once a power cut cannot take that back. Nothing may be done before.
    ///
    /// # Errors
    /// The error of the store: then the action must not be taken.
    pub async fn begin(&self, entry: AuditEntry) -> Result<OpenEntry, StoreError> {
        let number = self.next.fetch_add(1, Relaxed);
        let record = codec::encode(Space::State, VERSION, &entry)?;
        self.rows.write_durably(row_key(number), Some(record)).await?;
        if let Some(oldest) = number.checked_sub(self.most).filter(|oldest| *oldest > 0) {
            self.rows.write_row(row_key(oldest), None).await?;
        }
        Ok(OpenEntry { number, entry })
    }

    /// Writes down how it ended.
    ///
    /// # Errors
    /// The error of the store: then the line says that the outcome is not known.
    pub async fn finish(&self, open: OpenEntry, outcome: ActionOutcome) -> Result<(), StoreError> {
        let OpenEntry { number, entry } = open;
        let ActionOutcome { status, problem, made, owner } = outcome;
        let entry = AuditEntry { status: Some(status), problem, made, owner, ..entry };
        let record = codec::encode(Space::State, VERSION, &entry)?;
        self.rows.write_row(row_key(number), Some(record)).await
    }

    /// At most `limit` lines after the one of this number, in their order.
    ///
    /// # Errors
    /// [`StoreError`], but no damage.
    pub fn list(&self, after: u64, limit: usize) -> Result<Vec<AuditLine>, StoreError> {
        let mut scan = Scan::space(Space::State, limit);
        scan.from = key_after(&row_key(after));
        let mut found = Vec::new();
        let mut pages = Pages::over_scan(scan);
        while found.len() < limit
            && let Some(rows) = self.rows.next_page(&mut pages, 1)?
        {
            for (key, row) in &rows {
                let Some(number) = last_number(key) else { continue };
                let entry = match codec::decode(Space::State, &row.record) {
                    Err(StoreError::Damaged(what)) => Err(what),
                    read => Ok(read?),
                };
                found.push(AuditLine { number, entry });
            }
            pages.set_limit(limit.saturating_sub(found.len()).max(1));
        }
        found.truncate(limit);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Principal, store::MemoryStore};

    fn entry(subject: &str) -> AuditEntry {
        let who =
            Principal { issuer: "key".into(), subject: subject.into(), ..Principal::default() };
        AuditEntry::new(&who, Timestamp::from_micros(7), "POST", "/admin/contexts/a.b/stop")
    }

    fn numbers(log: &AuditLog, after: u64, limit: usize) -> Vec<u64> {
        log.list(after, limit).unwrap().iter().map(|line| line.number).collect()
    }

    #[tokio::test]
    async fn a_line_is_there_before_the_action_and_says_later_how_it_ended() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let log = AuditLog::open(&store, Machine::default()).unwrap();
        let open = log.begin(entry("a")).await.unwrap();
        assert_eq!(log.list(0, 9).unwrap()[0].entry, Ok(entry("a")));
        let made = Some("/bookrent/books/1".to_owned());
        let problem = Some("held".to_owned());
        let owner = Some("7".to_owned());
        let outcome = ActionOutcome { status: 409, problem, made: made.clone(), owner };
        log.finish(open, outcome).await.unwrap();
        let reopened = AuditLog::open(&store, Machine::default()).unwrap();
        let ended = AuditEntry {
            status: Some(409),
            problem: Some("held".into()),
            made,
            owner: Some("7".into()),
            ..entry("a")
        };
        assert_eq!(reopened.list(0, 9).unwrap()[0].entry, Ok(ended));
        reopened.begin(entry("b")).await.unwrap();
        assert_eq!(numbers(&reopened, 0, 9), [1, 2]);
    }

    #[tokio::test]
    async fn lines_come_page_by_page_and_the_oldest_give_way() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let log = AuditLog { most: 3, ..AuditLog::open(&store, Machine::default()).unwrap() };
        for _ in 0..5 {
            log.begin(entry("a")).await.unwrap();
        }
        assert_eq!(numbers(&log, 0, 2), [3, 4]);
        assert_eq!(numbers(&log, 4, 2), [5]);
        assert!(numbers(&log, 5, 2).is_empty());
    }

    #[tokio::test]
    async fn a_damaged_line_is_named_among_the_others() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let log = AuditLog::open(&store, Machine::default()).unwrap();
        for _ in 0..3 {
            log.begin(entry("a")).await.unwrap();
        }
        memory.damage_row(TREE, &row_key(2), Some(vec![1, 2, 3]));
        let lines = log.list(0, 9).unwrap();
        assert_eq!(numbers(&log, 0, 9), [1, 2, 3]);
        assert!(lines[1].entry.is_err() && lines[2].entry.is_ok());
    }
}
