//! The context actor: takes its mail turn by turn, and survives what happens to it.
//!
//! An actix actor whose handler panics is dead for good, and its queued mail is lost, `Supervisor` or not. So a handler
//! only appends to the buffer, and one message to itself runs the turn under `catch_unwind`. Where a panic leaves the
//! actor's own state in doubt it stops itself: the Supervisor restarts the same value under the same address, with
//! buffer, waiting callers and handed-over batches, and everything else is loaded anew from the store.

mod handlers;
mod preparing;

use super::{
    behavior::Behavior,
    restart_policy::{Restarts, Verdict},
    status::{ChaosPoint, ContextStatus, Mailbox},
};
use crate::actors::port::{fault::Fault, health::Phase};
use crate::store::{self, Commit, StoreError};
use actix::{Actor, AsyncContext, Context, Message, SpawnHandle, Supervised, fut::wrap_future};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// At most so many messages a turn.
const TURN: usize = 256;
/// How often a turn is decided anew on a conflict before the actor takes a breath.
const CONFLICTS: u32 = 8;
const BREATH: Duration = Duration::from_millis(20);
/// How long what comes by itself waits after it met what cannot be read.
const MISSED: Duration = Duration::from_secs(1);

/// A message: the mail goes into the buffer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver<M: Send + 'static>(pub M);

#[derive(Message)]
#[rtype(result = "()")]
struct TakeTurn;

#[derive(Message)]
#[rtype(result = "()")]
struct Decided(Result<store::Verdict, StoreError>);

/// Stops or starts the context; the sender is told when it is done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetRunning(pub bool, pub tokio::sync::oneshot::Sender<()>);

struct Handed<L: Behavior> {
    mails: Vec<Option<L::Mail>>,
    memory: Option<L::CacheUpdate>,
    effects: VecDeque<L::Effect>,
    /// Set once the batch is accepted.
    commit: Option<Commit>,
}

/// The actor of one context.
pub struct ContextActor<L: Behavior> {
    logic: L,
    shared: Arc<ContextStatus>,
    mailbox: Arc<Mailbox<L>>,
    buffer: VecDeque<L::Mail>,
    handed: Option<Handed<L>>,
    turn_is_due: bool,
    /// After a turn has crashed, so many messages are taken one by one, to find the bad one.
    singly: usize,
    conflicts: u32,
    restarts: Restarts,
    alarm: Option<SpawnHandle>,
    halting: Vec<tokio::sync::oneshot::Sender<()>>,
}

/// Nothing in it is ever pinned.
impl<L: Behavior> Unpin for ContextActor<L> {}

impl<L: Behavior> ContextActor<L> {
    pub fn new(logic: L, shared: Arc<ContextStatus>, mailbox: Arc<Mailbox<L>>) -> Self {
        Self {
            logic,
            shared,
            mailbox,
            buffer: VecDeque::new(),
            handed: None,
            turn_is_due: false,
            singly: 0,
            conflicts: 0,
            restarts: Restarts::default(),
            alarm: None,
            halting: Vec::new(),
        }
    }

    fn running(&self) -> bool {
        matches!(self.shared.phase(), Phase::Running | Phase::Degraded)
    }

    fn ask_for_turn(&mut self, ctx: &mut Context<Self>) {
        if !self.turn_is_due && self.handed.is_none() && !self.buffer.is_empty() && self.running() {
            self.turn_is_due = true;
            ctx.notify(TakeTurn);
        }
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        self.turn_is_due = false;
        if self.handed.is_some() || !self.running() || self.buffer.is_empty() {
            return;
        }
        let most = if self.singly > 0 { 1 } else { TURN };
        let mails: Vec<_> = self.buffer.drain(..self.buffer.len().min(most)).map(Some).collect();
        self.decide(mails, ctx);
    }

    fn decide(&mut self, mails: Vec<Option<L::Mail>>, ctx: &mut Context<Self>) {
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let turn = self.logic.turn(&mails)?;
            self.shared.chaos(ChaosPoint::BeforeCommit);
            let verdict = match turn.batch.writes.is_empty() {
                true => store::Verdict::Accepted(turn.judged),
                false => self.shared.store.submit(turn.batch)?,
            };
            Ok::<_, StoreError>((turn.memory, turn.effects, verdict))
        }));
        match decided {
            Ok(Ok((memory, effects, verdict))) => {
                self.handed = Some(Handed { mails, memory: Some(memory), effects, commit: None });
                self.verdict(Ok(verdict), ctx);
            }
            Ok(Err(error)) => self.not_taken(mails, &error, ctx),
            Err(_) => {
                if let [Some(_)] = mails.as_slice() {
                    // The bad one is found: it is not tried again.
                    mails
                        .into_iter()
                        .flatten()
                        .for_each(|mail| self.dismiss(mail, &Fault::Crashed));
                } else {
                    self.singly = mails.len();
                    self.give_back(mails);
                }
                self.crash(ctx);
            }
        }
    }

    fn verdict(&mut self, verdict: Result<store::Verdict, StoreError>, ctx: &mut Context<Self>) {
        match verdict {
            Ok(store::Verdict::Accepted(commit)) => {
                self.conflicts = 0;
                if let Some(handed) = &mut self.handed {
                    handed.commit = Some(commit);
                    L::stands(&handed.effects, &handed.mails);
                }
                self.act(ctx);
            }
            Ok(store::Verdict::Conflict) => {
                let Some(handed) = self.handed.take() else { return };
                self.conflicts += 1;
                if let Err(error) = self.logic.reload(&self.mailbox) {
                    return self.not_taken(handed.mails, &error, ctx);
                }
                if self.conflicts.is_multiple_of(CONFLICTS) {
                    self.give_back(handed.mails);
                    self.take_breath(ctx);
                } else {
                    self.decide(handed.mails, ctx);
                }
            }
            Ok(store::Verdict::Pending(verdict)) => {
                // A task of its own: it outlives a restart of this actor, which its own futures would not.
                let mailbox = ctx.address();
                actix::spawn(async move {
                    mailbox.do_send(Decided(verdict.await.unwrap_or(Err(StoreError::Unknown))));
                });
            }
            Err(error) => {
                let Some(handed) = self.handed.take() else { return };
                self.not_taken(handed.mails, &error, ctx);
            }
        }
    }

    /// The batch stands: memory follows, then the effects, one by one, so that a crash in one loses only that one.
    fn act(&mut self, ctx: &mut Context<Self>) {
        let acted = catch_unwind(AssertUnwindSafe(|| {
            let Some(handed) = &mut self.handed else { return };
            // Found after a restart, and not decided yet: the word is on its way.
            let Some(commit) = handed.commit else { return };
            if let Some(memory) = handed.memory.take() {
                self.logic.remember(memory, commit);
                self.shared.last_commit.fetch_max(commit, Relaxed);
                self.shared.chaos(ChaosPoint::AfterCommit);
            }
            while let Some(effect) = handed.effects.pop_front() {
                self.logic.act(commit, effect, &mut handed.mails);
            }
        }));
        if acted.is_err() {
            return self.crash(ctx);
        }
        if let Some(handed) = self.handed.take_if(|handed| handed.commit.is_some()) {
            self.shared.mailbox.fetch_sub(handed.mails.len() as u64, Relaxed);
            self.singly = self.singly.saturating_sub(handed.mails.len());
        }
        self.halted();
        self.set_alarm(ctx);
        self.ask_for_turn(ctx);
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        if let Some(delay) = self.logic.wakes_in() {
            self.set_alarm_after(delay, ctx);
        }
    }

    fn set_alarm_after(&mut self, delay: Duration, ctx: &mut Context<Self>) {
        if self.alarm.is_none() {
            self.alarm = Some(ctx.run_later(delay, |actor, ctx| {
                actor.alarm = None;
                actor.shared.mailbox.fetch_add(1, Relaxed);
                actor.buffer.push_back(L::wake());
                actor.ask_for_turn(ctx);
            }));
        }
    }

    fn give_back(&mut self, mails: Vec<Option<L::Mail>>) {
        mails.into_iter().flatten().rev().for_each(|mail| self.buffer.push_front(mail));
    }

    /// Goes on in a moment, unless it has been stopped.
    fn take_breath(&mut self, ctx: &mut Context<Self>) {
        self.halted();
        ctx.run_later(BREATH, |actor, ctx| actor.ask_for_turn(ctx));
    }

    fn dismiss(&mut self, mail: L::Mail, why: &Fault) {
        self.shared.mailbox.fetch_sub(1, Relaxed);
        self.logic.dismiss(mail, why);
    }

    fn not_taken(
        &mut self,
        mails: Vec<Option<L::Mail>>,
        error: &StoreError,
        ctx: &mut Context<Self>,
    ) {
        match error {
            StoreError::Overloaded => {
                let (outside, inside) =
                    mails.into_iter().flatten().partition::<Vec<_>, _>(L::is_from_outside);
                let busy = match self.shared.store.is_full() {
                    true => Fault::DiskFull,
                    false => Fault::Busy { retry_after: Duration::from_secs(1) },
                };
                outside.into_iter().for_each(|mail| self.dismiss(mail, &busy));
                self.give_back(inside.into_iter().map(Some).collect());
                self.take_breath(ctx);
            }
            StoreError::Invalid(why) if mails.len() > 1 => {
                tracing::warn!(
                    context = self.shared.name.context,
                    why,
                    "a turn cannot be stored; taken singly"
                );
                self.singly = mails.len();
                self.give_back(mails);
                self.halted();
                self.ask_for_turn(ctx);
            }
            StoreError::Damaged(_) if mails.len() > 1 => {
                self.singly = mails.len();
                self.give_back(mails);
                self.halted();
                self.ask_for_turn(ctx);
            }
            // It alone comes to nothing; where nothing else does, there is time.
            StoreError::Damaged(what) => {
                self.shared.report_damage(what);
                let fault = Fault::from(error.clone());
                mails.into_iter().flatten().for_each(|mail| self.dismiss(mail, &fault));
                self.singly = self.singly.saturating_sub(1);
                self.take_breath(ctx);
                self.set_alarm_after(MISSED, ctx);
            }
            error => {
                tracing::error!(context = self.shared.name.context, %error, "the store did not take a turn");
                let fault = Fault::from(error.clone());
                mails.into_iter().flatten().for_each(|mail| self.dismiss(mail, &fault));
                self.singly = self.singly.saturating_sub(1);
                match error {
                    StoreError::Invalid(_) => self.ask_for_turn(ctx),
                    _ if self.running() => self.fail(&fault),
                    _ => {}
                }
                self.halted();
            }
        }
    }

    fn crash(&mut self, ctx: &mut Context<Self>) {
        self.shared.restarts.fetch_add(1, Relaxed);
        actix::ActorContext::stop(ctx);
    }

    fn fail(&mut self, why: &Fault) {
        self.shared.set_phase(Phase::Failed);
        self.dismiss_all(why);
    }

    fn dismiss_all(&mut self, why: &Fault) {
        for mail in std::mem::take(&mut self.buffer) {
            self.dismiss(mail, why);
        }
        self.logic.dismiss_waiting();
    }

    fn load(&mut self, ctx: &mut Context<Self>) {
        match self.logic.reload(&self.mailbox) {
            Ok(()) => self.prepare(ctx),
            Err(error) => self.cannot_load(error),
        }
    }

    fn cannot_load(&mut self, error: StoreError) {
        tracing::error!(context = self.shared.name.context, %error, "the context cannot be loaded");
        if let StoreError::Damaged(what) = &error {
            self.shared.report_damage(what);
        }
        self.fail(&Fault::from(error));
    }

    /// A stop is done when what was handed over is answered.
    fn halted(&mut self) {
        if self.shared.phase() == Phase::Stopped && self.handed.is_none() {
            self.dismiss_all(&Fault::Away(self.shared.name.context));
            for done in self.halting.drain(..) {
                let _ = done.send(());
            }
        }
    }
}

impl<L: Behavior> Actor for ContextActor<L> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // The address is that of whoever lives now: at first, and where the guardian has put another in its place.
        self.mailbox.settle_at(ctx.address());
        if self.shared.phase() == Phase::Starting {
            self.load(ctx);
        }
    }
}

impl<L: Behavior> Supervised for ContextActor<L> {
    fn restarting(&mut self, ctx: &mut Context<Self>) {
        self.turn_is_due = false;
        self.alarm = None;
        if matches!(self.shared.phase(), Phase::Failed | Phase::Stopped) {
            return self.halted();
        }
        let backoff = match self.restarts.crashed(Instant::now()) {
            Verdict::GoOn => return self.load(ctx),
            Verdict::After(backoff) => backoff,
            Verdict::GiveUp => {
                tracing::error!(
                    context = self.shared.name.context,
                    "the context keeps crashing; it is given up"
                );
                // Loaded once more; what was handed over and stands is let go of, and its senders are told how it stands.
                let _ = self.logic.reload(&self.mailbox);
                if let Some(handed) = self.handed.take_if(|handed| handed.commit.is_some()) {
                    self.shared.mailbox.fetch_sub(handed.mails.len() as u64, Relaxed);
                }
                return self.fail(&Fault::Away(self.shared.name.context));
            }
        };
        tracing::warn!(context = self.shared.name.context, ?backoff, "the context keeps crashing");
        self.shared.set_phase(Phase::Degraded);
        // No mail is taken meanwhile, and none is lost.
        ctx.wait(wrap_future(tokio::time::sleep(backoff)));
        ctx.run_later(backoff, |actor: &mut Self, ctx| {
            if actor.shared.phase() == Phase::Degraded {
                actor.load(ctx);
            }
        });
    }
}
