//! What the broker has set aside of this node's messages: taken from the dead-letter queue into the store, where
//! operators see it beside what contexts have parked.

use super::{
    connection::{LiveConnection, ManagedConnection, retry_delay},
    event_message::{EventReader, ReadError, check_sent, text_headers},
    topology::{dead_letter_queue, declare_dead_letter_queue, is_channel_error},
};
use crate::{
    actors::{
        DeadLetter, DeadLetterStore, DeadLetters, Fault, Node, NumberedLetter, ReplicaHandle,
    },
    domain::Refusal,
    events::SealError,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use lapin::{
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use std::{fmt, sync::Arc, time::Duration};

/// While there is no room, the broker keeps what comes; it is looked again so often.
const FULL: Duration = Duration::from_secs(5);

/// The dead letters of a node.
pub struct DeadLetterConsumer {
    kept: DeadLetterStore,
    node: Arc<dyn Node>,
    replicas: Vec<Arc<dyn ReplicaHandle>>,
    queue: String,
    reader: EventReader,
}

impl DeadLetterConsumer {
    /// Those that `kept` has, and that are yet to come for the node called `name`, whose replicas they were meant for.
    pub fn new(
        kept: DeadLetterStore,
        node: Arc<dyn Node>,
        replicas: Vec<Arc<dyn ReplicaHandle>>,
        name: &str,
        reader: EventReader,
    ) -> Self {
        Self { kept, node, replicas, queue: dead_letter_queue(name), reader }
    }

    /// Takes what the broker sets aside, for as long as it is polled.
    pub async fn run(self: Arc<Self>, connection: Arc<ManagedConnection>, name: String) {
        let mut failures = 0;
        loop {
            let live = connection.wait_connected().await;
            let ended = tokio::select! {
                ended = self.consume_letters(&live, &name, &mut failures) => ended,
                () = connection.wait_lost(live.generation) => Ok(()),
            };
            if let Err(why) = ended.as_ref().map_err(ToString::to_string) {
                tracing::warn!(
                    queue = self.queue,
                    why,
                    "leaving dead letters at the broker for now"
                );
            }
            if ended.is_err_and(|why| !is_channel_error(&why)) {
                connection.report_broken(live.generation, "the dead letters could not be read");
            }
            failures += 1;
            tokio::time::sleep(retry_delay(failures)).await;
        }
    }

    async fn consume_letters(
        &self,
        live: &LiveConnection,
        name: &str,
        failures: &mut u32,
    ) -> lapin::Result<()> {
        let channel = live.connection.create_channel().await?;
        declare_dead_letter_queue(&channel, name).await?;
        channel.basic_qos(1, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let queue = self.queue.as_str().into();
        let mut consumer =
            channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
        while let Some(delivery) = consumer.next().await {
            let delivery = delivery?;
            let letter = self.read_letter(&delivery);
            loop {
                match self.kept.keep_letter(&letter).await {
                    Ok(true) => break,
                    Ok(false) => tracing::warn!(
                        queue = self.queue,
                        "keeping no more dead letters until some are dropped"
                    ),
                    Err(why) => {
                        tracing::warn!(queue = self.queue, %why, "cannot keep dead letter")
                    }
                }
                tokio::time::sleep(FULL).await;
            }
            check_sent(delivery.acker.ack(BasicAckOptions::default()).await?)?;
            *failures = 0;
        }
        Ok(())
    }

    /// The message as it came, and why it was not handled.
    fn read_letter(&self, delivery: &Delivery) -> DeadLetter {
        let mut headers = text_headers(delivery);
        let mut first =
            |name: &str| headers.remove(&format!("x-first-death-{name}")).unwrap_or_default();
        let queue = first("queue");
        let reason = first("reason");
        let body = String::from_utf8_lossy(&delivery.data).into_owned();
        let letter = DeadLetter {
            at: self.node.now(),
            queue,
            context: String::new(),
            reason: String::new(),
            headers,
            body: Some(body),
        };
        let replica = self.find_replica(&letter);
        let context = replica.map_or_else(String::new, |replica| replica.context().to_owned());
        let cannot = replica.and_then(|replica| {
            let read = self.reader.read_event(replica.context(), &letter.headers, &delivery.data);
            read.map_err(|why| why.to_string())
                .and_then(|event| replica.check_readable(event))
                .err()
        });
        let reason = cannot.unwrap_or_else(|| format!("the broker says `{reason}`"));
        DeadLetter { context, reason, ..letter }
    }

    /// For whom a letter was meant, by the queue that it came from.
    fn find_replica(&self, letter: &DeadLetter) -> Option<&Arc<dyn ReplicaHandle>> {
        self.replicas
            .iter()
            .find(|replica| letter.queue.ends_with(&format!(".{}", replica.context())))
    }

    async fn try_again(&self, letter: &DeadLetter) -> Result<(), Fault> {
        let cannot = |why: String| {
            let ko = format!("아직 받을 수 없는 메시지입니다: {why}");
            Fault::Refused(Refusal::invalid(
                "unreadable",
                format!("it still cannot be taken: {why}"),
                ko,
            ))
        };
        let replica = self
            .find_replica(letter)
            .ok_or_else(|| cannot("no context here listens to that context".into()))?;
        let body =
            letter.body.as_ref().ok_or_else(|| cannot("its body was too large to keep".into()))?;
        let read = self.reader.read_event(replica.context(), &letter.headers, body.as_bytes());
        let event = match read {
            Ok(event) => event,
            // It was sent before there was a key, and the log has it.
            Err(ReadError::Unsealed { event, why: SealError::Missing })
                if replica.has_event(event.id()) =>
            {
                return Ok(());
            }
            Err(why) => return Err(cannot(why.to_string())),
        };
        match replica.take_events(vec![event]).await.map_err(Fault::Store)?.pop() {
            None => Ok(()),
            Some((_, why)) => Err(cannot(why)),
        }
    }
}

impl fmt::Debug for DeadLetterConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letters").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl DeadLetters for DeadLetterConsumer {
    fn list_letters(&self) -> Result<Vec<NumberedLetter>, Fault> {
        Ok(self.kept.list_letters()?)
    }

    fn settle_letter(&self, number: u64, redrive: bool) -> BoxFuture<'_, Result<bool, Fault>> {
        async move {
            let found = self.kept.list_letters()?.into_iter().find(|(of, _)| *of == number);
            let Some((_, letter)) = found else { return Ok(false) };
            if redrive {
                self.try_again(&letter.map_err(Fault::Damaged)?).await?;
            }
            self.kept.remove(number).await?;
            Ok(true)
        }
        .boxed()
    }
}
