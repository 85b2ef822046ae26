//! The behavior of an aggregate context: commands, asks, answers, events and timers come in, one
//! batch a turn goes out.

pub use super::asks::waiting_keys_key;
use super::message::{AggregateMail, AskMessage};
pub use super::timers::timer_key;
pub(in crate::actors) use super::{
    answers::{answer_page_key, spill_oldest},
    expiry::expiry_rows,
    responses::request_key,
};
pub use crate::actors::port::retention::Retention;

pub(super) use super::expiry::Expiring;
use crate::{
    actors::{
        actor::{
            behavior::{Behavior, TurnOutput},
            mailbox::Mailbox,
        },
        ask::{directory::Peers, guard::Permit},
        erased::{AggregateType, Command, OpenAsk, Settings},
        port::{
            clock::Clock, context::Outcome, fault::Fault, health::Contested, status::ContextStatus,
        },
        subscription::{
            source::Subscribers,
            subscriptions::{Progress, Subscriptions},
        },
        tables::{
            log::LogEntry,
            rebuild,
            records::{Counters, SagaId, TraceContext},
            transaction::Tree,
        },
    },
    domain::NoAnswer,
    store::{Batch, Commit, Epoch, StoreError},
    sync,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::oneshot;

/// At most so many contested keys are shown.
const CONTESTED: usize = 100;

/// Identifies an aggregate's open question: the callee and the attempt.
pub(super) type Open = (&'static str, u32);

/// An aggregate that waits for an answer.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) open: Open,
    /// Keys of the idempotency rows that store the outcome, and how many rows hold those keys.
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) rows: u64,
    /// How often an answer changed nothing.
    pub(super) rounds: u32,
    pub(super) thread: TraceContext,
}

/// A client that waits until an aggregate is settled.
pub(super) struct Waiting {
    pub(super) reply: oneshot::Sender<Result<Outcome, Fault>>,
    pub(super) replayed: bool,
    pub(super) _permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

/// The behavior of an aggregate context, and its cache of what is stored.
pub struct AggregateBehavior {
    pub tree: Tree,
    pub shared: Arc<ContextStatus>,
    pub clock: Arc<Clock>,
    pub aggregate: &'static dyn AggregateType,
    pub settings: Settings,
    pub peers: Peers,
    pub subscriptions: Subscriptions<Command>,
    pub subscribers: Arc<Subscribers>,
    pub(super) mailbox: Option<Arc<Mailbox<AggregateMail>>>,
    pub(super) epoch: Epoch,
    pub(super) counters: Counters,
    /// The commit that wrote the counters.
    pub(super) counters_commit: Commit,
    pub(super) asking: BTreeMap<u64, Asking>,
    pub(super) waiting: BTreeMap<u64, Vec<Waiting>>,
    /// Asks to aggregates that cannot answer before their own question is settled.
    pub(super) postponed: BTreeMap<u64, Vec<AskMessage>>,
    pub(super) timers: super::timers::Timers,
    /// Keys that more than one aggregate claims.
    pub(super) contested: BTreeMap<String, Vec<u64>>,
    pub(super) has_more: bool,
    pub(super) expiry: super::expiry::ExpiryCursor,
}

/// What is done once a turn is accepted.
pub enum Effect {
    /// Publish events to the subscribers.
    Publish(Vec<LogEntry>),
    /// Ask a question, after a pause.
    Ask {
        number: u64,
        ask: OpenAsk,
        pass: Option<Permit>,
        pause: Duration,
        saga: SagaId,
        thread: TraceContext,
    },
    /// Answer a client.
    Reply { mail: usize, answer: Result<Outcome, Fault> },
    /// Keep a client waiting until the aggregate is settled.
    Wait { mail: usize, number: u64, replayed: bool },
    /// Answer everybody who waits for this aggregate.
    Settled { number: u64, outcome: Result<Outcome, Fault> },
    /// Answer an asker.
    Answer { mail: usize, answer: Result<(), NoAnswer> },
    /// Keep an asker waiting until the aggregate's own question is settled.
    Postpone { mail: usize, number: u64 },
    /// Answer an operator.
    Done { mail: usize, answer: Result<(), Fault> },
}

/// How an accepted turn changes the cache.
pub struct CacheUpdate {
    pub(super) counters: Counters,
    pub(super) progress: Progress,
    pub(super) asking: Vec<(u64, Option<Asking>)>,
    pub(super) timers: super::timers::TimersUpdate,
    pub(super) contested: Vec<(String, Vec<u64>)>,
    pub(super) has_more: bool,
    pub(super) expiry: Option<super::expiry::ExpiryCursor>,
}

impl AggregateBehavior {
    pub fn new(
        tree: Tree,
        shared: Arc<ContextStatus>,
        clock: Arc<Clock>,
        settings: Settings,
        peers: Peers,
        subscriptions: Subscriptions<Command>,
        subscribers: Arc<Subscribers>,
    ) -> Self {
        Self {
            aggregate: subscribers.aggregate,
            tree,
            shared,
            clock,
            settings,
            peers,
            subscriptions,
            subscribers,
            mailbox: None,
            epoch: Epoch(0),
            counters: Counters::default(),
            counters_commit: 0,
            asking: BTreeMap::new(),
            waiting: BTreeMap::new(),
            postponed: BTreeMap::new(),
            timers: super::timers::Timers::default(),
            contested: BTreeMap::new(),
            has_more: true,
            expiry: super::expiry::ExpiryCursor::default(),
        }
    }

    fn publish_health(&self) {
        self.shared.last_sequence.store(self.counters.last_sequence, Relaxed);
        self.shared.parked.store(self.subscriptions.parked(), Relaxed);
        let contested = self.contested.iter().take(CONTESTED);
        let contested = contested
            .map(|(key, numbers)| Contested { key: key.clone(), numbers: numbers.clone() });
        *sync::lock(&self.shared.contested) = contested.collect();
    }
}

impl Behavior for AggregateBehavior {
    type Mail = AggregateMail;
    type Effect = Effect;
    type CacheUpdate = CacheUpdate;

    fn reload(&mut self, mailbox: &Arc<Mailbox<AggregateMail>>) -> Result<(), StoreError> {
        self.mailbox = Some(mailbox.clone());
        self.epoch = self.tree.store.activate(self.tree.id)?;
        (self.counters, self.counters_commit) = rebuild::load(&self.tree)?;
        self.subscribers.load_history(&self.tree, Some(self.counters.last_sequence + 1))?;
        if rebuild::is_due(&self.counters, &self.tree) {
            return Ok(());
        }
        self.contested = rebuild::contested(&self.tree)?;
        self.subscriptions.reload(&self.tree)?;
        self.reload_timers()?;
        self.reload_questions()?;
        self.has_more = true;
        self.publish_health();
        self.subscribers.latest.fetch_max(self.counters.last_sequence, Relaxed);
        self.subscribers.publish(&Arc::from([]));
        Ok(())
    }

    fn prepare(&mut self) -> Result<Option<Batch>, StoreError> {
        if !rebuild::is_due(&self.counters, &self.tree) {
            return Ok(None);
        }
        let at = (&self.counters, self.counters_commit);
        let (batch, after) =
            rebuild::page(&self.tree, self.epoch, at, self.shared.retention.seconds())?;
        self.shared.rebuilt.store(after.rebuild.map_or(0, |rebuild| rebuild.rows), Relaxed);
        Ok(Some(batch))
    }

    fn decide(&mut self, mails: &[Option<AggregateMail>]) -> Result<TurnOutput<Self>, StoreError> {
        let mut work = super::turn::Turn::new(self);
        for (place, mail) in mails.iter().enumerate() {
            if let Some(mail) = mail {
                work.handle(place, mail)?;
            }
        }
        work.into_output()
    }

    fn apply_cache(&mut self, memory: CacheUpdate, commit: Commit) {
        if memory.counters != self.counters {
            self.counters_commit = commit;
        }
        self.counters = memory.counters;
        self.subscriptions.apply_progress(&memory.progress);
        for (number, asking) in memory.asking {
            match asking {
                Some(asking) => drop(self.asking.insert(number, asking)),
                None => drop(self.asking.remove(&number)),
            }
        }
        self.timers.apply(memory.timers);
        for (key, numbers) in memory.contested {
            match numbers.len() {
                0 | 1 => drop(self.contested.remove(&key)),
                _ => drop(self.contested.insert(key, numbers)),
            }
        }
        self.has_more = memory.has_more || memory.progress.more;
        if let Some(sweep) = memory.expiry {
            self.expiry = sweep;
        }
        self.publish_health();
    }

    fn run_effect(&mut self, commit: Commit, effect: Effect, mails: &mut [Option<AggregateMail>]) {
        let mut mail = |place: usize| mails.get_mut(place).and_then(Option::take);
        match effect {
            Effect::Publish(events) => self.subscribers.publish(&events.into()),
            Effect::Ask { number, ask, pass, pause, saga, thread } => {
                self.send_ask(number, ask, pass, pause, saga, thread)
            }
            Effect::Reply { mail: place, answer } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    self.shared.reply(commit, entry.reply, answer, false);
                }
            }
            Effect::Wait { mail: place, number, replayed } => {
                if let Some(AggregateMail::Command(entry)) = mail(place) {
                    let waiting = Waiting { reply: entry.reply, replayed, _permit: entry.permit };
                    self.waiting.entry(number).or_default().push(waiting);
                    self.shared.waiting.fetch_add(1, Relaxed);
                }
            }
            Effect::Settled { number, outcome } => {
                for waiting in self.waiting.remove(&number).unwrap_or_default() {
                    self.shared.waiting.fetch_sub(1, Relaxed);
                    let answer = super::message::as_replay(outcome.clone(), waiting.replayed);
                    self.shared.reply(commit, waiting.reply, answer, true);
                }
                for asked in self.postponed.remove(&number).unwrap_or_default() {
                    if let Some(mailbox) = &self.mailbox {
                        mailbox.post(AggregateMail::Ask(asked));
                    }
                }
            }
            Effect::Answer { mail: place, answer } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.shared.answer_ask(asked.reply, answer);
                }
            }
            Effect::Postpone { mail: place, number } => {
                if let Some(AggregateMail::Ask(asked)) = mail(place) {
                    self.postponed.entry(number).or_default().push(asked);
                }
            }
            Effect::Done { mail: place, answer } => {
                if let Some(AggregateMail::Unpark { done, .. }) = mail(place) {
                    self.shared.reply(commit, done, answer, false);
                }
            }
        }
    }

    fn on_accepted(effects: &VecDeque<Effect>, mails: &[Option<AggregateMail>]) {
        for effect in effects {
            let (place, number) = match effect {
                Effect::Reply { mail, answer: Ok(outcome) } => (*mail, outcome.number),
                Effect::Wait { mail, number, .. } => (*mail, *number),
                _ => continue,
            };
            if let Some(Some(AggregateMail::Command(entry))) = mails.get(place) {
                entry.progress.set_recorded(number);
            }
        }
    }

    fn reject(&mut self, mail: AggregateMail, why: &Fault) {
        match mail {
            AggregateMail::Command(entry) => drop(entry.reply.send(Err(why.clone()))),
            AggregateMail::Unpark { done, .. } => drop(done.send(Err(why.clone()))),
            // The asker times out; events and timers are read again from the store. A rejected
            // answer leaves its question open, so the question is asked again.
            AggregateMail::Answer { number, .. } => self.retry_ask(number),
            AggregateMail::Ask(_) | AggregateMail::Delivery(_) | AggregateMail::Wake => {
                self.has_more = true
            }
        }
    }

    fn drop_waiting(&mut self) {
        // Their commands are recorded: the handle answers with the current state.
        let waiting = std::mem::take(&mut self.waiting).into_values().flatten().count();
        self.shared.waiting.fetch_sub(waiting as u64, Relaxed);
        self.postponed.clear();
        self.asking.clear();
        self.publish_health();
    }

    fn is_from_outside(mail: &AggregateMail) -> bool {
        matches!(mail, AggregateMail::Command(_))
    }

    fn next_wake(&self) -> Option<Duration> {
        if self.has_more {
            return Some(Duration::ZERO);
        }
        // The next timer is never a failing one: those have their own retry time.
        let (due, stuck) = self.timers.due();
        let due = due.map(|at| self.clock.until(at));
        [
            due,
            stuck,
            self.subscriptions.next_wake(&self.counters.positions),
            Some(self.expiry.due_in()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn wake_mail() -> AggregateMail {
        AggregateMail::Wake
    }
}
