//! Hands the items of a context's log to a sink, in order, and keeps how far each sink has come.

use crate::{
    actors::port::{
        event_log::{EventLog, OutboxHealth},
        machine::Machine,
        safeguard::Safeguard,
        sink::{Sink, SinkHealth},
    },
    actors::tables::node_tree::NodeTree,
    store::{
        Commit, Store, StoreError, codec,
        keys::{KeyBuf, Space},
    },
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const MIN_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const VERSION: u16 = 1;
/// The tree of the cursors.
const TREE: &str = "holdfast.outflow";

/// Where outflows have got to, in a tree of their own.
#[derive(Debug)]
pub struct Cursors(NodeTree);

/// How far an outflow has got.
#[derive(Debug, Default)]
pub struct Cursor {
    place: AtomicU64,
    /// The row could not be read: why, and up to where everything is read once more.
    damage: Mutex<Option<(String, u64)>>,
}

impl Cursor {
    pub fn place(&self) -> u64 {
        self.place.load(Relaxed)
    }
    /// Goes on to `place`. Once it is where it may have been before its row was damaged, all is well again.
    pub fn move_to(&self, place: u64) {
        self.place.fetch_max(place, Relaxed);
        let mut damage = sync::lock(&self.damage);
        if damage.as_ref().is_some_and(|(_, until)| place >= *until) {
            *damage = None;
        }
    }
    /// What is wrong with it, in words.
    pub fn damage(&self) -> Option<String> {
        let damage = sync::lock(&self.damage);
        let (what, until) = damage.as_ref()?;
        Some(format!(
            "its place in the log is damaged ({what}): events up to {until} are read once more"
        ))
    }
}

impl Cursors {
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        Ok(Self(NodeTree::open(store, TREE)?))
    }

    fn cursor_key(sink: &str, context: &str) -> Vec<u8> {
        KeyBuf::new(Space::Position).text(sink).text(context).build()
    }

    /// The cursor of `sink` in the log of `context`, whose last event is `latest`. One that is damaged begins at the first
    /// event: what was sent goes out again under the same ids, and nothing is left out.
    pub fn get(&self, sink: &str, context: &str, latest: u64) -> Result<Cursor, StoreError> {
        let row = self.0.read_row(&Self::cursor_key(sink, context));
        let place = row
            .and_then(|row| row.map_or(Ok(0), |row| codec::decode(Space::Position, &row.record)));
        match place {
            Err(StoreError::Damaged(what)) => {
                tracing::error!(
                    sink,
                    context,
                    what,
                    latest,
                    "cursor damaged, sending from the first event"
                );
                let damage = Mutex::new(Some((what, latest)).filter(|_| latest > 0));
                Ok(Cursor { damage, ..Cursor::default() })
            }
            place => Ok(Cursor { place: place?.into(), ..Cursor::default() }),
        }
    }

    /// Resolves once `commit` is durable.
    pub async fn wait_durable(&self, commit: Commit) -> Result<(), StoreError> {
        self.0.wait_durable(commit).await
    }

    pub async fn save_cursor(
        &self,
        sink: &str,
        context: &str,
        place: u64,
    ) -> Result<(), StoreError> {
        let record = codec::encode(Space::Position, VERSION, &place)?;
        self.0.write_row(Self::cursor_key(sink, context), Some(record)).await
    }
}

/// Sends what one context publishes to one sink.
pub struct Pump<T> {
    sink_name: &'static str,
    flow: Arc<dyn EventLog<T>>,
    sink: Arc<dyn Sink<T>>,
    machine: Machine,
    cursors: Arc<Cursors>,
    cursor: Cursor,
    failures: Mutex<(u64, Option<String>)>,
    without: Option<Safeguard>,
}

impl<T: Send + Sync + 'static> Pump<T> {
    pub fn new(
        sink_name: &'static str,
        flow: Arc<dyn EventLog<T>>,
        sink: Arc<dyn Sink<T>>,
        machine: Machine,
        cursors: Arc<Cursors>,
    ) -> Result<Self, StoreError> {
        let latest = *flow.latest().borrow();
        let cursor = cursors.get(sink_name, flow.context(), latest)?;
        let failures = Mutex::default();
        Ok(Self { sink_name, flow, sink, machine, cursors, cursor, failures, without: None })
    }

    /// The same pump, which leaves that out.
    pub fn without(self, without: Option<Safeguard>) -> Self {
        Self { without, ..self }
    }

    pub fn health(&self) -> OutboxHealth {
        let (attempts, error) = sync::lock(&self.failures).clone();
        let pending = self.flow.latest().borrow().saturating_sub(self.cursor.place());
        OutboxHealth {
            sink: self.sink_name,
            context: self.flow.context(),
            pending,
            attempts,
            error,
            damage: self.cursor.damage(),
        }
    }

    /// Runs until the context publishes no more. A store that fails is tried again with the pauses of a sink that does:
    /// it may only be slow.
    pub async fn run(self: Arc<Self>) {
        let mut latest = self.flow.latest();
        loop {
            if *latest.borrow_and_update() <= self.cursor.place() {
                if latest.changed().await.is_err() {
                    return;
                }
                continue;
            }
            if let Err(error) = self.drain_log().await {
                self.back_off(error.to_string()).await;
            }
        }
    }

    async fn drain_log(&self) -> Result<(), StoreError> {
        let drawn = self.flow.read_page(self.cursor.place() + 1)?;
        self.cursors.wait_durable(drawn.commit).await?;
        let mut left = drawn.items.as_slice();
        while let Some((first, _)) = left.first() {
            match self.sink.take_items(self.flow.context(), left).await {
                Ok(taken) => {
                    left = left.get(taken.max(1)..).unwrap_or_default();
                    let place = left.first().map_or(drawn.last, |(next, _)| next - 1);
                    self.cursors.save_cursor(self.sink_name, self.flow.context(), place).await?;
                    self.cursor.move_to(place);
                    *sync::lock(&self.failures) = (0, None);
                }
                Err(why) => {
                    let why = format!("event {first} was not taken: {why}");
                    self.back_off(why).await;
                    if self.without == Some(Safeguard::KeepUntilTaken) {
                        left = left.get(1..).unwrap_or_default();
                    }
                }
            }
        }
        // A stretch that does not concern the outside needs no row: it is read again after a restart.
        self.cursor.move_to(drawn.last);
        Ok(())
    }

    /// Waits a little, longer each time; logs it the first time and then ever more seldom.
    async fn back_off(&self, why: String) {
        let attempts = {
            let mut trouble = sync::lock(&self.failures);
            *trouble = (trouble.0.saturating_add(1), Some(why.clone()));
            trouble.0
        };
        if attempts.is_power_of_two() {
            tracing::warn!(
                sink = self.sink_name,
                context = self.flow.context(),
                attempts,
                why,
                "it is kept and tried again"
            );
        }
        tokio::time::sleep(self.machine.random_backoff(attempts, MIN_BACKOFF, MAX_BACKOFF)).await;
    }
}

/// A pump that has been set up, for items of any type.
pub trait RunningPump: Send + Sync {
    /// How it is doing.
    fn health(&self) -> OutboxHealth;
    /// The health of its receiver, where that is known apart.
    fn sink_health(&self) -> Option<SinkHealth>;
    /// Runs it.
    fn run(self: Arc<Self>) -> BoxFuture<'static, ()>;
}

impl<T: Send + Sync + 'static> RunningPump for Pump<T> {
    fn health(&self) -> OutboxHealth {
        Pump::health(self)
    }
    fn sink_health(&self) -> Option<SinkHealth> {
        self.sink.health()
    }
    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Pump::run(self).boxed()
    }
}
