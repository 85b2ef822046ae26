//! One turn of an aggregate context: each message is decided on a copy, and the results become one
//! batch.

use super::{
    answers::Answers,
    asks,
    behavior::{AggregateBehavior, Asking, CacheUpdate, Effect, Open},
    claims,
    expiry::{self, Expiring},
    message::AggregateMail,
    timers,
};
use crate::{
    actors::{
        actor::behavior::TurnOutput,
        ask::guard::Permit,
        erased::{self, Circumstances, Command, OpenAsk},
        port::{context::Outcome, fault::Fault},
        subscription::subscriptions::Progress,
        tables::{
            history::{epoch_key, epoch_row},
            log::{LogEntry, encode_log},
            query,
            records::{
                AskResult, Cause, Counters, QUESTION_PAGE, QuestionPage, SAGA_ENTRIES, SagaId,
                SagaPage, TraceContext, keepable, key_pages,
            },
            transaction::{Transaction, counters_key},
        },
    },
    domain::{Kind, Lifecycle, Refusal, Timestamp},
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};
use serde_bytes::ByteBuf;
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

/// What an aggregate that this turn touched waits for at its end.
pub(crate) struct Awaited {
    pub(crate) open_question: Option<Open>,
    to_ask: Option<(OpenAsk, Option<Permit>, Duration)>,
    /// Keys of the idempotency rows that store the outcome.
    pub(crate) keys: Vec<Vec<u8>>,
    /// How many of the keys are already stored, and in how many rows after the question page.
    saved: (usize, u64),
    /// How many rows were stored before this turn.
    before: u64,
    rounds: u32,
    thread: TraceContext,
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
    /// Its events or its state are too large to be stored; says which.
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

/// The state of one turn.
pub struct Turn<'a> {
    pub(crate) behavior: &'a AggregateBehavior,
    pub(crate) transaction: Transaction<'a>,
    pub(crate) counters: Counters,
    pub(crate) now: Timestamp,
    pub(crate) awaited: BTreeMap<u64, Awaited>,
    pub(crate) effects: VecDeque<Effect>,
    /// Clients that wait for an aggregate: place of the message, number, whether it is a replay.
    pub(crate) waiters: Vec<(usize, u64, bool)>,
    /// Idempotency rows to write once the outcome is known, with the aggregate's number.
    pub(crate) new_keys: Vec<(Vec<u8>, u64)>,
    /// Aggregates whose question was not answered, and how long the callee's breaker stays open.
    pub(crate) shut_for: BTreeMap<u64, Duration>,
    /// Rows of this turn that expire.
    pub(crate) expiring: Vec<Expiring>,
    pub(crate) timers: timers::TimersUpdate,
    pub(crate) contested: Vec<(String, Vec<u64>)>,
    pub(crate) expiry: Option<expiry::ExpiryCursor>,
    pub(crate) progress: Progress,
    pub(crate) events: Vec<LogEntry>,
    /// The encoded form of each event.
    pub(crate) encoded_events: Vec<ByteBuf>,
    /// Pages of answers that this turn has read or changed.
    pub(crate) answers: Answers,
    pub(crate) sagas: BTreeMap<(Cow<'static, str>, u64), SagaPage>,
}

impl<'a> Turn<'a> {
    pub fn new(behavior: &'a AggregateBehavior) -> Self {
        let progress = Progress::from(&behavior.counters.positions);
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
            timers: timers::TimersUpdate::default(),
            contested: Vec::new(),
            expiry: None,
            progress,
            events: Vec::new(),
            encoded_events: Vec::new(),
            answers: Answers::new(),
            sagas: BTreeMap::new(),
        }
    }

    /// The open question of `number`, as of this point of the turn.
    pub(crate) fn open_question(&self, number: u64) -> Option<Open> {
        match self.awaited.get(&number) {
            Some(awaited) => awaited.open_question,
            None => self.behavior.asking.get(&number).map(|asking| asking.open),
        }
    }

    /// Decides `command` on a copy, and records the result.
    pub(crate) fn decide(
        &mut self,
        number: u64,
        command: Command,
        cause: Cause,
        saga: SagaId,
        client: Option<&TraceContext>,
    ) -> Result<Result<(), Rejection>, StoreError> {
        let aggregate = self.behavior.aggregate;
        let (withdrawn, may_ask) =
            (aggregate.compensates(command.as_ref()), aggregate.may_ask(command.as_ref()));
        if let Some(ask) = &withdrawn {
            // Read before anything is changed: if it is damaged, the command has no effect.
            self.find_answer(ask)?;
        }
        let sheet = self.transaction.load(number)?;
        let (version, state) = (sheet.now.version, sheet.now.state.as_ref());
        let this = Circumstances { number, at: self.now, settings: &self.behavior.settings };
        let decided = catch_unwind(AssertUnwindSafe(|| aggregate.decide(state, command, &this)));
        let erased::Decided { events, after, ask, claims, due, rejection: no } = match decided {
            Ok(Ok(decided)) => decided,
            Ok(Err(refusal)) => return Ok(Err(Rejection::Refused(keepable(refusal)))),
            Err(_) => {
                self.behavior.shared.crashes.fetch_add(1, Relaxed);
                return Ok(Err(Rejection::Crashed));
            }
        };
        if !events.is_empty() {
            let (given_up, new) = claims::diff(claims.0, claims.1);
            if let Err(taken) = self.check_claims(number, &new)? {
                return Ok(Err(Rejection::Refused(keepable(taken))));
            }
            let created_in = match version {
                0 => Some(saga.clone())
                    .filter(|saga| *saga != asks::own_saga(aggregate.name(), number)),
                _ => self.transaction.load(number)?.now.saga.clone(),
            };
            let decided = self.encode_decision(
                number,
                (version, created_in),
                (events, after),
                (&cause, &saga),
                client,
            );
            let decided = match decided {
                Err(StoreError::Invalid(why)) => return Ok(Err(Rejection::TooLarge(why))),
                decided => decided?,
            };
            // A client's command that opens a question needs a permit of the callee's guard.
            let still_open = ask.as_ref().map(|ask| (ask.callee.context, ask.attempt));
            let opens = ask.filter(|_| self.open_question(number) != still_open);
            let pass = match (&opens, &cause, client) {
                (Some(ask), Cause::Command(_), Some(_)) => {
                    match self.behavior.peers.admit(ask.callee, may_ask) {
                        Ok(pass) => pass,
                        Err(wait) => return Ok(Err(Rejection::Busy(wait))),
                    }
                }
                _ => None,
            };
            self.write_claims(number, &given_up, &new)?;
            self.reschedule(number, due.0, due.1)?;
            self.record(number, decided)?;
            let thread = client.cloned().unwrap_or_default();
            self.set_awaited(
                number,
                still_open,
                opens.map(|ask| (ask, pass, Duration::ZERO)),
                thread,
            );
            if let Some(refusal) = no {
                self.reject_waiting(number, keepable(refusal))?;
            }
        }
        if let Some(ask) = withdrawn {
            let asked = self.find_answer(&ask)?.and_then(|answer| answer.asked);
            self.store_answer(&ask, AskResult::Withdrawn, asked)?;
        }
        Ok(Ok(()))
    }

    fn set_awaited(
        &mut self,
        number: u64,
        open_question: Option<Open>,
        to_ask: Option<(OpenAsk, Option<Permit>, Duration)>,
        thread: TraceContext,
    ) {
        let known = self.behavior.asking.get(&number);
        let awaited =
            self.awaited.entry(number).or_insert_with(|| Awaited::new(None, known, thread));
        awaited.open_question = open_question;
        if to_ask.is_some() {
            (awaited.to_ask, awaited.rounds) = (to_ask, 0);
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

    /// The question is unchanged: it is asked again after a pause.
    pub(crate) fn reask_later(&mut self, number: u64) -> Result<(), StoreError> {
        let Some(open) = self.open_question(number) else { return Ok(()) };
        let state = self.transaction.load(number)?.now.state.as_ref();
        let Some(ask) = self.behavior.aggregate.awaits(state, number) else {
            return Ok(());
        };
        let thread = self
            .behavior
            .asking
            .get(&number)
            .map(|asking| asking.thread.clone())
            .unwrap_or_default();
        self.set_awaited(number, Some(open), None, thread);
        if let Some(awaited) = self.awaited.get_mut(&number) {
            awaited.rounds = awaited.rounds.saturating_add(1);
            awaited.to_ask = Some((ask, None, asks::retry_pause(awaited.rounds)));
        }
        Ok(())
    }

    /// The answer for `number`, which waits for nothing any more.
    pub(crate) fn outcome_of(&mut self, number: u64) -> Result<Result<Outcome, Fault>, StoreError> {
        let kept = match self.transaction.load(number) {
            Ok(sheet) => &sheet.now,
            Err(StoreError::Damaged(what)) => return Ok(Err(Fault::Damaged(what))),
            Err(error) => return Err(error),
        };
        Ok(match kept.state.lifecycle() {
            Lifecycle::Ended(refusal) if refusal.kind == Kind::RetryLater => {
                Err(self.retry_fault(number, refusal))
            }
            Lifecycle::Ended(refusal) => Err(Fault::Refused(keepable(refusal))),
            Lifecycle::Absent => {
                Err(Fault::Refused(Refusal::absent(self.behavior.aggregate.name().item)))
            }
            Lifecycle::Open | Lifecycle::Established => {
                query::represent(kept.state.as_ref(), number).map(|body| Outcome {
                    number,
                    version: kept.version,
                    body,
                    settled: true,
                    replayed: false,
                })
            }
        })
    }

    /// Nothing was done; the client may retry once the callee's breaker closes.
    pub(crate) fn retry_fault(&self, number: u64, refusal: Refusal) -> Fault {
        match self.shut_for.get(&number) {
            Some(retry_after) => Fault::Busy { retry_after: *retry_after },
            None => Fault::Refused(refusal),
        }
    }

    /// The result of the turn.
    pub fn into_output(mut self) -> Result<TurnOutput<AggregateBehavior>, StoreError> {
        self.settle_requests()?;
        let asking = self.write_questions()?;
        for ((context, page), entries) in std::mem::take(&mut self.sagas) {
            for entries in entries.chunks(SAGA_ENTRIES) {
                let first = entries.first().map_or(0, |(_, sequence)| *sequence);
                let key =
                    KeyBuf::new(Space::Saga).text(&context).number(page).number(first).build();
                self.transaction.put(Space::Saga, key, &entries)?;
            }
        }
        self.write_answer_pages()?;
        self.schedule_expiry()?;
        let written = self
            .events
            .iter()
            .map(|logged| &logged.envelope)
            .zip(std::mem::take(&mut self.encoded_events));
        for (first, record) in encode_log(self.behavior.aggregate.event_version(), written)? {
            self.transaction.write(KeyBuf::new(Space::Log).number(first).build(), Some(record));
        }
        if let Some(first) = self.events.first().map(|logged| logged.envelope.sequence)
            && let Some(word) = self.behavior.subscribers.epoch_starting_at(first)
        {
            self.transaction.write(epoch_key(first), Some(epoch_row(word)?));
        }
        self.counters.positions.clone_from(&self.progress.positions);
        self.counters.highest = self.transaction.highest();
        self.transaction.expect(counters_key(), self.behavior.counters_commit);
        if self.counters != self.behavior.counters {
            self.transaction.put_counters(&self.counters)?;
        }
        if !self.events.is_empty() {
            self.effects.push_front(Effect::Publish(std::mem::take(&mut self.events)));
        }
        let (timers, contested, sweep) = (self.timers, self.contested, self.expiry);
        let judged = self.transaction.read_commit.0;
        let memory = CacheUpdate {
            counters: self.counters,
            progress: self.progress,
            asking,
            timers,
            contested,
            has_more: false,
            expiry: sweep,
        };
        Ok(TurnOutput {
            batch: self.transaction.into_batch(self.behavior.epoch)?,
            read_commit: judged,
            cache: memory,
            effects: self.effects,
        })
    }

    /// Writes the open questions to their pages, and adds the effects that ask them.
    fn write_questions(&mut self) -> Result<Vec<(u64, Option<Asking>)>, StoreError> {
        let mut changes = Vec::new();
        for (number, awaited) in std::mem::take(&mut self.awaited) {
            let Awaited {
                open_question: open,
                to_ask: put,
                keys,
                saved: (saved, rows),
                before,
                rounds,
                thread,
            } = awaited;
            let (kept, unsaved) =
                if open.is_some() { (rows, keys.get(saved..)) } else { (0, None) };
            (kept..before)
                .for_each(|row| self.transaction.remove(asks::waiting_keys_key(number, row)));
            let mut rows = kept;
            for page in key_pages(unsaved.unwrap_or_default().to_vec()) {
                self.transaction.put(
                    Space::Question,
                    asks::waiting_keys_key(number, rows),
                    &page,
                )?;
                rows += 1;
            }
            if let Some((ask, pass, pause)) = put {
                let (saga, thread) = (self.saga_of(number)?, thread.clone());
                self.effects.push_back(Effect::Ask { number, ask, pass, pause, saga, thread });
            }
            changes.push((number, open.map(|open| Asking { open, keys, rows, rounds, thread })));
        }
        // The changes are sorted by number.
        for changes in
            changes.chunk_by(|(one, _), (other, _)| one / QUESTION_PAGE == other / QUESTION_PAGE)
        {
            let first = changes.first().map_or(0, |(number, _)| number - number % QUESTION_PAGE);
            let before: QuestionPage = self
                .behavior
                .asking
                .range(first..first.saturating_add(QUESTION_PAGE))
                .map(|(number, _)| (*number, Vec::new()))
                .collect();
            let mut after = before.clone();
            for (number, asking) in changes {
                match asking {
                    Some(_) => drop(after.insert(*number, Vec::new())),
                    None => drop(after.remove(number)),
                }
            }
            match (before == after, after.is_empty()) {
                (true, _) => {}
                (false, true) => self.transaction.remove(asks::question_page_key(first)),
                (false, false) => {
                    self.transaction.put(Space::Question, asks::question_page_key(first), &after)?
                }
            }
        }
        Ok(changes)
    }

    pub(crate) fn handle(&mut self, place: usize, mail: &AggregateMail) -> Result<(), StoreError> {
        let taken = match mail {
            AggregateMail::Command(entry) => self.handle_command(place, entry),
            AggregateMail::Ask(asked) => self.handle_ask(place, asked),
            AggregateMail::Answer { number, answered, command } => {
                self.handle_answer(*number, *answered, command.again())
            }
            AggregateMail::Delivery(heard) => self.handle_delivery(heard),
            AggregateMail::Wake => self.handle_wake(),
            AggregateMail::Unpark { parked, redrive, .. } => self.unpark(place, parked, *redrive),
        };
        match taken {
            Err(StoreError::Damaged(what)) => self.reject_damaged(place, mail, what),
            taken => taken,
        }
    }
}
