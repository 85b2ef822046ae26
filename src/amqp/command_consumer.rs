//! Commands over the broker: the routes that HTTP has, through a queue for each context. A command is taken off its queue
//! when its answer is durable and the broker has the reply; until then it comes again, and its key sees to it that nothing
//! happens twice.

use super::{
    command_dispatcher::CommandDispatcher,
    connection::{LiveConnection, ManagedConnection, retry_delay},
    message::InboundCommand,
    topology::{COMMANDS, DEAD_COMMANDS, declare_exchange, declare_queue, text_value},
};
use crate::{
    actors::backoff_delay,
    api::{Answer, Ingress, IngressHealth},
    sync,
};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation, Consumer, ExchangeKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions,
        BasicPublishOptions, BasicQosOptions, BasicRejectOptions, ConfirmSelectOptions,
        QueueBindOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, watch};

/// How often a command is tried again.
const RETRIES: i64 = 5;
/// So many commands of a context are under way at once.
const PREFETCH: u16 = 64;
/// So many wait because their senders have sent too much: they must not take the places of what others send.
const WAITING: usize = 16;

/// Takes commands over a [`ManagedConnection`].
pub struct CommandConsumer {
    connection: Arc<ManagedConnection>,
    dispatcher: CommandDispatcher,
    /// How long a confirm may take.
    confirm_timeout: Duration,
    answered: AtomicU64,
    unroutable: AtomicU64,
    rejected: AtomicU64,
    waiting: Semaphore,
    /// The contexts that no commands come in for while the connection is up, and why.
    errors: Mutex<BTreeMap<&'static str, String>>,
    finishing: watch::Sender<bool>,
    finished: watch::Sender<bool>,
}

impl fmt::Debug for CommandConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

impl CommandConsumer {
    /// Takes commands that come over `link`, where a confirm may take so long, in by `entrance`.
    pub fn new(
        connection: Arc<ManagedConnection>,
        dispatcher: CommandDispatcher,
        confirm_timeout: Duration,
    ) -> Arc<Self> {
        let trouble = Mutex::new(
            dispatcher
                .context_names()
                .map(|context| (context, "not heard yet".to_owned()))
                .collect(),
        );
        let [answered, unroutable, rejected] = [0; 3].map(AtomicU64::new);
        let [finishing, finished] = [false; 2].map(watch::Sender::new);
        Arc::new(Self {
            connection,
            dispatcher,
            confirm_timeout,
            answered,
            unroutable,
            rejected,
            waiting: Semaphore::new(WAITING),
            errors: trouble,
            finishing,
            finished,
        })
    }

    /// Takes commands for as long as it is polled, or until [`CommandConsumer::finish_commands`].
    pub async fn run(self: Arc<Self>) {
        join_all(
            self.dispatcher
                .context_names()
                .enumerate()
                .map(|(place, context)| self.consume_context(place, context)),
        )
        .await;
        self.finished.send_replace(true);
    }

    /// Takes no more commands; resolves when those under way have been answered.
    pub async fn finish_commands(&self) {
        self.finishing.send_replace(true);
        wait_until_set(&self.finished).await;
    }

    /// Takes the commands of one context, over one channel after the other: what is wrong with its queue is nothing to
    /// the others.
    async fn consume_context(&self, place: usize, context: &'static str) {
        let mut failures = 0;
        loop {
            let live = tokio::select! {
                live = self.connection.wait_unblocked() => live,
                () = wait_until_set(&self.finishing) => return,
            };
            let Err(why) = self.serve_queue(&live, place, context, &mut failures).await else {
                return;
            };
            failures += 1;
            if failures.is_power_of_two()
                && self.connection.state().borrow().is_generation(live.generation)
            {
                tracing::warn!(context, failures, why, "commands of a context cannot be heard");
            }
            sync::lock(&self.errors).insert(context, why);
            tokio::select! {
                () = tokio::time::sleep(retry_delay(failures)) => {}
                () = wait_until_set(&self.finishing) => return,
            }
        }
    }

    /// Takes the commands of one context over this connection: until something is wrong with it or with the queue, or
    /// until nothing more is to be taken.
    async fn serve_queue(
        &self,
        live: &LiveConnection,
        place: usize,
        context: &'static str,
        failures: &mut u32,
    ) -> Result<(), String> {
        let steps = AtomicUsize::new(0);
        let opening = open_consumer(live, context, &steps);
        let (channel, consumer) = self
            .connection
            .with_progress_timeout(live, &steps, self.confirm_timeout, opening)
            .await?;
        *failures = 0;
        sync::lock(&self.errors).remove(context);
        let ended = self.consume_queue(live, place, &channel, consumer).await;
        if let Err(why) = &ended {
            // What was under way over it goes back to its queue when the channel is closed, or else the connection.
            let closing = channel.close(200, "a fresh one follows".into());
            if !matches!(tokio::time::timeout(self.confirm_timeout, closing).await, Ok(Ok(()))) {
                self.connection.report_broken(live.generation, why);
            }
        }
        ended
    }

    async fn consume_queue(
        &self,
        live: &LiveConnection,
        place: usize,
        over: &Channel,
        mut coming: Consumer,
    ) -> Result<(), String> {
        let mut state = self.connection.state();
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                came = coming.next() => match came {
                    // They enter in the order of their queue, and each is answered when it can be.
                    Some(Ok(delivery)) => under_way.push(self.handle_delivery(live, place, over, delivery)),
                    Some(Err(why)) => return Err(why.to_string()),
                    None => return Err("the queue is gone".into()),
                },
                Some(taken) = under_way.next() => taken?,
                _ = state.wait_for(|state| !state.is_generation(live.generation)) => {
                    return Err("the connection was lost".into());
                }
                () = wait_until_set(&self.finishing) => break,
            }
        }
        // What has come and not been taken goes back when the connection ends.
        let _ = over.basic_cancel(coming.tag(), BasicCancelOptions::default()).await;
        while let Some(taken) = under_way.next().await {
            taken?;
        }
        Ok(())
    }

    /// One command, from its delivery to its end.
    async fn handle_delivery(
        &self,
        live: &LiveConnection,
        place: usize,
        over: &Channel,
        mut came: Delivery,
    ) -> Result<(), String> {
        let message = InboundCommand::from_properties(&came.properties);
        let data = std::mem::take(&mut came.data);
        let answer = self.dispatcher.answer_command(&message, place, data).await;
        let again = i64::from(message.delivery_count) < RETRIES;
        let place_to_wait = match answer.status {
            503 => Some(None),
            429 => self.waiting.try_acquire().ok().map(Some),
            _ => None,
        };
        let settled = if let Some(to) = &message.reply_to {
            let still = AtomicUsize::new(0);
            let timeout = self.confirm_timeout;
            let replying = publish_reply(over, to, &message, &answer);
            match self.connection.with_progress_timeout(live, &still, timeout, replying).await {
                Ok(ReplyOutcome::Kept) => self.acknowledge_delivery(&came, &self.answered).await,
                // The sender is gone; its command has been executed.
                Ok(ReplyOutcome::Unroutable) => {
                    self.acknowledge_delivery(&came, &self.unroutable).await
                }
                // One whose queue is full is nothing to the others; what was asked is not done again.
                Ok(ReplyOutcome::Refused) | Err(_) if again => {
                    requeue_after(&came, message.delivery_count).await
                }
                Ok(ReplyOutcome::Refused) | Err(_) => {
                    self.acknowledge_delivery(&came, &self.unroutable).await
                }
            }
        } else if answer.status < 300 {
            came.acker.ack(BasicAckOptions::default()).await
        } else if let Some(_place) = place_to_wait.filter(|_| again) {
            // No sender is there to try again, so this side does.
            requeue_after(&came, message.delivery_count).await
        } else {
            self.rejected.fetch_add(1, Relaxed);
            let status = answer.status;
            tracing::warn!(
                status,
                "dead-lettering a refused command without a reply queue to {DEAD_COMMANDS}"
            );
            came.acker.reject(BasicRejectOptions { requeue: false }).await
        };
        match settled {
            Ok(true) => Ok(()),
            Ok(false) => Err("the channel of a command was lost".into()),
            Err(why) => Err(why.to_string()),
        }
    }

    async fn acknowledge_delivery(
        &self,
        came: &Delivery,
        count: &AtomicU64,
    ) -> lapin::Result<bool> {
        count.fetch_add(1, Relaxed);
        came.acker.ack(BasicAckOptions::default()).await
    }
}

impl Ingress for CommandConsumer {
    fn health(&self) -> IngressHealth {
        let trouble = sync::lock(&self.errors);
        let trouble = trouble.iter().next().map(|(context, why)| format!("{context}: {why}"));
        let (up, state, error) = self.connection.state().borrow().describe_state(trouble);
        IngressHealth {
            inlet: "commands",
            up,
            state,
            error,
            answered: self.answered.load(Relaxed),
            unroutable: self.unroutable.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            reconnects: self.connection.reconnects(),
        }
    }
}

/// Resolves when it is so.
async fn wait_until_set(of: &watch::Sender<bool>) {
    let _ = of.subscribe().wait_for(|is_so| *is_so).await;
}

/// Puts a command back after a while, a longer one each time.
async fn requeue_after(came: &Delivery, tries: u32) -> lapin::Result<bool> {
    tokio::time::sleep(backoff_delay(
        u64::from(tries) + 1,
        Duration::from_secs(1),
        Duration::from_secs(32),
    ))
    .await;
    came.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
}

/// What became of a reply.
enum ReplyOutcome {
    Kept,
    /// There is no such queue.
    Unroutable,
    /// The queue is full, or has failed.
    Refused,
}

async fn publish_reply(
    channel: &Channel,
    to: &ShortString,
    message: &InboundCommand,
    answer: &Answer,
) -> lapin::Result<ReplyOutcome> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let body = answer.content.as_ref().map_or(&[][..], |(_, body)| body);
    let sent = channel
        .basic_publish("".into(), to.clone(), options, body, message.reply_properties(answer))
        .await?;
    Ok(match sent.await? {
        Confirmation::Ack(None) => ReplyOutcome::Kept,
        Confirmation::Ack(Some(_)) => ReplyOutcome::Unroutable,
        Confirmation::Nack(_) | Confirmation::NotRequested => ReplyOutcome::Refused,
    })
}

/// Begins to consume the commands of `context` on a channel of its own, with everything in place that is needed for it.
async fn open_consumer(
    live: &LiveConnection,
    context: &str,
    steps: &AtomicUsize,
) -> lapin::Result<(Channel, Consumer)> {
    let channel = live.connection.create_channel().await?;
    let queue = format!("{COMMANDS}.{context}");
    let none = FieldTable::default;
    let bind = QueueBindOptions::default();
    let everything = ShortString::default();
    declare_exchange(&channel, COMMANDS, ExchangeKind::Direct).await?;
    // A fanout keeps the key, so that what lies there can be sent to where it came from.
    declare_exchange(&channel, DEAD_COMMANDS, ExchangeKind::Fanout).await?;
    declare_queue(&channel, DEAD_COMMANDS, &[]).await?;
    channel
        .queue_bind(DEAD_COMMANDS.into(), DEAD_COMMANDS.into(), everything, bind, none())
        .await?;
    // A command is not lost between its queue and where the dead ones are; the broker wants the overflow for that.
    let arguments = [
        ("x-delivery-limit", AMQPValue::LongLongInt(RETRIES)),
        ("x-dead-letter-exchange", text_value(DEAD_COMMANDS)),
        ("x-dead-letter-strategy", text_value("at-least-once")),
        ("x-overflow", text_value("reject-publish")),
    ];
    declare_queue(&channel, &queue, &arguments).await?;
    channel
        .queue_bind(queue.as_str().into(), COMMANDS.into(), context.into(), bind, none())
        .await?;
    steps.fetch_add(1, Relaxed);
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let consumer = channel
        .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), none())
        .await?;
    Ok((channel, consumer))
}
