//! A test bench: a node in this process, and words to deal with it.

use holdfast::{
    actors::{Context, Fault, ListQuery, LocalNode, Node, NodeSettings, Order, Outcome},
    store::{MemoryStore, Store},
    systems,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A node with BookRent on it.
pub struct Bench {
    pub node: LocalNode,
    pub store: MemoryStore,
}

impl Bench {
    pub fn on(store: MemoryStore, settings: NodeSettings) -> Self {
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let node = LocalNode::start(shared, settings, |board| assert!(systems::lay_out("bookrent", board)));
        Self { node: node.expect("the node starts"), store }
    }

    pub async fn ready(self) -> Self {
        eventually(|| self.node.ready()).await;
        self
    }

    pub fn context(&self, name: &str) -> Arc<dyn Context> {
        self.node.contexts().iter().find(|context| context.name().context == name).expect("a context").clone()
    }

    pub async fn enter(&self, context: &str, door: usize, number: Option<u64>, body: Value) -> Result<Outcome, Fault> {
        self.order(context, Order { door, number, body, ..Order::default() }).await
    }

    pub async fn order(&self, context: &str, order: Order) -> Result<Outcome, Fault> {
        self.context(context).enter(order).await
    }

    pub fn see(&self, context: &str, number: u64) -> Option<Value> {
        let seen = self.context(context).read(number).ok()?;
        Some(serde_json::from_slice(&seen.body).expect("JSON"))
    }

    pub async fn register(&self) -> u64 {
        let body = serde_json::json!({ "title": "title01" });
        self.enter("bookrent.book", 0, None, body).await.expect("registered").number
    }

    pub async fn rent(&self, book: u64, user: u64) -> Result<Outcome, Fault> {
        let body = serde_json::json!({ "bookId": book, "userId": user, "address": "분당" });
        self.enter("bookrent.rent", 0, None, body).await
    }

    pub async fn cancel(&self, rent: u64) -> Result<Outcome, Fault> {
        self.enter("bookrent.rent", 1, Some(rent), serde_json::json!({ "status": "Cancel" })).await
    }

    pub fn total(&self, context: &str, filters: &[(&str, &str)]) -> u64 {
        let filters = filters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let query = ListQuery { size: 100, filters, ..ListQuery::default() };
        self.context(context).list(&query).expect("a list").total
    }

    /// Waits until every event has been taken everywhere and no question is open.
    pub async fn settled(&self) {
        let quiet =
            || {
                self.node.contexts().iter().map(|context| context.health()).all(|health| {
                    health.mailbox == 0 && health.waiting == 0 && health.backlog == 0 && health.parked == 0
                })
            };
        eventually(quiet).await;
    }
}

pub fn value(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.body).expect("JSON")
}

/// Waits, by looking again and again, for what will be so; a machine may be slow, but not for ever.
pub async fn eventually(mut so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be so");
}
