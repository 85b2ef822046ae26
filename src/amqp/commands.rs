//! Commands over the broker: the doors that HTTP has, through a queue for each context. A command is taken off its queue
//! when its answer is durable and the broker has the reply; until then it comes again, and its key sees to it that nothing
//! happens twice.

use super::{
    link::{Link, Live},
    message::Message,
};
use crate::{
    actors::Context,
    inbound::{self, Answer, Inlet, InletHealth, Paths, Problem, Request, text},
};
use futures_util::{
    FutureExt, StreamExt,
    future::ready,
    stream::{BoxStream, FuturesUnordered, once, select_all},
};
use lapin::{
    Channel, Confirmation, ExchangeKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions,
        BasicQosOptions, BasicRejectOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Where commands are sent to, with the name of a context as the key; its queue has that name behind a dot.
pub const COMMANDS: &str = "holdfast.commands";
/// Where those end up that nobody could be told about: an exchange, and its queue.
pub const DEAD: &str = "holdfast.commands.dead";
/// How often a command is tried again.
const RETRIES: i64 = 5;
/// So many commands of a context are under way at once.
const PREFETCH: u16 = 64;

/// How commands are taken.
#[derive(Debug, Clone)]
pub struct CommandsSettings {
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The deepest nesting of a body.
    pub json_depth: usize,
    /// Whether the paths of collections are known without their system too.
    pub bare: bool,
    /// How long a confirm may take.
    pub confirm_timeout: Duration,
}

/// Takes commands over a [`Link`].
pub struct Commands {
    link: Arc<Link>,
    contexts: Vec<Arc<dyn Context>>,
    paths: Paths<usize>,
    settings: CommandsSettings,
    answered: AtomicU64,
    unroutable: AtomicU64,
    rejected: AtomicU64,
    /// Why no commands come in, while the link stands.
    trouble: Mutex<Option<String>>,
    finishing: watch::Sender<bool>,
    finished: watch::Sender<bool>,
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

/// A command that has come in, for the context in that place, over that channel; `None`: nothing will come any more.
type Came = (usize, Channel, Option<lapin::Result<Delivery>>);

impl Commands {
    /// Takes commands for those of `contexts` that decide.
    pub fn new(link: Arc<Link>, contexts: &[Arc<dyn Context>], settings: CommandsSettings) -> Arc<Self> {
        let contexts: Vec<_> = contexts.iter().filter(|context| !context.is_view()).cloned().collect();
        let mut paths = Paths::new(settings.bare);
        for (place, context) in contexts.iter().enumerate() {
            paths.lead(context.name(), context.aliases(), place);
        }
        let [answered, unroutable, rejected] = [0; 3].map(AtomicU64::new);
        let (finishing, finished) = (watch::Sender::new(false), watch::Sender::new(false));
        let trouble = Mutex::new(Some("no queue is heard yet".into()));
        Arc::new(Self { link, contexts, paths, settings, answered, unroutable, rejected, trouble, finishing, finished })
    }

    /// Takes commands for as long as it is polled, or until [`Commands::finish`].
    pub async fn run(self: Arc<Self>) {
        loop {
            let live = tokio::select! {
                live = self.link.up() => live,
                () = told(&self.finishing) => break,
            };
            let Err(why) = self.serve(&live).await else { break };
            self.link.broken(live.generation, &why);
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            let _ = self.link.state().wait_for(|state| !state.is_same(live.generation)).await;
        }
        self.finished.send_replace(true);
    }

    /// Takes no more commands; resolves when those under way have been answered.
    pub async fn finish(&self) {
        self.finishing.send_replace(true);
        told(&self.finished).await;
    }

    /// Takes commands over this connection: until it is broken, or until nothing more is to be taken.
    async fn serve(&self, live: &Live) -> Result<(), String> {
        let (mut coming, opened) = (Vec::new(), AtomicUsize::new(0));
        let opening = async {
            for (place, context) in self.contexts.iter().enumerate() {
                coming.push(open(live, place, context.name().context).await?);
                opened.fetch_add(1, Relaxed);
            }
            Ok(())
        };
        self.link.while_it_moves(live, &opened, self.settings.confirm_timeout, opening).await?;
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let (consumers, streams): (Vec<_>, Vec<_>) = coming.into_iter().unzip();
        let (mut coming, mut under_way) = (select_all(streams), FuturesUnordered::new());
        let mut state = self.link.state();
        loop {
            tokio::select! {
                came = coming.next() => match came {
                    Some((place, channel, Some(Ok(delivery)))) => {
                        // They enter in the order of their queue, and each is answered when it can be.
                        under_way.push(self.take(live, place, channel, delivery));
                    }
                    Some((.., Some(Err(why)))) => return Err(why.to_string()),
                    Some((.., None)) | None => return Err("a queue of commands is gone".into()),
                },
                Some(taken) = under_way.next() => taken?,
                _ = state.wait_for(|state| !state.is_same(live.generation)) => {
                    return Err("the connection was lost".into());
                }
                () = told(&self.finishing) => break,
            }
        }
        for (channel, consumer) in consumers {
            // What has been sent here and not been taken goes back when the connection ends.
            let _ = channel.basic_cancel(consumer, BasicCancelOptions::default()).await;
        }
        while let Some(taken) = under_way.next().await {
            taken?;
        }
        Ok(())
    }

    /// One command, from its delivery to its end.
    async fn take(&self, live: &Live, place: usize, channel: Channel, came: Delivery) -> Result<(), String> {
        let Delivery { data, properties, acker, .. } = came;
        let message = Message::of(&properties);
        let answer = self.answer(&message, place, data).await;
        let settled = if let Some(to) = &message.reply_to {
            let (still, timeout) = (AtomicUsize::new(0), self.settings.confirm_timeout);
            let replying = reply(&channel, to, &message, &answer);
            let count = match self.link.while_it_moves(live, &still, timeout, replying).await? {
                true => &self.answered,
                // Whoever asked has gone; what was asked has been done.
                false => &self.unroutable,
            };
            count.fetch_add(1, Relaxed);
            acker.ack(BasicAckOptions::default()).await
        } else if answer.status < 300 {
            acker.ack(BasicAckOptions::default()).await
        } else if answer.status == 503 && i64::from(message.tries) < RETRIES {
            // Nobody is there to try again, so this side does.
            tokio::time::sleep(Duration::from_secs(1 << message.tries)).await;
            acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
        } else {
            self.rejected.fetch_add(1, Relaxed);
            let status = answer.status;
            tracing::warn!(status, "a command was refused and nobody is to be told: it goes to {DEAD}");
            acker.reject(BasicRejectOptions { requeue: false }).await
        };
        match settled {
            Ok(true) => Ok(()),
            Ok(false) => Err("the channel of a command was lost".into()),
            Err(why) => Err(why.to_string()),
        }
    }

    async fn answer(&self, message: &Message, place: usize, body: Vec<u8>) -> Answer {
        let began = Instant::now();
        let path = text(message, "path").unwrap_or_default();
        let entering = AssertUnwindSafe(self.enter(message, place, path, body)).catch_unwind();
        let entered = entering.await.unwrap_or_else(|_| Err(Problem::crashed()));
        let answer = entered.unwrap_or_else(|problem| problem.answer(path, message));
        let said = |name: &str| text(message, name).unwrap_or_default();
        let (method, correlation) = (said("method"), said("x-correlation-id"));
        let trace = said("traceparent").split('-').nth(1).unwrap_or_default();
        let context = self.contexts.get(place).map_or("", |context| context.name().context);
        let (status, micros) = (answer.status, u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        tracing::info!(target: "holdfast::access", over = "amqp", method, context, status, micros, correlation, trace, "answered");
        answer
    }

    /// Brings a command in by the door that it names.
    async fn enter(&self, message: &Message, place: usize, path: &str, body: Vec<u8>) -> Result<Answer, Problem> {
        let method = text(message, "method").filter(|_| !path.is_empty()).ok_or_else(|| {
            Problem::new(
                "bad-request",
                "the headers `method` and `path` name a door, such as `PATCH` and `/bookrent/rents/7`",
                "`method`와 `path` 헤더가 필요합니다. 예: `PATCH`, `/bookrent/rents/7`",
            )
        })?;
        // A queue is for one context, as a port of its own is.
        let found = self.paths.find(path).filter(|(collection, ..)| collection.place == place);
        let (within, collection, rest) = found.ok_or_else(Problem::not_found)?;
        let context = self.contexts.get(place).ok_or_else(Problem::not_found)?.as_ref();
        let inside = inbound::place(context, rest).ok_or_else(Problem::not_found)?;
        let door = inbound::door(context, &inside, method).ok_or_else(|| {
            match inbound::methods(context, &inside).as_slice() {
                [] => Problem::not_found(),
                methods => Problem::method(&methods.join(", ")),
            }
        })?;
        if inbound::Headers::header(message, "idempotency-key").is_none() {
            return Err(Problem::new(
                "idempotency-key-missing",
                "a broker may deliver a command twice: give it a `message_id` or the header `idempotency-key`",
                "브로커가 명령을 두 번 전달할 수 있으므로 `message_id` 또는 `idempotency-key`가 필요합니다",
            ));
        }
        let base = text(message, "host").map_or(String::new(), |host| inbound::base("http", host));
        let request = Request { method, headers: message, base: &base, path: &within.path, collection, rest };
        let limit = self.settings.body_limit;
        let body = ready(if body.len() > limit { Err(Problem::too_large(limit)) } else { Ok(body) });
        inbound::command(&request, context, door, self.settings.json_depth, body).await
    }
}

impl Inlet for Commands {
    fn health(&self) -> InletHealth {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (up, state, error) = self.link.state().borrow().told(trouble);
        InletHealth {
            inlet: "commands",
            up,
            state,
            error,
            answered: self.answered.load(Relaxed),
            unroutable: self.unroutable.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            reconnects: self.link.reconnects(),
        }
    }
}

/// Resolves when it is so.
async fn told(of: &watch::Sender<bool>) {
    let _ = of.subscribe().wait_for(|is_so| *is_so).await;
}

/// Sends a reply; says whether its queue was there.
async fn reply(channel: &Channel, to: &ShortString, message: &Message, answer: &Answer) -> lapin::Result<bool> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let body = answer.content.as_ref().map_or(&[][..], |(_, body)| body);
    let sent = channel.basic_publish("".into(), to.clone(), options, body, message.reply(answer)).await?;
    match sent.await? {
        Confirmation::Ack(returned) => Ok(returned.is_none()),
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            Err(std::io::Error::other("the broker could not keep a reply").into())
        }
    }
}

/// The consumer of a context's commands, by its channel and tag, and what comes in by it.
type Opened = ((Channel, ShortString), BoxStream<'static, Came>);

/// Begins to hear the commands of `context`, with everything in place that is needed for it.
async fn open(live: &Live, place: usize, context: &str) -> lapin::Result<Opened> {
    let channel = live.connection.create_channel().await?;
    let queue = ShortString::from(format!("{COMMANDS}.{context}"));
    let none = FieldTable::default;
    let exchange = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(COMMANDS.into(), ExchangeKind::Direct, exchange, none()).await?;
    // A fanout keeps the key, so that what lies there can be sent to where it came from.
    channel.exchange_declare(DEAD.into(), ExchangeKind::Fanout, exchange, none()).await?;
    let text = |value: &str| AMQPValue::LongString(value.into());
    let quorum = |further: Vec<(&str, AMQPValue)>| {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text("quorum"));
        for (name, value) in further {
            arguments.insert(name.into(), value);
        }
        arguments
    };
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(DEAD.into(), durable, quorum(Vec::new())).await?;
    channel.queue_bind(DEAD.into(), DEAD.into(), "".into(), QueueBindOptions::default(), none()).await?;
    // A command is not lost between its queue and where the dead ones are; the broker wants the overflow for that.
    let arguments = quorum(vec![
        ("x-delivery-limit", AMQPValue::LongLongInt(RETRIES)),
        ("x-dead-letter-exchange", text(DEAD)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]);
    channel.queue_declare(queue.clone(), durable, arguments).await?;
    channel.queue_bind(queue.clone(), COMMANDS.into(), context.into(), QueueBindOptions::default(), none()).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let consumer = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), none()).await?;
    let tag = consumer.tag();
    let over = channel.clone();
    let coming = consumer.map(Some).chain(once(ready(None)));
    Ok(((channel, tag), coming.map(move |came| (place, over.clone(), came)).boxed()))
}
