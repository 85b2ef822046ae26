//! A test bench: a node in this process, and words to deal with it.

use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use holdfast::{
    actors::{
        CommandFault, CommandRequest, Context, Fault, GuardSettings, IdempotencyKey, ListQuery,
        LocalNode, Node, NodeBuilder, NodeSettings, Outcome,
    },
    store::{MemoryStore, Store},
    systems,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Lays contexts out on a node.
pub type LayOut = fn(&mut NodeBuilder<'_>);

/// BookRent.
pub fn bookrent(board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out("bookrent", board));
}

/// No test has more of anything.
const MOST: u64 = 20;

/// That it is so, or why not.
pub fn ensure(is_so: bool, why: String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(why) }
}

/// What is seen under a number.
pub fn find(among: &[(u64, Value)], number: u64) -> Value {
    let found = among.iter().find(|(of, _)| *of == number);
    found.map(|(_, shown)| shown.clone()).unwrap_or_default()
}

/// A node and its store.
pub struct Bench {
    pub node: LocalNode,
    pub store: MemoryStore,
}

impl Bench {
    pub fn of(
        store: MemoryStore,
        settings: NodeSettings,
        lay_out: impl FnOnce(&mut NodeBuilder<'_>),
    ) -> Self {
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let node = LocalNode::start(shared, settings, lay_out);
        Self { node: node.expect("the node starts"), store }
    }

    /// A node with BookRent on it.
    pub fn on(store: MemoryStore, settings: NodeSettings) -> Self {
        Self::of(store, settings, bookrent)
    }

    pub async fn ready(self) -> Self {
        eventually(|| self.node.is_ready()).await;
        self
    }

    /// The process ends and another finds what was durable.
    pub async fn crashed(self, settings: NodeSettings, lay_out: LayOut) -> Self {
        Self::of(self.store.crash(), settings, lay_out).ready().await
    }

    pub fn context(&self, name: &str) -> Arc<dyn Context> {
        self.node
            .contexts()
            .iter()
            .find(|context| context.name().context == name)
            .expect("a context")
            .clone()
    }

    pub async fn enter(
        &self,
        context: &str,
        route: usize,
        number: Option<u64>,
        body: Value,
    ) -> Result<Outcome, Fault> {
        self.order(context, CommandRequest { route, number, body, ..CommandRequest::default() })
            .await
    }

    pub async fn order(&self, context: &str, order: CommandRequest) -> Result<Outcome, Fault> {
        self.send(context, order).await
    }

    /// Sends a command; its answer can be waited for elsewhere.
    pub fn send(
        &self,
        context: &str,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, Fault>> {
        let entered = self.context(context).execute_command(order);
        entered.map_err(|CommandFault { fault, .. }| fault).boxed()
    }

    pub fn see(&self, context: &str, number: u64) -> Option<Value> {
        let seen = self.context(context).read_item(number).ok()?;
        Some(serde_json::from_slice(&seen.body).expect("JSON"))
    }

    /// Everything of a context that is seen under the first numbers.
    pub fn all(&self, context: &str) -> Vec<(u64, Value)> {
        (1..=MOST).filter_map(|number| Some((number, self.see(context, number)?))).collect()
    }

    pub async fn register(&self) -> u64 {
        let body = json!({ "title": "title01" });
        self.enter("bookrent.book", 0, None, body).await.expect("registered").number
    }

    pub async fn rent(&self, book: u64, user: u64) -> Result<Outcome, Fault> {
        self.order("bookrent.rent", rent(book, user)).await
    }

    pub async fn cancel(&self, rent: u64) -> Result<Outcome, Fault> {
        self.enter("bookrent.rent", 1, Some(rent), json!({ "status": "Cancel" })).await
    }

    pub fn total(&self, context: &str, filters: &[(&str, &str)]) -> u64 {
        let filters =
            filters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let query = ListQuery { size: 100, filters, ..ListQuery::default() };
        self.context(context).list_items(&query).expect("a list").total
    }

    /// Whether no context has mail, waits, is late or has parked something.
    pub fn is_quiet(&self) -> bool {
        self.node.contexts().iter().map(|context| context.health()).all(|health| {
            health.mailbox == 0 && health.waiting == 0 && health.backlog == 0 && health.parked == 0
        })
    }

    /// Waits until the world is quiet and right; panics with what is wrong if it never is.
    pub async fn becomes_consistent(&self, right: impl Fn(&Self) -> Result<(), String>) {
        let mut wrong = None;
        for _ in 0..4000 {
            wrong = if self.is_quiet() {
                right(self).err()
            } else {
                Some("a context is still busy".to_owned())
            };
            if wrong.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let health: Vec<_> =
            self.node.contexts().iter().map(|context| format!("{:?}", context.health())).collect();
        panic!("it never came right: {wrong:?}\n{}", health.join("\n"));
    }

    /// The names of the events of the saga that `context` began under `number`, in all contexts.
    pub fn events(&self, context: &str, number: u64) -> Vec<String> {
        let told = self
            .node
            .contexts()
            .iter()
            .flat_map(|each| each.saga_part(context, number, 0, 1000).expect("a saga").entries);
        told.map(|entry| entry.what).collect()
    }
}

/// An order for a rent.
pub fn rent(book: u64, user: u64) -> CommandRequest {
    let body = json!({ "bookId": book, "userId": user, "address": "분당" });
    CommandRequest { body, ..CommandRequest::default() }
}

/// The same order under an idempotency key.
pub fn under(key: &str, order: &CommandRequest) -> CommandRequest {
    let idempotency = Some(IdempotencyKey::new(key));
    CommandRequest { idempotency, ..order.clone() }
}

/// Settings under which `context` is asked through `guard`.
pub fn guarded(context: &str, guard: GuardSettings) -> NodeSettings {
    NodeSettings {
        guards: BTreeMap::from([(context.to_owned(), guard)]),
        ..NodeSettings::default()
    }
}

/// A guard that gives up soon.
pub fn hasty(millis: u64) -> GuardSettings {
    GuardSettings { timeout: Duration::from_millis(millis), ..GuardSettings::default() }
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
