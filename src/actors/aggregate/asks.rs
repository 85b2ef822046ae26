//! Open questions: asked once the turn that opened them is accepted, and asked again after a
//! restart.

use super::{
    context::{AggregateBehavior, AskOrigin, Asking},
    message::{AggregateMail, Answered},
};
use crate::{
    actors::{
        ask::{directory::AskRequest, guard::Permit},
        erased::{AggregateType, AnyState, ErasedAsk, Versioned},
        port::{
            backoff::backoff_delay,
            owed::{Retry, note_retry},
            safeguard::Safeguard,
            saga::{SagaId, TraceContext},
        },
        tables::{
            key_pages::KeyPage,
            log::Cause,
            questions::{QUESTION_PAGE, QuestionPage, parse_waiting_keys_key},
            sagas::last_event,
        },
    },
    domain::{AskId, Name, NoAnswer},
    spans::{Span, SpanKind},
    store::{
        Scan, StoreError, codec,
        keys::{Space, last_number},
        paging::Pages,
    },
    sync,
};
use serde_bytes::ByteBuf;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// The pause before a question is asked again whose answer changed nothing.
pub fn retry_pause(rounds: u32) -> Duration {
    backoff_delay(rounds.into(), Duration::from_millis(100), Duration::from_secs(5))
}

/// The next try of a question after so many without success, if there were any.
pub fn ask_retry(rounds: u32) -> Option<Retry> {
    let at = Instant::now() + retry_pause(rounds);
    (rounds > 0).then_some(Retry { times: rounds, at })
}

/// The saga that an aggregate begins itself.
pub fn own_saga(name: Name, number: u64) -> SagaId {
    SagaId { context: Cow::Borrowed(name.context), number }
}

/// The saga of an aggregate: that of the order it is held for, else the one it was created in, else
/// its own.
pub fn saga_of(aggregate: &dyn AggregateType, number: u64, kept: &Versioned) -> SagaId {
    match aggregate.on_behalf_of(kept.state.as_ref()) {
        Some((order, number)) => SagaId { context: Cow::Borrowed(order.context), number },
        None => kept.saga.clone().unwrap_or_else(|| own_saga(aggregate.name(), number)),
    }
}

/// The customer for whom an aggregate acts by itself: its own; for what has none, that of the order it is held for.
pub fn owner_of(aggregate: &dyn AggregateType, number: u64, kept: &Versioned) -> Option<Arc<str>> {
    let is_held = || aggregate.on_behalf_of(kept.state.as_ref()).is_some();
    if aggregate.is_owned() || is_held() { kept.owner_of(number) } else { None }
}

/// The customer whom a decision is for: whose the thing is. One that is begun belongs to whom its fields name, else to whom it
/// is begun for. What has no owner acts for the customer of the event or ask that it follows from.
pub fn owner_of_decision(
    aggregate: &dyn AggregateType,
    number: u64,
    (before, after): (&Versioned, &dyn AnyState),
    cause: &Cause,
    told: Option<&TraceContext>,
) -> Option<Arc<str>> {
    let told = || told.and_then(|thread| thread.owner.clone());
    let is_client = matches!(cause, Cause::Command(_));
    match (aggregate.is_owned(), cause) {
        (true, _) => before
            .owner_of(number)
            .or_else(|| after.declared_owner(number))
            // A client says of nothing that is there already whose it is.
            .or_else(|| if is_client && before.version > 0 { None } else { told() }),
        (false, Cause::Command(_) | Cause::Timer) => owner_of(aggregate, number, before),
        (false, _) => told(),
    }
}

impl AggregateBehavior {
    /// Asks a question; the answer comes back as a message.
    pub(crate) fn send_ask(
        &self,
        number: u64,
        ask: ErasedAsk,
        pass: Option<Permit>,
        pause: Duration,
        origin: AskOrigin,
    ) {
        let (Some(mailbox), peers) = (self.mailbox.clone(), self.peers.clone()) else { return };
        let AskOrigin { saga, thread, asked_by } = origin;
        let after =
            asked_by.map(|event| self.subscribers.with_history(|history| history.id_of(event)));
        let ErasedAsk { callee, to, attempt, command, then } = ask;
        let context = Cow::Borrowed(self.aggregate.name().context);
        let id = AskId { context, number, attempt };
        actix::spawn(async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let trace = thread.trace.as_deref();
            let mut span =
                Span::below(trace, SpanKind::Client, || format!("ask {}", callee.context));
            let thread = match span.traceparent() {
                trace @ Some(_) => TraceContext { trace, ..thread },
                None => thread,
            };
            let (answer, shut_for) = match peers.find_peer(callee.context) {
                Some(peer) => {
                    let put = || {
                        peer.askable.put_question(AskRequest {
                            id: id.clone(),
                            after,
                            saga: saga.clone(),
                            thread: thread.clone(),
                            to: to.clone(),
                            command: command.clone_command(),
                        })
                    };
                    let answer = peer.guard.ask_guarded(pass, put).await;
                    let unanswered = answer == Err(NoAnswer::Unavailable);
                    (answer, peer.guard.open_for().filter(|_| unanswered))
                }
                None => (Err(NoAnswer::Unavailable), None),
            };
            match &answer {
                Ok(()) => {}
                Err(NoAnswer::Unavailable) => span.fail("there was no answer"),
                Err(NoAnswer::Refused(refusal)) => {
                    span.set("holdfast.refusal", refusal.code.to_string())
                }
            }
            drop(span);
            let answered = Answered { callee: callee.context, attempt, shut_for };
            mailbox.post(AggregateMail::Answer { number, answered, command: then(answer) });
        });
    }

    /// The answer was lost: the question is asked again.
    pub(crate) fn retry_ask(&mut self, number: u64) {
        let Some(asking) = self.asking.get_mut(&number) else { return };
        asking.rounds = asking.rounds.saturating_add(1);
        let rounds = asking.rounds;
        let thread = asking.thread.clone();
        let asked_by = asking.asked_by;
        note_retry(&mut sync::lock(&self.shared.retries).asks, number, ask_retry(rounds));
        let Some((_, kept)) = self.tree.read_state(0, number).ok().flatten() else { return };
        if let Some(ask) = self.aggregate.awaits(kept.state.as_ref(), number) {
            let saga = saga_of(self.aggregate, number, &kept);
            let origin = AskOrigin { saga, thread, asked_by };
            self.send_ask(number, ask, None, retry_pause(rounds), origin);
        }
    }

    /// A page of open questions. If it cannot be read, each of its numbers may have one: their
    /// states tell.
    fn read_question_page(&self, key: &[u8], record: &[u8]) -> Result<QuestionPage, StoreError> {
        match codec::decode(Space::Question, record) {
            Err(StoreError::Damaged(_)) if !self.shared.does(Safeguard::RecoverAsks) => {
                Ok(QuestionPage::default())
            }
            Err(StoreError::Damaged(what)) => {
                self.shared.report_damage(&format!(
                    "a page of open questions, found again from the states: {what}"
                ));
                let first = last_number(key).unwrap_or(0).saturating_mul(QUESTION_PAGE);
                Ok((first..first.saturating_add(QUESTION_PAGE))
                    .map(|number| (number, Vec::new()))
                    .collect())
            }
            page => page,
        }
    }

    /// Loads the open questions, and asks those that are not on their way.
    pub(crate) fn reload_questions(&mut self) -> Result<(), StoreError> {
        let known = std::mem::take(&mut self.asking);
        self.unreadable.clear();
        let mut pages = Pages::over_scan(Scan::space(Space::Question, 256));
        let mut keys = BTreeMap::<u64, (Vec<Vec<u8>>, u64)>::new();
        while let Some(rows) = self.tree.next_readable_page(&mut pages, 1)? {
            for (key, row) in &rows {
                if let Some((number, row_of)) = parse_waiting_keys_key(key) {
                    let kept = keys.entry(number).or_default();
                    kept.1 = row_of + 1;
                    match codec::decode::<KeyPage>(Space::Question, &row.record) {
                        Ok(page) => kept.0.extend(page.into_iter().map(ByteBuf::into_vec)),
                        Err(StoreError::Damaged(what)) => {
                            self.shared.report_damage(&format!(
                                "who wants to know of number {number}: {what}"
                            ));
                        }
                        Err(error) => return Err(error),
                    }
                    continue;
                }
                for (number, _) in self.read_question_page(key, &row.record)? {
                    let kept = match self.tree.read_state(0, number) {
                        Err(StoreError::Damaged(what)) => {
                            self.shared
                                .report_damage(&format!("a question cannot be put again: {what}"));
                            self.unreadable.insert(number);
                            continue;
                        }
                        kept => kept?,
                    };
                    let Some((_, kept)) = kept else { continue };
                    let Some(ask) = self.aggregate.awaits(kept.state.as_ref(), number) else {
                        continue;
                    };
                    let open = (ask.callee.context, ask.attempt);
                    let before = known.get(&number).filter(|asking| asking.open == open).cloned();
                    let under_way = before.is_some();
                    let saga = saga_of(self.aggregate, number, &kept);
                    let owner = owner_of(self.aggregate, number, &kept);
                    let thread = TraceContext { owner, ..TraceContext::default() };
                    let asked_by = if under_way {
                        None
                    } else {
                        last_event(self.aggregate, &self.tree, &saga, number, u64::MAX)
                            .unwrap_or_default()
                    };
                    let fresh = || Asking {
                        open,
                        keys: Vec::new(),
                        rows: 0,
                        rounds: 0,
                        thread: thread.clone(),
                        asked_by,
                    };
                    self.asking.insert(number, before.unwrap_or_else(fresh));
                    if !under_way {
                        let origin = AskOrigin { saga, thread, asked_by };
                        self.send_ask(number, ask, None, Duration::ZERO, origin);
                    }
                }
            }
        }
        for (number, asking) in &mut self.asking {
            (asking.keys, asking.rows) = keys.remove(number).unwrap_or_default();
        }
        Ok(())
    }
}
