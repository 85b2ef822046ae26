//! Hands the items of a context's log to a sink, in order, and keeps how far each sink has come.

use crate::{
    actors::port::{
        backoff::random_backoff,
        event_log::{EventLog, OutboxHealth},
        sink::{Sink, SinkHealth},
    },
    store::{
        Batch, Epoch, Store, StoreError, TreeId, codec,
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

/// Where outflows have got to, in a tree of their own.
#[derive(Debug)]
pub struct Cursors {
    store: Arc<dyn Store>,
    tree: TreeId,
    epoch: Epoch,
}

impl Cursors {
    pub fn open(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let tree = store.open_tree("holdfast.outflow")?;
        Ok(Self { store: store.clone(), tree, epoch: store.activate(tree)? })
    }

    fn cursor_key(sink: &str, context: &str) -> Vec<u8> {
        KeyBuf::new(Space::Position).text(sink).text(context).build()
    }

    pub fn get(&self, sink: &str, context: &str) -> Result<u64, StoreError> {
        let row = self.store.read(self.tree, &[&Self::cursor_key(sink, context)])?.pop().flatten();
        row.map_or(Ok(0), |row| codec::decode(Space::Position, &row.record))
    }

    pub async fn save_cursor(
        &self,
        sink: &str,
        context: &str,
        place: u64,
    ) -> Result<(), StoreError> {
        let record = codec::encode(Space::Position, VERSION, &place)?;
        let writes = vec![(Self::cursor_key(sink, context), Some(record))];
        let batch = Batch { tree: self.tree, epoch: self.epoch, expects: Vec::new(), writes };
        self.store.commit(batch).await.map(drop)
    }
}

/// Sends what one context publishes to one sink.
pub struct Pump<T> {
    sink_name: &'static str,
    flow: Arc<dyn EventLog<T>>,
    sink: Arc<dyn Sink<T>>,
    cursors: Arc<Cursors>,
    cursor: AtomicU64,
    failures: Mutex<(u64, Option<String>)>,
}

impl<T: Send + Sync + 'static> Pump<T> {
    pub fn new(
        sink_name: &'static str,
        flow: Arc<dyn EventLog<T>>,
        sink: Arc<dyn Sink<T>>,
        cursors: Arc<Cursors>,
    ) -> Result<Self, StoreError> {
        let place = AtomicU64::new(cursors.get(sink_name, flow.context())?);
        Ok(Self { sink_name, flow, sink, cursors, cursor: place, failures: Mutex::default() })
    }

    pub fn health(&self) -> OutboxHealth {
        let (attempts, error) = sync::lock(&self.failures).clone();
        let pending = self.flow.latest().borrow().saturating_sub(self.cursor.load(Relaxed));
        OutboxHealth {
            sink: self.sink_name,
            context: self.flow.context(),
            pending,
            attempts,
            error,
        }
    }

    /// Runs until the context publishes no more. A store that fails is tried again with the pauses of a sink that does:
    /// it may only be slow.
    pub async fn run(self: Arc<Self>) {
        let mut latest = self.flow.latest();
        loop {
            if *latest.borrow_and_update() <= self.cursor.load(Relaxed) {
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
        let drawn = self.flow.read_page(self.cursor.load(Relaxed) + 1)?;
        self.cursors.store.durable(drawn.commit).await?;
        let mut left = drawn.items.as_slice();
        while let Some((first, _)) = left.first() {
            match self.sink.take_items(self.flow.context(), left).await {
                Ok(taken) => {
                    left = left.get(taken.max(1)..).unwrap_or_default();
                    let place = left.first().map_or(drawn.last, |(next, _)| next - 1);
                    self.cursors.save_cursor(self.sink_name, self.flow.context(), place).await?;
                    self.cursor.store(place, Relaxed);
                    *sync::lock(&self.failures) = (0, None);
                }
                Err(why) => {
                    let why = format!("event {first} was not taken: {why}");
                    self.back_off(why).await;
                }
            }
        }
        // A stretch that does not concern the outside needs no row: it is read again after a restart.
        self.cursor.fetch_max(drawn.last, Relaxed);
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
        tokio::time::sleep(random_backoff(attempts, MIN_BACKOFF, MAX_BACKOFF)).await;
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
