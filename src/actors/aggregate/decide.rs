//! Decides one command: its events, and what follows from them.

use super::{
    asks,
    turn::{Rejection, Turn},
};
use crate::{
    actors::{
        erased::{self, Circumstances, Command},
        port::{
            safeguard::Safeguard,
            saga::{SagaId, TraceContext},
        },
        tables::{answers::AskResult, clipping::clip_refusal, log::Cause},
    },
    domain::{AnyCommand, AskId, Lifecycle, Name, OrderOutcome},
    spans::{Span, SpanKind},
    store::StoreError,
};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

impl Turn<'_> {
    /// Decides `command` on a copy, and records the result. What follows from it is below it in its trace.
    pub(crate) fn decide(
        &mut self,
        number: u64,
        command: Command,
        cause: Cause,
        saga: SagaId,
        client: Option<&TraceContext>,
    ) -> Result<Result<(), Rejection>, StoreError> {
        let context = self.behavior.aggregate.name().context;
        let parent = client.and_then(|thread| thread.trace.as_deref());
        let mut span = Span::below(parent, SpanKind::Internal, || format!("decide {context}"));
        let Some(trace) = span.traceparent() else {
            return self.decide_untraced(number, command, cause, saga, client);
        };
        span.set("holdfast.number", i64::try_from(number).unwrap_or(i64::MAX));
        span.set("holdfast.saga", saga.to_string());
        let thread = TraceContext { trace: Some(trace), ..client.cloned().unwrap_or_default() };
        let before = self.events.len();
        let decided = self.decide_untraced(number, command, cause, saga, Some(&thread));
        match &decided {
            Ok(Ok(())) if self.events.len() > before => {
                let parent = thread.trace.as_deref();
                self.commits.push(Span::below(parent, SpanKind::Internal, || "commit".to_owned()));
            }
            Ok(Ok(()) | Err(Rejection::Busy(_))) => {}
            Ok(Err(Rejection::Refused(refusal))) => {
                span.set("holdfast.refusal", refusal.code.to_string())
            }
            Ok(Err(rejection)) => span.fail(format_args!("{rejection:?}")),
            Err(error) => span.fail(error),
        }
        decided
    }

    fn decide_untraced(
        &mut self,
        number: u64,
        command: Command,
        cause: Cause,
        saga: SagaId,
        client: Option<&TraceContext>,
    ) -> Result<Result<(), Rejection>, StoreError> {
        let aggregate = self.behavior.aggregate;
        let withdrawn = aggregate.compensates(command.as_ref());
        let may_ask = aggregate.may_ask(command.as_ref());
        if let Some(ask) = &withdrawn {
            // Read before anything is changed: if it is damaged, the command has no effect.
            self.find_answer(ask)?;
        }
        let loaded = self.transaction.load_state(number)?;
        let version = loaded.now.version;
        let state = loaded.now.state.as_ref();
        let this = Circumstances { number, at: self.now, settings: &self.behavior.settings };
        let decided = catch_unwind(AssertUnwindSafe(|| aggregate.decide(state, command, &this)));
        let decided = match decided {
            Ok(Ok(decided)) => decided,
            Ok(Err(refusal)) => return Ok(Err(Rejection::Refused(clip_refusal(refusal)))),
            Err(_) => {
                self.behavior.shared.crashes.fetch_add(1, Relaxed);
                return Ok(Err(Rejection::Crashed));
            }
        };
        let before = (version, state.order_outcome());
        let is_mark = version == 0 && decided.after.lifecycle() == Lifecycle::Absent;
        let is_kept = !is_mark || self.does(Safeguard::KeepMarks);
        if !decided.events.is_empty()
            && is_kept
            && let Err(rejection) =
                self.record_decision(number, before, decided, may_ask, (&cause, &saga), client)?
        {
            return Ok(Err(rejection));
        }
        if let Some(ask) = withdrawn {
            self.refuse_from_now_on(&ask)?;
        }
        Ok(Ok(()))
    }

    /// Records events, claims, timer and question of a decision, unless a claim is taken or the asked context is busy.
    fn record_decision(
        &mut self,
        number: u64,
        (version, outcome_before): (u64, OrderOutcome),
        decided: erased::Decided,
        may_ask: &[Name],
        (cause, saga): (&Cause, &SagaId),
        client: Option<&TraceContext>,
    ) -> Result<Result<(), Rejection>, StoreError> {
        let aggregate = self.behavior.aggregate;
        let erased::Decided { events, after, ask, claims, due, rejection: no } = decided;
        let outcome = Some(after.order_outcome()).filter(|after| *after != outcome_before);
        let (given_up, new) = diff_claims(claims.0, claims.1);
        if let Err(taken) = self.check_claims(number, &new)? {
            return Ok(Err(Rejection::Refused(clip_refusal(taken))));
        }
        let before = &self.transaction.load_state(number)?.now;
        let created_in = match version {
            0 => {
                Some(saga.clone()).filter(|saga| *saga != asks::own_saga(aggregate.name(), number))
            }
            _ => before.saga.clone(),
        };
        let owner = asks::owner_of_decision(aggregate, number, (before, &*after), cause, client);
        // A saga that began before there were owners, or on a node without them: its order may say whose it is.
        let order = created_in.as_ref().filter(|_| version == 0 && aggregate.is_owned());
        let owner = owner.or_else(|| self.behavior.peers.owner_of(order?));
        let thread = TraceContext { owner, ..client.cloned().unwrap_or_default() };
        let encoded = self.encode_decision(
            number,
            (version, created_in),
            (events, after),
            (cause, saga),
            &thread,
        );
        let encoded = match encoded {
            Err(StoreError::Invalid(why)) => return Ok(Err(Rejection::TooLarge(why))),
            encoded => encoded?,
        };
        // A client's command that opens a question needs a permit of the callee's guard.
        let still_open = ask.as_ref().map(|ask| (ask.callee.context, ask.attempt));
        let opens = ask.filter(|_| self.open_question(number) != still_open);
        let pass = match (&opens, cause, client) {
            (Some(ask), Cause::Command(_), Some(_)) => {
                let chain = if self.does(Safeguard::LookAhead) { may_ask } else { &[] };
                match self.behavior.peers.permit_ask(ask.callee, chain) {
                    Ok(pass) => pass,
                    Err(wait) => return Ok(Err(Rejection::Busy(wait))),
                }
            }
            _ => None,
        };
        self.write_claims(number, &given_up, &new)?;
        self.reschedule_timer(number, due.0, due.1)?;
        self.record_event(number, encoded)?;
        if let Some(outcome) = outcome.filter(|_| aggregate.is_order()) {
            self.orders.count_outcome(outcome);
        }
        let opens = opens.map(|ask| (ask, pass, Duration::ZERO));
        self.set_awaited(number, still_open, opens, thread);
        if let Some(refusal) = no {
            self.reject_waiting(number, clip_refusal(refusal))?;
        }
        Ok(Ok(()))
    }

    /// Keeps that an ask was taken back, by a command that meets nothing here.
    pub(crate) fn refuse_withdrawn(&mut self, command: &dyn AnyCommand) -> Result<(), StoreError> {
        match self.behavior.aggregate.compensates(command) {
            Some(ask) => self.refuse_from_now_on(&ask),
            None => Ok(()),
        }
    }

    fn refuse_from_now_on(&mut self, ask: &AskId) -> Result<(), StoreError> {
        if !self.does(Safeguard::KeepWithdrawals) {
            return Ok(());
        }
        let asked = self.find_answer(ask)?.and_then(|answer| answer.asked);
        self.store_answer(ask, AskResult::Withdrawn, asked)
    }
}

/// The keys that are given up, and the keys that are new.
fn diff_claims(held: Vec<String>, claimed: Vec<String>) -> (Vec<String>, Vec<String>) {
    let before: BTreeSet<&str> = held.iter().map(String::as_str).collect();
    let after: BTreeSet<&str> = claimed.iter().map(String::as_str).collect();
    let given_up = before.difference(&after);
    let new = after.difference(&before);
    (given_up.map(|key| (*key).to_owned()).collect(), new.map(|key| (*key).to_owned()).collect())
}
