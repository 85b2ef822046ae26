//! Takes the events of another node's context from a queue of this node's own: durable, on a majority of the broker's
//! nodes, with a limit to how often anything is delivered. What is acknowledged is in the replica, on disk. The source's
//! log is the truth: what a queue has lost or skipped, the replica asks for.

use super::{
    connection::{LiveConnection, ManagedConnection, retry_delay},
    event_message::{EventReader, ReadError, check_sent},
    topology::{
        SINK, dead_letter_queue, declare_dead_letter_queue, declare_exchange, declare_queue,
        is_channel_error, text_value,
    },
};
use crate::{
    actors::{RecordedEvent, ReplicaHandle},
    events::SealError,
};
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Acker, ExchangeKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions, QueueBindOptions,
    },
    types::{AMQPValue, FieldTable},
};
use std::sync::Arc;

/// At most so many events are delivered before the first of them is acknowledged.
const WINDOW: u16 = 256;
/// What has been delivered so often may be what ends the process each time.
const DELIVERIES: i32 = 5;
/// A queue without a consumer for so long is deleted by the broker, in milliseconds: its node is gone for good, or asks the
/// sources when it comes back.
const FORGOTTEN: i32 = 7 * 24 * 60 * 60 * 1000;

/// How events are taken.
#[derive(Debug, Clone)]
pub struct EventConsumerSettings {
    /// The exchange that they are published to.
    pub exchange: String,
    /// Names this node's queues for ever.
    pub node: String,
    /// How they are read.
    pub reader: EventReader,
}

/// Takes the events of one context.
pub struct EventConsumer {
    connection: Arc<ManagedConnection>,
    settings: EventConsumerSettings,
    replica: Arc<dyn ReplicaHandle>,
    queue: String,
}

impl EventConsumer {
    /// Feeds `replica` over `link`.
    pub fn new(
        connection: Arc<ManagedConnection>,
        settings: EventConsumerSettings,
        replica: Arc<dyn ReplicaHandle>,
    ) -> Self {
        let queue = format!("holdfast.feed.{}.{}", settings.node, replica.context());
        Self { connection, settings, replica, queue }
    }

    /// Goes on for as long as it is polled, over one connection after another.
    pub async fn run(self) {
        let mut failures = 0;
        loop {
            if let Some(why) = self.connection.state().borrow().error.clone() {
                self.replica.fed_by(Err(why));
            }
            let live = self.connection.wait_connected().await;
            let (why, is_link) = tokio::select! {
                ended = self.consume_events(&live, &mut failures) => match ended {
                    Ok(()) => ("its queue was taken away".to_owned(), false),
                    Err(why) => (why.to_string(), !is_channel_error(&why)),
                },
                () = self.connection.wait_lost(live.generation) => ("the connection was lost".to_owned(), false),
            };
            self.replica.fed_by(Err(why.clone()));
            if is_link {
                self.connection.report_broken(live.generation, &why);
            }
            failures += 1;
            if failures.is_power_of_two() {
                let context = self.replica.context();
                tracing::warn!(
                    context,
                    queue = self.queue,
                    failures,
                    why,
                    "its source is asked for its events instead"
                );
            }
            tokio::time::sleep(retry_delay(failures)).await;
        }
    }

    async fn consume_events(&self, live: &LiveConnection, failures: &mut u32) -> lapin::Result<()> {
        let channel = live.connection.create_channel().await?;
        declare_exchange(&channel, &self.settings.exchange, ExchangeKind::Topic).await?;
        declare_dead_letter_queue(&channel, &self.settings.node).await?;
        let arguments = [
            ("x-delivery-limit", AMQPValue::LongInt(DELIVERIES)),
            ("x-expires", AMQPValue::LongInt(FORGOTTEN)),
            ("x-dead-letter-exchange", text_value("")),
            ("x-dead-letter-routing-key", text_value(&dead_letter_queue(&self.settings.node))),
            // The broker drops a dead letter only when its queue has it.
            ("x-dead-letter-strategy", text_value("at-least-once")),
            ("x-overflow", text_value("reject-publish")),
        ];
        declare_queue(&channel, &self.queue, &arguments).await?;
        let queue = self.queue.as_str();
        let key = format!("{}.*", self.replica.context());
        let bind = QueueBindOptions::default();
        let exchange = self.settings.exchange.as_str();
        channel
            .queue_bind(queue.into(), exchange.into(), key.into(), bind, FieldTable::default())
            .await?;
        channel.basic_qos(WINDOW, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let mut consumer =
            channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
        // Whatever was published before is in the queue or in the source's log, which is asked once more now.
        self.replica.fed_by(Ok(SINK));
        while let Some(first) = consumer.next().await {
            let mut batch = vec![first?];
            while batch.len() < usize::from(WINDOW)
                && let Some(Some(next)) = consumer.next().now_or_never()
            {
                batch.push(next?);
            }
            self.take_events(batch).await?;
            *failures = 0;
        }
        Ok(())
    }

    async fn take_events(&self, batch: Vec<Delivery>) -> lapin::Result<()> {
        let mut events = Vec::with_capacity(batch.len());
        let mut ackers = Vec::with_capacity(batch.len());
        let mut unsealed = Vec::new();
        for delivery in &batch {
            match self.settings.reader.read_delivery(self.replica.context(), delivery) {
                Ok(event) => {
                    events.push(event);
                    ackers.push(Some(&delivery.acker));
                }
                Err(ReadError::Unsealed { event, why }) => {
                    unsealed.push((delivery, event, why));
                }
                Err(why) => self.reject_delivery(&delivery.acker, &why.to_string()).await?,
            }
        }
        let mut failures = 0;
        let unreadable = loop {
            match self.replica.take_events(events.clone()).await {
                Ok(unreadable) => break unreadable,
                // The store is slow, or has failed: then the process ends, and all of it comes again.
                Err(why) => {
                    failures += 1;
                    tracing::warn!(queue = self.queue, failures, why, "events wait to be taken");
                    tokio::time::sleep(retry_delay(failures)).await;
                }
            }
        };
        for (place, why) in unreadable {
            if let Some(acker) = ackers.get_mut(place).and_then(Option::take) {
                self.reject_delivery(acker, &why).await?;
            }
        }
        for (delivery, event, why) in unsealed {
            self.judge_unsealed(&delivery.acker, &event, why).await?;
        }
        match ackers.into_iter().flatten().next_back() {
            Some(last) => check_sent(last.ack(BasicAckOptions { multiple: true }).await?),
            None => Ok(()),
        }
    }

    /// A message without a right seal has no effect. Its source is asked for the event that it claims to be: what waited in
    /// the queue since before there was a key, or was sealed with one that is no longer valid, is in its log. What is not
    /// there is set aside.
    async fn judge_unsealed(
        &self,
        acker: &Acker,
        event: &RecordedEvent,
        why: SealError,
    ) -> lapin::Result<()> {
        self.replica.count_refused();
        let known = self.replica.fetch_until(event.id()).await;
        if why == SealError::Missing && known == Ok(true) {
            return check_sent(acker.ack(BasicAckOptions::default()).await?);
        }
        self.reject_delivery(acker, &why.to_string()).await
    }

    /// Has the broker set a message aside.
    async fn reject_delivery(&self, acker: &Acker, why: &str) -> lapin::Result<()> {
        tracing::warn!(queue = self.queue, why, "dead-lettering message");
        check_sent(acker.reject(BasicRejectOptions { requeue: false }).await?)
    }
}
