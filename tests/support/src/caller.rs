//! A client of a test's own that commands over a broker and gets the replies.

use crate::{Client, Server, broker::Broker, eventually};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    message::BasicGetMessage,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
        BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_secs(60);

/// A command, with JSON as its body unless it is given otherwise.
#[derive(Debug, Clone)]
pub struct Command {
    pub context: String,
    pub properties: BasicProperties,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Command {
    pub fn new(context: &str, method: &str, path: &str, body: &Value) -> Self {
        let mut headers = BTreeMap::new();
        headers.insert("method".to_owned(), method.to_owned());
        headers.insert("path".to_owned(), path.to_owned());
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2);
        Self {
            context: context.to_owned(),
            properties,
            headers,
            body: serde_json::to_vec(body).unwrap(),
        }
    }
    /// A rent of `book`.
    pub fn rent(book: u64, user: u64) -> Self {
        let body = serde_json::json!({ "bookId": book, "userId": user, "address": "address1" });
        Self::new("bookrent.rent", "POST", "/rents", &body)
    }
    /// What it is called, by which a broker that repeats itself is found out.
    pub fn id(mut self, id: &str) -> Self {
        self.properties = self.properties.with_message_id(id.into()).with_correlation_id(id.into());
        self
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
    pub fn reply_to(mut self, queue: &str) -> Self {
        self.properties = self.properties.with_reply_to(queue.into());
        self
    }
}

/// What was replied.
#[derive(Debug, Clone)]
pub struct Reply {
    pub correlation: String,
    pub status: i64,
    pub headers: BTreeMap<String, String>,
    pub content_type: String,
    pub text: String,
    pub body: Value,
}

impl Reply {
    #[track_caller]
    pub fn is(self, status: i64) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
    #[track_caller]
    pub fn has(self, field: &str, value: impl Into<Value>) -> Self {
        assert_eq!(self.body[field], value.into(), "`{field}` in {}", self.text);
        self
    }
    #[track_caller]
    pub fn id(&self) -> u64 {
        self.body["id"].as_u64().unwrap_or_else(|| panic!("no id in {}", self.text))
    }
}

/// A client with a queue for replies.
pub struct Caller {
    runtime: Runtime,
    channel: Channel,
    consumer: Consumer,
    replies: String,
    early: HashMap<String, Reply>,
    count: u64,
    _connection: Connection,
}

impl Caller {
    /// Connects, and consumes what comes into the durable queue `replies`.
    pub fn connect(url: &str, replies: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (connection, channel, consumer) = runtime.block_on(async {
            let connection =
                Connection::connect(url, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            let durable = QueueDeclareOptions { durable: true, ..Default::default() };
            let none = FieldTable::default;
            channel.queue_declare(replies.into(), durable, none()).await.unwrap();
            let consumer = channel.basic_consume(
                replies.into(),
                "".into(),
                BasicConsumeOptions::default(),
                none(),
            );
            let consumer = consumer.await.unwrap();
            (connection, channel, consumer)
        });
        let replies = replies.to_owned();
        let early = HashMap::new();
        Self { runtime, channel, consumer, replies, early, count: 0, _connection: connection }
    }

    /// Sends a command; it is in its queue when this returns.
    #[track_caller]
    pub fn send(&self, command: &Command) {
        self.try_send(command).unwrap();
    }

    /// Sends a command; it is in its queue when this returns, or else the broker has said why it is not.
    pub fn try_send(&self, command: &Command) -> Result<(), String> {
        let mut headers = FieldTable::default();
        for (name, value) in &command.headers {
            headers.insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
        }
        let properties = command.properties.clone().with_headers(headers);
        let confirmed = self.runtime.block_on(async {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let key = &command.context;
            let key = key.as_str().into();
            let sent = self.channel.basic_publish(
                "holdfast.commands".into(),
                key,
                options,
                &command.body,
                properties,
            );
            sent.await?.await
        });
        match confirmed {
            Ok(Confirmation::Ack(None)) => Ok(()),
            Ok(other) => Err(format!("{other:?}")),
            Err(why) => Err(why.to_string()),
        }
    }

    /// Sends a command whose reply is to come here.
    #[track_caller]
    pub fn order(&self, command: Command) {
        self.send(&command.reply_to(&self.replies));
    }

    /// Sends a command under a name of its own, unless it has one, and waits for the reply.
    #[track_caller]
    pub fn call(&mut self, command: Command) -> Reply {
        self.count += 1;
        let id = command.properties.message_id().as_ref().map(ToString::to_string);
        let (id, command) = match id {
            Some(id) => (id, command),
            None => {
                let id = format!("{}-{}", self.replies, self.count);
                (id.clone(), command.id(&id))
            }
        };
        self.order(command);
        self.reply(&id)
    }

    /// The reply to the command of that name.
    #[track_caller]
    pub fn reply(&mut self, id: &str) -> Reply {
        while !self.early.contains_key(id) {
            let reply = self.next_reply();
            self.early.insert(reply.correlation.clone(), reply);
        }
        self.early.remove(id).unwrap()
    }

    /// Whatever is replied next.
    #[track_caller]
    pub fn next_reply(&mut self) -> Reply {
        let Self { runtime, consumer, .. } = self;
        let message = runtime.block_on(async {
            let message =
                tokio::time::timeout(PATIENCE, consumer.next()).await.expect("a reply comes");
            let message = message.expect("the queue is there").unwrap();
            message.acker.ack(BasicAckOptions::default()).await.unwrap();
            message
        });
        let properties = &message.properties;
        let table = properties.headers().clone().unwrap_or_default();
        let status = &table.inner()["status"];
        let texts = table
            .inner()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.as_long_string()?)));
        let text = String::from_utf8(message.data.clone()).unwrap();
        Reply {
            correlation: properties
                .correlation_id()
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            status: status.as_long_int().unwrap().into(),
            headers: texts.map(|(name, value)| (name, value.to_string())).collect(),
            content_type: properties
                .content_type()
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// How much waits in a queue.
    pub fn waiting(&self, queue: &str) -> u32 {
        self.runtime.block_on(async {
            let passive = QueueDeclareOptions { passive: true, ..Default::default() };
            let declared =
                self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
            declared.unwrap().message_count()
        })
    }

    /// Declares a queue without anything that is special.
    pub fn declare(&self, queue: &str) {
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        let declared = self.channel.queue_declare(queue.into(), durable, FieldTable::default());
        self.runtime.block_on(declared).unwrap();
    }
    /// Declares a queue that keeps one message.
    pub fn declare_narrow(&self, queue: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let declared =
            self.channel.queue_declare(queue.into(), QueueDeclareOptions::default(), arguments);
        self.runtime.block_on(declared).unwrap();
    }
    /// Takes whatever is in a queue: what the first is called.
    pub fn take(&self, queue: &str) -> Option<String> {
        let message = self.get(queue)?;
        self.runtime.block_on(message.delivery.acker.ack(BasicAckOptions::default())).unwrap();
        Some(message.delivery.properties.correlation_id().clone()?.to_string())
    }
    /// Deletes a queue, with all that is in it.
    pub fn delete(&self, queue: &str) {
        self.runtime
            .block_on(self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()))
            .unwrap();
    }

    fn get(&self, queue: &str) -> Option<BasicGetMessage> {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default());
        self.runtime.block_on(got).unwrap()
    }

    /// Takes one command off a queue: its path, and why it died.
    pub fn take_dead(&self, queue: &str) -> Option<(String, String)> {
        let message = self.get(queue)?;
        self.runtime.block_on(message.delivery.acker.ack(BasicAckOptions::default())).unwrap();
        let headers = message.delivery.properties.headers().clone().unwrap();
        let text = |name: &str| headers.inner()[name].as_long_string().unwrap().to_string();
        Some((text("path"), text("x-first-death-reason")))
    }

    /// Takes a command off a queue and puts it back, as a consumer does that dies over it.
    pub fn fail_at(&self, queue: &str) -> bool {
        let Some(message) = self.get(queue) else { return false };
        let back = BasicNackOptions { requeue: true, ..Default::default() };
        self.runtime.block_on(message.delivery.acker.nack(back)).unwrap()
    }
}

/// BookRent alone, which takes commands.
pub fn server(broker: &Broker) -> Server {
    let server =
        Server::configured(&format!("[amqp]\nurl = '{}'\ncommands = true\n", broker.url()));
    takes_commands(&server);
    server
}
/// Waits until it consumes all its queues.
pub fn takes_commands(client: &Client) {
    eventually("it takes commands", || {
        (client.metric("holdfast_commands_up") == 1.0).then_some(())
    });
}
