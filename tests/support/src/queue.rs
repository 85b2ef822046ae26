//! A consumer of a test's own: a durable queue, and what has come into it.

use futures_util::StreamExt;
use lapin::{
    BasicProperties, Confirmation, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub content_type: String,
    pub delivery_mode: u8,
    pub body: serde_json::Value,
    pub redelivered: bool,
}

impl Came {
    /// What a consumer dedupes by.
    pub fn id(&self) -> (String, u64) {
        (
            self.headers["cloudEvents:source"].clone(),
            self.headers["cloudEvents:sequence"].parse().unwrap(),
        )
    }
}

/// The arguments of a queue whose consumer gets everything in order. Without the second, a consumer that comes back before
/// the broker has noticed that it was gone gets later events first, and then those that it had been given and lost.
pub fn ordered_queue() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments
}

/// A queue at a broker.
pub struct Queue {
    runtime: Runtime,
    url: String,
    name: String,
}

impl Queue {
    /// A durable queue that is bound with `key`, and the exchange as the publisher declares it.
    pub fn bind(url: &str, name: &str, key: &str) -> Self {
        Self::bind_as(url, name, key, "classic")
    }

    /// The same, on the majority of the broker's nodes.
    pub fn bind_quorum(url: &str, name: &str, key: &str) -> Self {
        Self::bind_as(url, name, key, "quorum")
    }

    fn bind_as(url: &str, name: &str, key: &str, kind: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let queue = Self { runtime, url: url.to_owned(), name: name.to_owned() };
        queue.runtime.block_on(async {
            let connection =
                Connection::connect(url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
            let none = FieldTable::default;
            let exchange = "holdfast.events";
            channel
                .exchange_declare(exchange.into(), ExchangeKind::Topic, durable, none())
                .await
                .unwrap();
            let durable = QueueDeclareOptions { durable: true, ..Default::default() };
            let mut arguments = none();
            arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
            channel.queue_declare(name.into(), durable, arguments).await.unwrap();
            let bind = QueueBindOptions::default();
            channel
                .queue_bind(name.into(), exchange.into(), key.into(), bind, none())
                .await
                .unwrap();
            connection.close(200, "done".into()).await.unwrap();
        });
        queue
    }

    /// A queue that another client has declared.
    pub fn of(url: &str, name: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, url: url.to_owned(), name: name.to_owned() }
    }

    /// Publishes to it what has come, as it came; over and over where the file has it so.
    pub fn put(&self, events: &[Came]) {
        self.runtime.block_on(async {
            let connection =
                Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            for event in events {
                let mut headers = FieldTable::default();
                for (name, value) in &event.headers {
                    headers
                        .insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
                }
                let properties = BasicProperties::default()
                    .with_content_type(event.content_type.as_str().into())
                    .with_delivery_mode(2)
                    .with_headers(headers);
                let options = BasicPublishOptions { mandatory: true, ..Default::default() };
                let body = event.body.to_string();
                let queue = self.name.as_str();
                let sent = channel
                    .basic_publish("".into(), queue.into(), options, body.as_bytes(), properties)
                    .await;
                assert_eq!(sent.unwrap().await.unwrap(), Confirmation::Ack(None));
            }
            connection.close(200, "done".into()).await.unwrap();
        });
    }

    /// Has the broker set aside the next `count` messages of it, once they are there.
    pub fn reject(&self, count: usize) {
        self.runtime.block_on(async {
            let connection =
                Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let options = BasicConsumeOptions::default();
            let mut consumer = channel
                .basic_consume(self.name.as_str().into(), "".into(), options, FieldTable::default())
                .await
                .unwrap();
            for _ in 0..count {
                let delivery =
                    tokio::time::timeout(PATIENCE, consumer.next()).await.expect("it is there");
                let delivery = delivery.unwrap().unwrap();
                assert!(
                    delivery.acker.reject(BasicRejectOptions { requeue: false }).await.unwrap()
                );
            }
            connection.close(200, "done".into()).await.unwrap();
        });
    }

    /// Everything that is in it, in order.
    pub fn take_all(&self) -> Vec<Came> {
        self.runtime.block_on(async {
            let connection =
                Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let mut all = Vec::new();
            let options = BasicGetOptions { no_ack: true };
            while let Some(message) =
                channel.basic_get(self.name.as_str().into(), options).await.unwrap()
            {
                let properties = &message.properties;
                let headers = properties.headers().clone().unwrap_or_default();
                // The broker counts deliveries in a number of its own.
                let text = |(name, value): (&lapin::types::ShortString, &AMQPValue)| {
                    Some((name.to_string(), value.as_long_string()?.to_string()))
                };
                all.push(Came {
                    key: message.routing_key.to_string(),
                    headers: headers.inner().iter().filter_map(text).collect(),
                    content_type: properties.content_type().as_ref().unwrap().to_string(),
                    delivery_mode: properties.delivery_mode().unwrap(),
                    body: serde_json::from_slice(&message.data).unwrap(),
                    redelivered: message.redelivered,
                });
            }
            connection.close(200, "done".into()).await.unwrap();
            all
        })
    }
}

/// What is left for a consumer that dedupes: each event once, as it came first.
pub fn once(came: &[Came]) -> Vec<Came> {
    let mut had = HashSet::new();
    came.iter().filter(|event| had.insert(event.id())).cloned().collect()
}

/// Holds that nothing of these sources is missing, and that each came in the order of its log.
#[track_caller]
pub fn nothing_is_missing(came: &[Came], sources: &[(&str, u64)]) {
    let events = once(came);
    for (source, last) in sources {
        let ids: Vec<_> =
            events.iter().map(Came::id).filter(|(of, _)| of == source).map(|(_, id)| id).collect();
        assert_eq!(ids, (1..=*last).collect::<Vec<_>>(), "{source}");
    }
}
