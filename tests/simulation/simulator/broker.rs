//! A broker in memory, with durable queues of each node that listens. Like any, it delivers again what was not acknowledged;
//! it outlives the nodes, and its faults are those of the seed: it is out of reach, it loses, doubles and reorders.

use super::conditions::{Conditions, Link};
use futures_util::{FutureExt, future::BoxFuture};
use holdfast::actors::{RecordedEvent, ReplicaHandle, Sink};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The name of the sink and of the feed.
pub const BROKER: &str = "amqp";
/// How long one waits before it tries to reach the broker again.
const AGAIN: Duration = Duration::from_secs(1);
/// At most so many events are delivered at once.
const WINDOW: u64 = 8;

#[derive(Default)]
struct Queue {
    events: Mutex<VecDeque<RecordedEvent>>,
    filled: Notify,
}

impl Queue {
    fn events(&self) -> MutexGuard<'_, VecDeque<RecordedEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By context, the queue of each node that listens to it.
type Queues = BTreeMap<(&'static str, usize), Arc<Queue>>;

/// Clones are the same one.
#[derive(Clone)]
pub struct Broker {
    conditions: Conditions,
    queues: Arc<Mutex<Queues>>,
    /// Of each context, the last event that was published.
    reached: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Broker {
    pub fn new(conditions: Conditions) -> Self {
        Self { conditions, queues: Arc::default(), reached: Arc::default() }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the events of a node.
    pub fn publisher(&self, node: usize) -> Arc<dyn Sink<RecordedEvent>> {
        Arc::new(Publisher { broker: self.clone(), node })
    }

    /// Feeds the replica of a node, for as long as it is polled.
    pub async fn feed(self, node: usize, replica: Arc<dyn ReplicaHandle>) {
        let queue = self.queues().entry((replica.context(), node)).or_default().clone();
        loop {
            if self.conditions.is_cut(Link::Broker(node)) {
                replica.fed_by(Err("the broker is out of reach".to_owned()));
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            replica.fed_by(Ok(BROKER));
            let batch: Vec<_> = {
                let most = self.conditions.between(1, WINDOW + 1);
                queue.events().iter().take(most as usize).cloned().collect()
            };
            if batch.is_empty() {
                // A link that is cut is noticed now and then.
                let _ = tokio::time::timeout(AGAIN * 10, queue.filled.notified()).await;
                continue;
            }
            tokio::time::sleep(self.conditions.delay()).await;
            let taken = batch.len();
            match replica.take_events(batch).await {
                Ok(unreadable) if unreadable.is_empty() => {
                    // Of what was acknowledged too late, some is delivered again.
                    if !self.conditions.is_doubled() {
                        queue.events().drain(..taken);
                    }
                }
                Ok(unreadable) => {
                    let context = replica.context();
                    panic!("a replica of {context} cannot read its events: {unreadable:?}");
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// Events come in their order, and none is left out.
    fn note(&self, context: &'static str, sequence: u64) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let last = reached.entry(context).or_default();
        if sequence > *last + 1 {
            self.conditions.wrong(format!("{sequence} of {context} is published after {last}"));
        }
        *last = sequence.max(*last);
    }

    /// Puts an event into each queue that is bound to its context.
    fn route(&self, context: &'static str, event: &RecordedEvent) {
        for ((of, node), queue) in self.queues().iter() {
            if *of != context {
                continue;
            }
            if self.conditions.is_lost() {
                self.conditions
                    .say(format_args!("the broker loses {context} {} for {node}", event.sequence));
                continue;
            }
            let mut events = queue.events();
            for _ in 0..=u8::from(self.conditions.is_doubled()) {
                let last = events.len();
                let at = if self.conditions.is_lost() { last.saturating_sub(1) } else { last };
                events.insert(at, event.clone());
            }
            queue.filled.notify_one();
        }
    }
}

/// What a node publishes its events with.
struct Publisher {
    broker: Broker,
    node: usize,
}

impl Publisher {
    async fn publish(
        &self,
        context: &'static str,
        items: &[(u64, RecordedEvent)],
    ) -> Result<usize, String> {
        let conditions = &self.broker.conditions;
        tokio::time::sleep(conditions.delay()).await;
        if conditions.is_cut(Link::Broker(self.node)) {
            return Err("the broker is out of reach".to_owned());
        }
        let taken = conditions.between(1, items.len() as u64 + 1) as usize;
        for (sequence, event) in items.iter().take(taken) {
            conditions.say(format_args!("node {} publishes {context} {sequence}", self.node));
            self.broker.note(context, *sequence);
            self.broker.route(context, event);
        }
        if conditions.is_lost() {
            return Err("the confirms are lost".to_owned());
        }
        Ok(taken)
    }
}

impl Sink<RecordedEvent> for Publisher {
    fn take_items<'a>(
        &'a self,
        context: &'static str,
        items: &'a [(u64, RecordedEvent)],
    ) -> BoxFuture<'a, Result<usize, String>> {
        self.publish(context, items).boxed()
    }
}
