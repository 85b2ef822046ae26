//! Many timers that are due at once: what a look at them costs is counted, rows that are gone included.

use super::{bench::eventually, test_system::kiosk};
use holdfast::{
    actors::{CommandRequest, LocalNode, Node, NodeSettings},
    store::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, MemoryStore, Row, Scan, Store,
        StoreError, StoreHealth, TreeId, keys::Space,
    },
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Timers that were removed, each in its tree.
type Removed = BTreeSet<(u32, Vec<u8>)>;

/// A store in memory that counts the timers it has to step over, as a store does that keeps what is removed for a while.
#[derive(Debug)]
struct Counting {
    inner: MemoryStore,
    /// What was removed, and how many steps scans have taken.
    counts: Mutex<(Removed, usize)>,
}

impl Store for Counting {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        self.inner.open_tree(name)
    }
    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.inner.activate(tree)
    }
    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        self.inner.read(tree, keys)
    }
    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let rows = self.inner.scan(tree, scan)?;
        if scan.from.first() == Some(&(Space::Timer as u8)) {
            let end = if rows.len() == scan.limit {
                rows.last().map(|(key, _)| key.clone())
            } else {
                None
            };
            let end = end.unwrap_or_else(|| scan.to.clone());
            let mut counts = self.counts.lock().unwrap();
            let gone = counts
                .0
                .range((tree.0, scan.from.clone())..(tree.0, end.max(scan.from.clone())))
                .count();
            counts.1 += rows.len() + gone;
        }
        Ok(rows)
    }
    fn submit(&self, batch: Batch) -> Result<CommitVerdict, StoreError> {
        let is_timer = |key: &[u8]| key.first() == Some(&(Space::Timer as u8));
        for (key, record) in batch.writes.iter().filter(|(key, _)| is_timer(key)) {
            let mut counts = self.counts.lock().unwrap();
            let key = (batch.tree.0, key.clone());
            match record {
                Some(_) => counts.0.remove(&key),
                None => counts.0.insert(key),
            };
        }
        self.inner.submit(batch)
    }
    fn durable_commit(&self) -> Commit {
        self.inner.durable_commit()
    }
    fn on_durable(&self, commit: Commit, then: DurabilityCallback) {
        self.inner.on_durable(commit, then);
    }
    fn health(&self) -> StoreHealth {
        self.inner.health()
    }
}

/// How many steps it takes to run `many` timers that are due at once, of which some are stuck.
async fn steps(many: usize, stuck: usize) -> usize {
    let store = Arc::new(Counting { inner: MemoryStore::new(), counts: Mutex::default() });
    let shared: Arc<dyn Store> = store.clone();
    let node = LocalNode::start(
        shared,
        NodeSettings { admission: 10_000, ..NodeSettings::default() },
        kiosk,
    )
    .unwrap();
    eventually(|| node.is_ready()).await;
    let orders = node
        .contexts()
        .iter()
        .find(|context| context.name().context == "kiosk.order")
        .unwrap()
        .clone();
    let order = |place: usize| {
        let seat = if place < stuck {
            format!("stuck-of-many-{many}-{place}")
        } else {
            format!("{many}-{place}")
        };
        let body = json!({ "seat": seat, "desk": 1, "asks": 0, "seconds": 600 });
        orders.execute_command(CommandRequest { body, ..CommandRequest::default() })
    };
    for placed in futures_util::future::join_all((0..many).map(order)).await {
        placed.unwrap();
    }
    let before = store.counts.lock().unwrap().1;
    node.advance_clock(Duration::from_secs(601)).expect("not too far");
    let expired = |number: u64| {
        let seen = orders.read_item(number).unwrap();
        serde_json::from_slice::<serde_json::Value>(&seen.body).unwrap()["status"] == "Expired"
    };
    for number in stuck as u64 + 1..=many as u64 {
        eventually(|| expired(number)).await;
    }
    store.counts.lock().unwrap().1 - before
}

#[actix_rt::test]
async fn what_a_timer_costs_does_not_depend_on_how_many_are_due_or_stuck() {
    for (many, stuck) in [(600, 0), (2_400, 0), (2_400, 900)] {
        let steps = steps(many, stuck).await;
        assert!(
            steps <= many * 11 / 10 + 300,
            "{steps} steps for {many} timers, {stuck} of them stuck"
        );
    }
}
