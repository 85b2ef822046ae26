//! One turn of an aggregate context: each message is decided on a copy, and the results become one
//! batch.

use super::{
    asks,
    context::{AggregateBehavior, AggregateEffect, Asking, Open},
    expiry::{Expiring, ExpiryCursor},
    timers::TimersUpdate,
};
use crate::{
    actors::{
        ask::guard::Permit,
        erased::{Command, ErasedAsk},
        port::{
            context::Outcome,
            fault::{CommandFault, Fault},
            health::OrderCounts,
            safeguard::Safeguard,
            saga::TraceContext,
        },
        subscription::progress::SubscriptionProgress,
        tables::{
            answers::AnswerPage, clipping::clip_refusal, counters::Counters, log::LogEntry, query,
            sagas::SagaPage, transaction::Transaction,
        },
    },
    domain::{Kind, Lifecycle, NoAnswer, OrderOutcome, Refusal, Timestamp},
    spans::Span,
    store::{StoreError, codec},
};
use serde_bytes::ByteBuf;
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// What an aggregate that this turn touched waits for at its end.
pub(crate) struct Awaited {
    pub(crate) open_question: Option<Open>,
    pub(super) to_ask: Option<(ErasedAsk, Option<Permit>, Duration)>,
    /// Keys of the idempotency rows that store the outcome.
    pub(crate) keys: Vec<Vec<u8>>,
    /// How many of the keys are already stored, and in how many rows after the question page.
    pub(super) saved: (usize, u64),
    /// How many rows were stored before this turn.
    pub(super) before: u64,
    pub(super) rounds: u32,
    pub(super) thread: TraceContext,
    /// The sequence of the event that asked, where it is known.
    pub(super) asked_by: Option<u64>,
}

impl Awaited {
    fn new(open_question: Option<Open>, known: Option<&Asking>, thread: TraceContext) -> Self {
        let keys = known.map(|asking| asking.keys.clone()).unwrap_or_default();
        let rows = known.map_or(0, |asking| asking.rows);
        let rounds = known.map_or(0, |asking| asking.rounds);
        Self {
            open_question,
            to_ask: None,
            saved: (keys.len(), rows),
            before: rows,
            keys,
            rounds,
            thread,
            asked_by: known.and_then(|asking| asking.asked_by),
        }
    }
    /// The keys whose outcome is known now.
    pub(crate) fn take_keys(&mut self) -> Vec<Vec<u8>> {
        self.saved = (0, 0);
        std::mem::take(&mut self.keys)
    }
}

/// Why a message had no effect.
#[derive(Debug)]
pub(crate) enum Rejection {
    Refused(Refusal),
    Busy(Duration),
    Crashed,
    /// Its events or its state, whichever is named, are too large to be stored.
    TooLarge(String),
}

impl Rejection {
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Refused(refusal) => Fault::Refused(refusal),
            Self::Busy(retry_after) => Fault::Busy { retry_after },
            Self::Crashed => Fault::Crashed,
            Self::TooLarge(_) => Fault::TooLong { limit: codec::MAX_RECORD },
        }
    }
}

/// The asking context, and the page.
type PageId = (Cow<'static, str>, u64);

/// The pages that this turn has read, and whether each has changed.
pub(crate) type AnswerPages = BTreeMap<PageId, (AnswerPage, bool)>;

/// The state of one turn.
pub struct Turn<'a> {
    pub(crate) behavior: &'a AggregateBehavior,
    pub(crate) transaction: Transaction<'a>,
    pub(crate) counters: Counters,
    pub(crate) now: Timestamp,
    pub(crate) awaited: BTreeMap<u64, Awaited>,
    pub(crate) effects: VecDeque<AggregateEffect>,
    /// Clients that wait for an aggregate: place of the message, number, whether it is a replay.
    pub(crate) waiters: Vec<(usize, u64, bool)>,
    /// Idempotency rows to write once the outcome is known, with the aggregate's number.
    pub(crate) new_keys: Vec<(Vec<u8>, u64)>,
    /// Aggregates whose question was not answered, and how long the callee's breaker stays open.
    pub(crate) shut_for: BTreeMap<u64, Duration>,
    /// Rows of this turn that expire.
    pub(crate) expiring: Vec<Expiring>,
    pub(crate) timers: TimersUpdate,
    pub(crate) contested: Vec<(String, Vec<u64>)>,
    pub(crate) expiry: Option<ExpiryCursor>,
    pub(crate) progress: SubscriptionProgress,
    pub(crate) events: Vec<LogEntry>,
    /// The encoded form of each event.
    pub(crate) encoded_events: Vec<ByteBuf>,
    /// Pages of answers that this turn has read or changed.
    pub(crate) answers: AnswerPages,
    pub(crate) sagas: BTreeMap<(Cow<'static, str>, u64), SagaPage>,
    /// Orders that have ended in this turn.
    pub(super) orders: OrderCounts,
    /// The spans that last until what was decided is durable.
    pub(super) commits: Vec<Span>,
}

impl<'a> Turn<'a> {
    pub fn new(behavior: &'a AggregateBehavior) -> Self {
        let progress = SubscriptionProgress::from(&behavior.counters.positions);
        Self {
            behavior,
            transaction: Transaction::new(&behavior.tree, 0, behavior.counters.highest),
            counters: behavior.counters.clone(),
            now: behavior.clock.now(),
            awaited: BTreeMap::new(),
            effects: VecDeque::new(),
            waiters: Vec::new(),
            new_keys: Vec::new(),
            shut_for: BTreeMap::new(),
            expiring: Vec::new(),
            timers: TimersUpdate::default(),
            contested: Vec::new(),
            expiry: None,
            progress,
            events: Vec::new(),
            encoded_events: Vec::new(),
            answers: AnswerPages::new(),
            sagas: BTreeMap::new(),
            orders: OrderCounts::default(),
            commits: Vec::new(),
        }
    }

    /// Whether its context does what `safeguard` says.
    pub(crate) fn does(&self, safeguard: Safeguard) -> bool {
        self.behavior.shared.does(safeguard)
    }

    /// The open question of `number`, as of this point of the turn.
    pub(crate) fn open_question(&self, number: u64) -> Option<Open> {
        match self.awaited.get(&number) {
            Some(awaited) => awaited.open_question,
            None => self.behavior.asking.get(&number).map(|asking| asking.open),
        }
    }

    /// What an order does when its open ask is refused, if it has one.
    pub(crate) fn refused_ask(&mut self, number: u64) -> Result<Option<Command>, StoreError> {
        let state = self.transaction.load_state(number)?.now.state.as_ref();
        let ask = self.behavior.aggregate.awaits(state, number);
        Ok(ask.map(|ask| (ask.then)(Err(NoAnswer::Refused(Refusal::still_open())))))
    }

    pub(crate) fn set_awaited(
        &mut self,
        number: u64,
        open_question: Option<Open>,
        to_ask: Option<(ErasedAsk, Option<Permit>, Duration)>,
        thread: TraceContext,
    ) {
        let known = self.behavior.asking.get(&number);
        let awaited =
            self.awaited.entry(number).or_insert_with(|| Awaited::new(None, known, thread));
        awaited.open_question = open_question;
        if to_ask.is_some() {
            awaited.to_ask = to_ask;
            awaited.rounds = 0;
            awaited.asked_by = Some(self.counters.last_sequence);
        } else if open_question.is_none() {
            awaited.to_ask = None;
        }
    }

    /// The awaited entry of `number`, created if this turn has not touched it yet.
    pub(crate) fn awaited_mut(&mut self, number: u64, open: Open) -> &mut Awaited {
        let known = self.behavior.asking.get(&number);
        self.awaited.entry(number).or_insert_with(|| {
            Awaited::new(
                Some(open),
                known,
                known.map(|asking| asking.thread.clone()).unwrap_or_default(),
            )
        })
    }

    /// The client and the trace of the command that opened the question of `number`.
    pub(crate) fn trace_of(&self, number: u64) -> TraceContext {
        self.behavior.asking.get(&number).map(|asking| asking.thread.clone()).unwrap_or_default()
    }

    /// The question is unchanged: it is asked again after a pause.
    pub(crate) fn reask_later(&mut self, number: u64) -> Result<(), StoreError> {
        let Some(open) = self.open_question(number) else { return Ok(()) };
        let state = self.transaction.load_state(number)?.now.state.as_ref();
        let Some(ask) = self.behavior.aggregate.awaits(state, number) else {
            return Ok(());
        };
        let thread = self.trace_of(number);
        self.set_awaited(number, Some(open), None, thread);
        if let Some(awaited) = self.awaited.get_mut(&number) {
            awaited.rounds = awaited.rounds.saturating_add(1);
            awaited.to_ask = Some((ask, None, asks::retry_pause(awaited.rounds)));
        }
        Ok(())
    }

    /// The answer for `number`, which waits for nothing any more.
    pub(crate) fn outcome_of(
        &mut self,
        number: u64,
    ) -> Result<Result<Outcome, CommandFault>, StoreError> {
        let kept = match self.transaction.load_state(number) {
            Ok(sheet) => &sheet.now,
            Err(StoreError::Damaged(what)) => return Ok(Err(Fault::Damaged(what).into())),
            Err(error) => return Err(error),
        };
        let fault = match kept.state.lifecycle() {
            Lifecycle::Ended(refusal) if refusal.kind == Kind::RetryLater => {
                self.retry_fault(number, refusal)
            }
            Lifecycle::Ended(refusal) => Fault::Refused(clip_refusal(refusal)),
            Lifecycle::Absent => Refusal::absent(self.behavior.aggregate.name()).into(),
            Lifecycle::Open | Lifecycle::Established | Lifecycle::Withdrawn => {
                let order = kept.state.order_outcome();
                let owner = kept.owner_of(number);
                let outcome = query::represent(kept.state.as_ref(), number).map(|body| Outcome {
                    number,
                    version: kept.version,
                    body,
                    settled: true,
                    replayed: false,
                    order,
                    owner,
                });
                return Ok(outcome.map_err(CommandFault::from));
            }
        };
        Ok(Err(CommandFault { fault, order: self.order_outcome(number) }))
    }

    /// The customer whose `number` is, where its row can be read.
    pub(crate) fn owner_of(&mut self, number: u64) -> Option<Arc<str>> {
        self.transaction.load_state(number).ok()?.now.owner_of(number)
    }

    /// How the order `number` has ended, if there is one. A kept answer does not say; an order that has failed stays so.
    pub(crate) fn order_outcome(&mut self, number: u64) -> Option<OrderOutcome> {
        if !self.behavior.aggregate.is_order() {
            return None;
        }
        let state = &self.transaction.load_state(number).ok()?.now.state;
        Some(state.order_outcome()).filter(|_| state.lifecycle() != Lifecycle::Absent)
    }

    /// Nothing was done; the client may retry once the callee's breaker closes.
    pub(crate) fn retry_fault(&self, number: u64, refusal: Refusal) -> Fault {
        match self.shut_for.get(&number) {
            Some(retry_after) => Fault::Busy { retry_after: *retry_after },
            None => Fault::Refused(refusal),
        }
    }
}
