//! Publishes events: persistent, mandatory, confirmed, in order. A window of a context's events goes out on a channel of
//! its own; only what the broker has confirmed is taken. After an error the connection is dropped before anything is sent
//! again, so that the first copy of each event keeps the order of the log.

use super::{
    connection::{LiveConnection, ManagedConnection},
    topology::{SINK, declare_exchange},
};
use crate::{
    actors::{RecordedEvent, Sink, SinkHealth},
    events::{CloudEvent, EventNames, OWNER, SEAL, SealKeys},
    spans::{Span, SpanKind},
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use lapin::{
    BasicProperties, Channel, Confirmation, ExchangeKind,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// At most so many events of a context wait for their confirms.
const WINDOW: usize = 256;
const PERSISTENT: u8 = 2;

/// How events are published.
#[derive(Debug, Clone)]
pub struct PublisherSettings {
    /// The topic exchange.
    pub exchange: String,
    /// The prefix of the names of attributes: `cloudEvents:`.
    pub prefix: String,
    /// How this installation names its events.
    pub names: Arc<EventNames>,
    /// What they are sealed with.
    pub keys: SealKeys,
    /// How long a window of confirms may take.
    pub confirm_timeout: Duration,
}

/// Publishes events over a [`ManagedConnection`].
pub struct Publisher {
    connection: Arc<ManagedConnection>,
    settings: PublisherSettings,
    /// By context, with the generation of the connection that it is a channel of.
    channels: Mutex<HashMap<&'static str, (u64, Channel)>>,
    sent: AtomicU64,
    returned: AtomicU64,
    /// What went wrong in each context, until something goes right there.
    errors: Mutex<HashMap<&'static str, String>>,
}

impl Publisher {
    /// Publishes over `link`.
    pub fn new(connection: Arc<ManagedConnection>, settings: PublisherSettings) -> Self {
        let channels = Mutex::default();
        let errors = Mutex::default();
        Self {
            connection,
            settings,
            channels,
            errors,
            sent: AtomicU64::new(0),
            returned: AtomicU64::new(0),
        }
    }

    async fn publish_events(
        &self,
        context: &'static str,
        items: &[(u64, RecordedEvent)],
    ) -> Result<usize, String> {
        let live = self.connection.wait_unblocked().await;
        let taken = AtomicUsize::new(0);
        let moves = AtomicUsize::new(1);
        let done = self.publish_window(&live, context, items, (&taken, &moves));
        let done = self
            .connection
            .with_progress_timeout(&live, &moves, self.settings.confirm_timeout, done)
            .await;
        let taken = taken.into_inner();
        let trouble = || sync::lock(&self.errors);
        let Err(why) = done else {
            trouble().remove(context);
            return Ok(taken);
        };
        trouble().insert(context, why.clone());
        self.connection.report_broken(live.generation, &why);
        // It is lent no more: on the same channel, what follows would come after what it has refused or forgotten.
        self.connection.wait_lost(live.generation).await;
        if taken == 0 { Err(why) } else { Ok(taken) }
    }

    async fn publish_window(
        &self,
        live: &LiveConnection,
        context: &'static str,
        items: &[(u64, RecordedEvent)],
        (taken, moves): (&AtomicUsize, &AtomicUsize),
    ) -> lapin::Result<()> {
        let channel = self.open_channel(live, context).await?;
        let mut confirms = Vec::with_capacity(items.len().min(WINDOW));
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        for (_, event) in items.iter().take(WINDOW) {
            let key = format!("{context}.{}", event.name);
            let body = event.data.to_string();
            let span = self.begin_span(event, &key);
            let event = CloudEvent { context, event, names: &self.settings.names };
            let properties = self.event_properties(&event, body.as_bytes(), &span);
            let exchange = ShortString::from(self.settings.exchange.as_str());
            let confirm = channel
                .basic_publish(exchange, key.into(), options, body.as_bytes(), properties)
                .await?;
            confirms.push((confirm, span));
            moves.fetch_add(1, Relaxed);
        }
        for (confirm, _span) in confirms {
            match confirm.await? {
                Confirmation::Ack(None) => drop(self.sent.fetch_add(1, Relaxed)),
                // No queue is bound for it. The log has it, for later readers.
                Confirmation::Ack(Some(_)) => drop(self.returned.fetch_add(1, Relaxed)),
                Confirmation::Nack(_) | Confirmation::NotRequested => {
                    return Err(std::io::Error::other("the broker could not keep it").into());
                }
            }
            taken.fetch_add(1, Relaxed);
            moves.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Declares the exchange on each new connection, before there is an event: queues can be bound to it then.
    pub async fn declare_on_each_connection(self: Arc<Self>) {
        let mut generation = 0;
        loop {
            let live = self.connection.wait_next(generation).await;
            generation = live.generation;
            let declared = async {
                let channel = live.connection.create_channel().await?;
                declare_exchange(&channel, &self.settings.exchange, ExchangeKind::Topic).await?;
                channel.close(200, "done".into()).await
            };
            if let Err(error) = declared.await {
                // Publishing declares it again, and deals with what is wrong.
                let exchange = &self.settings.exchange;
                tracing::warn!(exchange, %error, "failed to declare exchange");
            }
        }
    }

    /// The channel of `context` on this connection, with the exchange in place.
    async fn open_channel(
        &self,
        live: &LiveConnection,
        context: &'static str,
    ) -> lapin::Result<Channel> {
        let known = sync::lock(&self.channels).get(context).cloned();
        if let Some((generation, channel)) = known
            && generation == live.generation
        {
            return Ok(channel);
        }
        let channel = live.connection.create_channel().await?;
        declare_exchange(&channel, &self.settings.exchange, ExchangeKind::Topic).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let mut channels = sync::lock(&self.channels);
        channels.insert(context, (live.generation, channel.clone()));
        Ok(channel)
    }

    /// The span from here until the broker has confirmed the event.
    fn begin_span(&self, event: &RecordedEvent, key: &str) -> Span {
        let exchange = &self.settings.exchange;
        let trace = event.trace.as_deref();
        let mut span = Span::below(trace, SpanKind::Producer, || format!("send {exchange}"));
        if span.traceparent().is_some() {
            span.set("messaging.system", "rabbitmq");
            span.set("messaging.operation.type", "send");
            span.set("messaging.destination.name", exchange.clone());
            span.set("messaging.rabbitmq.destination.routing_key", key.to_owned());
            span.set("messaging.message.id", event.id().to_string());
        }
        span
    }

    fn event_properties(
        &self,
        event: &CloudEvent<'_>,
        body: &[u8],
        span: &Span,
    ) -> BasicProperties {
        let mut headers = FieldTable::default();
        let text = |value: String| AMQPValue::LongString(value.into());
        let mut attributes = event.list_attributes();
        let owner = event.event.owner.clone();
        let attribute = |name: &str| {
            if name == OWNER {
                return owner.clone();
            }
            let found = attributes.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone())
        };
        let seal = self.settings.keys.seal(attribute, body);
        attributes.extend(seal.map(|seal| (SEAL, seal)));
        for (name, value) in attributes {
            headers.insert(format!("{}{name}", self.settings.prefix).into(), text(value));
        }
        if let Some(trace) = span.traceparent().or_else(|| event.event.trace.clone()) {
            headers.insert("traceparent".into(), text(trace));
        }
        if let Some(owner) = owner {
            headers.insert(OWNER.into(), text(owner));
        }
        let seconds = u64::try_from(event.event.at.micros() / 1_000_000).unwrap_or_default();
        BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(event.event.id().to_string().into())
            .with_correlation_id(event.event.saga.as_str().into())
            .with_type(event.kind().into())
            .with_timestamp(seconds)
            .with_app_id("holdfast".into())
            .with_headers(headers)
    }
}

impl Sink<RecordedEvent> for Publisher {
    fn take_items<'a>(
        &'a self,
        context: &'static str,
        items: &'a [(u64, RecordedEvent)],
    ) -> BoxFuture<'a, Result<usize, String>> {
        self.publish_events(context, items).boxed()
    }

    fn health(&self) -> Option<SinkHealth> {
        let trouble = sync::lock(&self.errors).values().next().cloned();
        let (up, word, error) = self.connection.state().borrow().describe_state(trouble);
        Some(SinkHealth {
            sink: SINK,
            up,
            state: word,
            error,
            sent: self.sent.load(Relaxed),
            returned: self.returned.load(Relaxed),
            reconnects: self.connection.reconnects(),
        })
    }
}
