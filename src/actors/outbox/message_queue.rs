//! The text messages of a context on their way to a gateway.
//!
//! A message waits as long as the state of its context has it, and what became of it is a command to that context: so
//! neither a crash nor a repeat loses one. Messages to one telephone keep their order; a telephone that is slow, or that the
//! gateway refuses, holds up no other.

use super::{
    pump::{Cursor, Cursors, RunningPump},
    refused_messages::RefusedMessages,
    telephones::{QueuedMessage, Telephones},
};
use crate::{
    actors::port::{
        context::Context,
        event_log::{EventLog, OutboundMessage, OutboxHealth},
        machine::Machine,
        message::{MessageGateway, NotSent, RefusedMessage},
        sink::SinkHealth,
    },
    domain::MessageOutcome,
    store::StoreError,
    sync,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// At most so many messages are under way at once.
const WINDOW: usize = 16;
/// At most so many are read ahead of the first that is not settled.
const READ_AHEAD: usize = 4096;
const MIN_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The text messages of one context.
pub struct MessageQueue {
    sink: &'static str,
    context: Arc<dyn Context>,
    log: Arc<dyn EventLog<OutboundMessage>>,
    gateway: Arc<dyn MessageGateway>,
    machine: Machine,
    cursors: Arc<Cursors>,
    refused: Arc<RefusedMessages>,
    /// Every message up to here is settled.
    cursor: Cursor,
    /// How far the log has been read, and how many of the messages up to there are not settled.
    read: (AtomicU64, AtomicU64),
    /// Failures in a row, and the last of them.
    failures: Mutex<(u64, Option<String>)>,
}

/// How a message that was under way has ended.
enum Done {
    Settled(QueuedMessage),
    /// It was never started: it was too much for its telephone.
    Dropped(QueuedMessage),
    Failed(QueuedMessage, String),
}

impl MessageQueue {
    pub fn new(
        sink: &'static str,
        context: Arc<dyn Context>,
        log: Arc<dyn EventLog<OutboundMessage>>,
        gateway: Arc<dyn MessageGateway>,
        machine: Machine,
        cursors: Arc<Cursors>,
        refused: Arc<RefusedMessages>,
    ) -> Result<Self, StoreError> {
        let latest = *log.latest().borrow();
        let cursor = cursors.get(sink, log.context(), latest)?;
        let read = (AtomicU64::new(cursor.place()), AtomicU64::new(0));
        let failures = Mutex::default();
        Ok(Self { sink, context, log, gateway, machine, cursors, refused, cursor, read, failures })
    }

    /// Runs until there can be no more messages.
    async fn send_all(&self) {
        let mut latest = self.log.latest();
        let mut telephones = Telephones::from(self.cursor.place());
        let mut under_way: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        loop {
            while telephones.unsettled_count() < READ_AHEAD
                && *latest.borrow_and_update() > telephones.read_to()
            {
                match self.read_ahead(&mut telephones).await {
                    Ok(overflow) => {
                        under_way
                            .extend(overflow.into_iter().map(|entry| self.drop_message(entry)));
                    }
                    Err(error) => self.back_off(&error.to_string()).await,
                }
            }
            self.read.0.store(telephones.read_to(), Relaxed);
            self.read.1.store(telephones.unsettled_count() as u64, Relaxed);
            self.move_cursor(telephones.settled_to()).await;
            let room = self.window_size().saturating_sub(under_way.len());
            let start = telephones.start_messages(Instant::now(), room);
            under_way.extend(start.into_iter().map(|entry| self.send_message(entry).boxed()));
            let wake = telephones.next_wake();
            let may_read = telephones.unsettled_count() < READ_AHEAD;
            tokio::select! {
                biased;
                Some(done) = under_way.next(), if !under_way.is_empty() => match done {
                    Done::Settled(entry) => {
                        *sync::lock(&self.failures) = (0, None);
                        telephones.settle_message(entry, true);
                    }
                    Done::Dropped(entry) => telephones.settle_message(entry, false),
                    Done::Failed(entry, why) => {
                        let now = Instant::now();
                        let earliest = now + self.note_failure(&entry, &why);
                        telephones.put_back(entry, now, earliest, |failures| self.backoff(failures));
                    }
                },
                changed = latest.changed(), if may_read => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    /// While the gateway takes nothing, one message at a time tries it.
    fn window_size(&self) -> usize {
        if sync::lock(&self.failures).0 >= WINDOW as u64 { 1 } else { WINDOW }
    }

    /// Reads what comes next. Gives what is too much for its telephone.
    async fn read_ahead(
        &self,
        telephones: &mut Telephones,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        let page = self.log.read_page(telephones.read_to() + 1)?;
        self.cursors.wait_durable(page.commit).await?;
        Ok(telephones.add_page(page.items, page.last))
    }

    async fn move_cursor(&self, to: u64) {
        if to <= self.cursor.place() {
            return;
        }
        // A cursor that lags costs a look at messages that are settled, after a restart.
        if let Err(error) = self.cursors.save_cursor(self.sink, self.log.context(), to).await {
            self.back_off(&error.to_string()).await;
        } else {
            self.cursor.move_to(to);
        }
    }

    async fn send_message(&self, entry: QueuedMessage) -> Done {
        let outcome = match self.gateway.send(&entry.message).await {
            Ok(()) => MessageOutcome::Sent,
            Err(NotSent::Refused(reason)) => MessageOutcome::Refused { reason },
            Err(NotSent::Failed(why)) => return Done::Failed(entry, why),
        };
        self.report_outcome(&entry.message, &outcome).await;
        Done::Settled(entry)
    }

    fn drop_message(&self, entry: QueuedMessage) -> BoxFuture<'_, Done> {
        async move {
            let reason = "too many messages wait for this telephone".to_owned();
            self.report_outcome(&entry.message, &MessageOutcome::Refused { reason }).await;
            Done::Dropped(entry)
        }
        .boxed()
    }

    /// Reports an outcome to the context until it has recorded it.
    async fn report_outcome(&self, message: &OutboundMessage, outcome: &MessageOutcome) {
        let mut attempts = 0;
        while let Err(why) = self.try_report(message, outcome).await {
            attempts += 1;
            *sync::lock(&self.failures) = (attempts, Some(why));
            tokio::time::sleep(self.backoff(attempts)).await;
        }
    }

    async fn try_report(
        &self,
        message: &OutboundMessage,
        outcome: &MessageOutcome,
    ) -> Result<(), String> {
        let OutboundMessage { context, event, number, at, saga, .. } = message;
        let refused = match outcome {
            MessageOutcome::Refused { reason } => Some(RefusedMessage {
                context: (*context).to_owned(),
                number: *number,
                event: event.to_string(),
                saga: saga.clone(),
                at: *at,
                reason: reason.clone(),
            }),
            _ => None,
        };
        // The row comes first, so that a crash loses none; and again, where an operator has retried or dropped it before it
        // was recorded.
        if let Some(refused) = &refused {
            tracing::warn!(context, %event, number, reason = refused.reason, "text message refused");
            self.refused.keep_message(refused).await.map_err(|error| error.to_string())?;
        }
        let reported = self.context.report_message(*number, outcome.clone()).await;
        reported.map_err(|fault| format!("{context} cannot record it: {fault:?}"))?;
        let settled = match &refused {
            Some(refused) => self.refused.keep_message(refused).await,
            None => self.refused.remove(context, *number, None).await,
        };
        settled.map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Counts a failure. Gives how long the gateway is left alone for it.
    fn note_failure(&self, entry: &QueuedMessage, why: &str) -> Duration {
        let failures = {
            let mut failures = sync::lock(&self.failures);
            *failures = (failures.0.saturating_add(1), Some(why.to_owned()));
            failures.0
        };
        if failures.is_power_of_two() {
            let OutboundMessage { context, event, number, .. } = &entry.message;
            tracing::warn!(context, %event, number, failures, why, "retrying text message");
        }
        self.machine.random_backoff(
            failures.saturating_sub(WINDOW as u64),
            Duration::ZERO,
            MAX_BACKOFF,
        )
    }

    fn backoff(&self, failures: u64) -> Duration {
        self.machine.random_backoff(failures, MIN_BACKOFF, MAX_BACKOFF)
    }

    async fn back_off(&self, why: &str) {
        let attempts = {
            let mut failures = sync::lock(&self.failures);
            *failures = (failures.0.saturating_add(1), Some(why.to_owned()));
            failures.0
        };
        tokio::time::sleep(self.backoff(attempts)).await;
    }
}

impl RunningPump for MessageQueue {
    fn health(&self) -> OutboxHealth {
        let (attempts, error) = sync::lock(&self.failures).clone();
        // The cursor stays before the first message that is not settled, however many after it are.
        let unread = self.log.latest().borrow().saturating_sub(self.read.0.load(Relaxed));
        let pending = unread.saturating_add(self.read.1.load(Relaxed));
        let sink = self.sink;
        let context = self.log.context();
        let damage = self.cursor.damage();
        OutboxHealth { sink, context, pending, attempts, error, damage }
    }
    fn sink_health(&self) -> Option<SinkHealth> {
        None
    }
    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move { self.send_all().await }.boxed()
    }
}
