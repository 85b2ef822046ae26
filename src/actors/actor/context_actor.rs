//! The actor of a context: handles its messages turn by turn, and survives panics.
//!
//! An actix actor whose handler panics never runs again, and its queued messages are lost, with or without a
//! `Supervisor`. So a handler only appends to a buffer, and a message to itself runs the turn under `catch_unwind`. If a
//! panic leaves the actor's own state in doubt, the actor stops itself: the Supervisor restarts the same value under the
//! same address, with its buffer, the waiting callers and the batch in flight; everything else is reloaded from the
//! store.

mod handlers;
mod preparing;
mod restarting;

use super::{
    behavior::Behavior,
    mailbox::{ActorAddress, Mailbox},
    restart_policy::Restarts,
};
use crate::{
    actors::port::{
        changes::Change,
        fault::Fault,
        health::Phase,
        safeguard::Safeguard,
        status::{ChaosPoint, ContextStatus},
    },
    store::{self, Commit, StoreError},
};
use actix::{Actor, AsyncContext, Context, Message, SpawnHandle};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// At most so many messages a turn.
const MAX_TURN: usize = 256;
/// So many conflicts in a row, and the actor pauses before it retries the turn.
const MAX_CONFLICTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);
/// How long the next wake-up waits after a damaged row was found.
const DAMAGE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Message)]
#[rtype(result = "()")]
struct RunTurn;

#[derive(Message)]
#[rtype(result = "()")]
struct CommitDecided(Result<store::CommitVerdict, StoreError>);

struct InFlight<L: Behavior> {
    mails: Vec<Option<L::Mail>>,
    cache: Option<L::CacheUpdate>,
    effects: VecDeque<L::Effect>,
    changes: Vec<Change>,
    /// Set once the batch is accepted.
    commit: Option<Commit>,
}

/// The actor of one context.
pub struct ContextActor<L: Behavior> {
    behavior: L,
    shared: Arc<ContextStatus>,
    mailbox: Arc<Mailbox<L::Mail>>,
    buffer: VecDeque<L::Mail>,
    in_flight: Option<InFlight<L>>,
    turn_scheduled: bool,
    /// How many messages to take one by one: the turn that held them crashed or could not be
    /// stored.
    isolate: usize,
    conflicts: u32,
    restarts: Restarts,
    wake_timer: Option<SpawnHandle>,
    stopping: Vec<tokio::sync::oneshot::Sender<()>>,
}

/// Nothing in it is pinned.
impl<L: Behavior> Unpin for ContextActor<L> {}

impl<L: Behavior> ContextActor<L> {
    pub fn new(behavior: L, shared: Arc<ContextStatus>, mailbox: Arc<Mailbox<L::Mail>>) -> Self {
        Self {
            behavior,
            shared,
            mailbox,
            buffer: VecDeque::new(),
            in_flight: None,
            turn_scheduled: false,
            isolate: 0,
            conflicts: 0,
            restarts: Restarts::default(),
            wake_timer: None,
            stopping: Vec::new(),
        }
    }

    fn is_running(&self) -> bool {
        matches!(self.shared.phase(), Phase::Running | Phase::Degraded)
    }

    fn schedule_turn(&mut self, ctx: &mut Context<Self>) {
        if !self.turn_scheduled
            && self.in_flight.is_none()
            && !self.buffer.is_empty()
            && self.is_running()
        {
            self.turn_scheduled = true;
            ctx.notify(RunTurn);
        }
    }

    fn run_turn(&mut self, ctx: &mut Context<Self>) {
        self.turn_scheduled = false;
        if self.in_flight.is_some() || !self.is_running() || self.buffer.is_empty() {
            return;
        }
        let most = if self.isolate > 0 { 1 } else { MAX_TURN };
        let mails: Vec<_> = self.buffer.drain(..self.buffer.len().min(most)).map(Some).collect();
        self.decide(mails, ctx);
    }

    fn decide(&mut self, mails: Vec<Option<L::Mail>>, ctx: &mut Context<Self>) {
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let turn = self.behavior.decide(&mails)?;
            self.shared.inject_chaos(ChaosPoint::BeforeCommit);
            let verdict = if turn.batch.writes.is_empty() {
                store::CommitVerdict::Accepted(turn.read_commit)
            } else {
                self.shared.store.submit(turn.batch)?
            };
            Ok::<_, StoreError>((turn.cache, turn.effects, turn.changes, verdict))
        }));
        match decided {
            Ok(Ok((memory, effects, changes, verdict))) => {
                let cache = Some(memory);
                self.in_flight = Some(InFlight { mails, cache, effects, changes, commit: None });
                self.on_verdict(Ok(verdict), ctx);
            }
            Ok(Err(error)) => self.on_store_error(mails, &error, ctx),
            Err(_) => {
                if let [Some(_)] = mails.as_slice() {
                    // This is the message that crashes: it is not tried again.
                    mails
                        .into_iter()
                        .flatten()
                        .for_each(|mail| self.reject_mail(mail, &Fault::Crashed));
                } else {
                    self.isolate = mails.len();
                    self.requeue_mails(mails);
                }
                self.restart_after_crash(ctx);
            }
        }
    }

    fn on_verdict(
        &mut self,
        verdict: Result<store::CommitVerdict, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        match verdict {
            Ok(store::CommitVerdict::Accepted(commit)) => {
                self.conflicts = 0;
                if let Some(handed) = &mut self.in_flight {
                    handed.commit = Some(commit);
                    if self.shared.does(Safeguard::TrackProgress) {
                        L::on_accepted(&handed.effects, &handed.mails);
                    }
                }
                self.apply_commit(ctx);
            }
            Ok(store::CommitVerdict::Conflict) => {
                let Some(handed) = self.in_flight.take() else { return };
                self.conflicts += 1;
                if let Err(error) = self.behavior.reload_state(&self.mailbox) {
                    return self.on_store_error(handed.mails, &error, ctx);
                }
                if self.conflicts.is_multiple_of(MAX_CONFLICTS) {
                    self.requeue_mails(handed.mails);
                    self.retry_after_pause(ctx);
                } else {
                    self.decide(handed.mails, ctx);
                }
            }
            Ok(store::CommitVerdict::Pending(verdict)) => {
                // A task of its own outlives a restart of this actor, which the actor's own futures
                // would not.
                let mailbox = ctx.address();
                actix::spawn(async move {
                    mailbox
                        .do_send(CommitDecided(verdict.await.unwrap_or(Err(StoreError::Unknown))));
                });
            }
            Err(error) => {
                let Some(handed) = self.in_flight.take() else { return };
                self.on_store_error(handed.mails, &error, ctx);
            }
        }
    }

    /// The batch is accepted: updates the cache, then runs the effects one by one, so that a crash
    /// loses only one of them.
    fn apply_commit(&mut self, ctx: &mut Context<Self>) {
        let acted = catch_unwind(AssertUnwindSafe(|| {
            let Some(handed) = &mut self.in_flight else { return };
            // Still undecided after a restart: the verdict is on its way.
            let Some(commit) = handed.commit else { return };
            if let Some(memory) = handed.cache.take() {
                self.behavior.apply_cache(memory, commit);
                self.shared.last_commit.fetch_max(commit, Relaxed);
                self.shared.changes.report(std::mem::take(&mut handed.changes));
                self.shared.inject_chaos(ChaosPoint::AfterCommit);
            }
            while let Some(effect) = handed.effects.pop_front() {
                self.behavior.run_effect(commit, effect, &mut handed.mails);
            }
        }));
        if acted.is_err() {
            return self.restart_after_crash(ctx);
        }
        if let Some(handed) = self.in_flight.take_if(|handed| handed.commit.is_some()) {
            self.shared.mailbox.fetch_sub(handed.mails.len() as u64, Relaxed);
            self.isolate = self.isolate.saturating_sub(handed.mails.len());
        }
        self.finish_stop();
        self.set_wake_timer(ctx);
        self.schedule_turn(ctx);
    }

    fn set_wake_timer(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.wake_timer.take() {
            ctx.cancel_future(alarm);
        }
        if let Some(delay) = self.behavior.next_wake() {
            self.set_wake_timer_after(delay, ctx);
        }
    }

    fn set_wake_timer_after(&mut self, delay: Duration, ctx: &mut Context<Self>) {
        if self.wake_timer.is_none() {
            self.wake_timer = Some(ctx.run_later(delay, |actor, ctx| {
                actor.wake_timer = None;
                actor.shared.mailbox.fetch_add(1, Relaxed);
                actor.buffer.push_back(L::wake_mail());
                actor.schedule_turn(ctx);
            }));
        }
    }

    fn requeue_mails(&mut self, mails: Vec<Option<L::Mail>>) {
        mails.into_iter().flatten().rev().for_each(|mail| self.buffer.push_front(mail));
    }

    /// Retries after a pause, unless the context is stopped.
    fn retry_after_pause(&mut self, ctx: &mut Context<Self>) {
        self.finish_stop();
        ctx.run_later(PAUSE, |actor, ctx| actor.schedule_turn(ctx));
    }

    fn reject_mail(&mut self, mail: L::Mail, why: &Fault) {
        self.shared.mailbox.fetch_sub(1, Relaxed);
        self.behavior.reject_mail(mail, why);
    }

    fn on_store_error(
        &mut self,
        mails: Vec<Option<L::Mail>>,
        error: &StoreError,
        ctx: &mut Context<Self>,
    ) {
        match error {
            StoreError::Overloaded => {
                let (outside, inside) =
                    mails.into_iter().flatten().partition::<Vec<_>, _>(L::is_from_outside);
                let busy = if self.shared.store.is_full() {
                    Fault::DiskFull
                } else {
                    Fault::Busy { retry_after: Duration::from_secs(1) }
                };
                outside.into_iter().for_each(|mail| self.reject_mail(mail, &busy));
                self.requeue_mails(inside.into_iter().map(Some).collect());
                self.retry_after_pause(ctx);
            }
            StoreError::Invalid(why)
                if mails.len() > 1 && self.shared.does(Safeguard::IsolateMessages) =>
            {
                tracing::warn!(
                    context = self.shared.name.context,
                    why,
                    "isolating messages: the turn cannot be stored"
                );
                self.isolate = mails.len();
                self.requeue_mails(mails);
                self.finish_stop();
                self.schedule_turn(ctx);
            }
            StoreError::Damaged(_) if mails.len() > 1 => {
                self.isolate = mails.len();
                self.requeue_mails(mails);
                self.finish_stop();
                self.schedule_turn(ctx);
            }
            // Only this message fails. Timers and retries wait a moment before they meet the same
            // row again.
            StoreError::Damaged(what) => {
                self.shared.report_damage(what);
                let fault = Fault::from(error.clone());
                mails.into_iter().flatten().for_each(|mail| self.reject_mail(mail, &fault));
                self.isolate = self.isolate.saturating_sub(1);
                self.retry_after_pause(ctx);
                self.set_wake_timer_after(DAMAGE_PAUSE, ctx);
            }
            error => {
                tracing::error!(context = self.shared.name.context, %error, "turn not stored");
                let fault = Fault::from(error.clone());
                mails.into_iter().flatten().for_each(|mail| self.reject_mail(mail, &fault));
                self.isolate = self.isolate.saturating_sub(1);
                match error {
                    StoreError::Invalid(_) => self.schedule_turn(ctx),
                    _ if self.is_running() => self.fail_context(&fault),
                    _ => {}
                }
                self.finish_stop();
            }
        }
    }

    fn restart_after_crash(&mut self, ctx: &mut Context<Self>) {
        self.shared.restarts.fetch_add(1, Relaxed);
        actix::ActorContext::stop(ctx);
    }

    fn fail_context(&mut self, why: &Fault) {
        self.shared.set_phase(Phase::Failed);
        self.reject_all(why);
    }

    fn reject_all(&mut self, why: &Fault) {
        for mail in std::mem::take(&mut self.buffer) {
            self.reject_mail(mail, why);
        }
        self.behavior.drop_waiting();
    }

    fn load_state(&mut self, ctx: &mut Context<Self>) {
        match self.behavior.reload_state(&self.mailbox) {
            Ok(()) => {
                self.shared.changes.report_all();
                self.prepare_next(ctx);
            }
            Err(error) => self.on_load_error(error, ctx),
        }
    }

    fn on_load_error(&mut self, error: StoreError, ctx: &mut Context<Self>) {
        // A store that is busy, or a database that is away, is there again later.
        if error == StoreError::Overloaded {
            self.shared.set_phase(Phase::Starting);
            ctx.run_later(PAUSE, |actor, ctx| {
                if actor.shared.phase() == Phase::Starting {
                    actor.load_state(ctx);
                }
            });
            return;
        }
        tracing::error!(context = self.shared.name.context, %error, "context not loaded");
        if let StoreError::Damaged(what) = &error {
            self.shared.report_damage(what);
        }
        self.fail_context(&Fault::from(error));
    }

    /// A stop is finished when the batch in flight is answered.
    fn finish_stop(&mut self) {
        if self.shared.phase() == Phase::Stopped && self.in_flight.is_none() {
            self.reject_all(&Fault::Away(self.shared.name.context));
            for done in self.stopping.drain(..) {
                let _ = done.send(());
            }
        }
    }
}

impl<L: Behavior> Actor for ContextActor<L> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // The mailbox delivers to the running actor: the first one, or the one that replaced it.
        let address = ctx.address();
        let control = address.clone().recipient();
        self.mailbox.attach(ActorAddress { messages: address.recipient(), control });
        if self.shared.phase() == Phase::Starting {
            self.load_state(ctx);
        }
    }
}
