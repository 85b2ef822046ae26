//! What an actor writes before it answers any request: rows that a new version of a function derives.
//! Until then it is starting, and its messages wait.

use super::{ContextActor, PAUSE};
use crate::{
    actors::{
        actor::behavior::Behavior,
        port::{health::Phase, status::ChaosPoint},
    },
    store::{CommitVerdict, StoreError},
};
use actix::{AsyncContext, Context, Handler, Message};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
};

/// Prepares the next page, or takes the verdict on the last one.
#[derive(Message)]
#[rtype(result = "()")]
struct Prepare(Option<Result<CommitVerdict, StoreError>>);

impl<L: Behavior> ContextActor<L> {
    /// Writes page by page what has to be written first; then the context runs.
    pub(crate) fn prepare_next(&mut self, ctx: &mut Context<Self>) {
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            let Some(batch) = self.behavior.prepare_batch()? else { return Ok(None) };
            self.shared.rebuilding.store(true, Relaxed);
            self.shared.set_phase(Phase::Starting);
            self.shared.inject_chaos(ChaosPoint::BeforeCommit);
            self.shared.store.submit(batch).map(Some)
        }));
        match prepared {
            Ok(Ok(None)) => {
                self.shared.set_phase(Phase::Running);
                self.shared.rebuilding.store(false, Relaxed);
                self.apply_commit(ctx);
            }
            Ok(Ok(Some(verdict))) => self.on_prepared(Ok(verdict), ctx),
            Ok(Err(error)) => self.on_prepared(Err(error), ctx),
            Err(_) => self.restart_after_crash(ctx),
        }
    }

    fn on_prepared(&mut self, verdict: Result<CommitVerdict, StoreError>, ctx: &mut Context<Self>) {
        match verdict {
            Ok(CommitVerdict::Accepted(_) | CommitVerdict::Conflict) => {
                match self.behavior.reload_state(&self.mailbox) {
                    // By a message to itself, so that other actors of its thread run between two
                    // pages.
                    Ok(()) => ctx.notify(Prepare(None)),
                    Err(error) => self.on_load_error(error, ctx),
                }
            }
            Ok(CommitVerdict::Pending(verdict)) => {
                let mailbox = ctx.address();
                actix::spawn(async move {
                    let gone = || Err(StoreError::Failed("the store went away".into()));
                    mailbox.do_send(Prepare(Some(verdict.await.unwrap_or_else(|_| gone()))));
                });
            }
            Err(StoreError::Overloaded) => drop(ctx.run_later(PAUSE, Self::continue_preparing)),
            Err(error) => self.on_load_error(error, ctx),
        }
    }

    fn continue_preparing(&mut self, ctx: &mut Context<Self>) {
        // It may have been stopped meanwhile.
        if self.shared.phase() == Phase::Starting {
            self.prepare_next(ctx);
        }
    }
}

impl<L: Behavior> Handler<Prepare> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, Prepare(word): Prepare, ctx: &mut Context<Self>) {
        match word {
            Some(verdict) if self.shared.phase() == Phase::Starting => {
                self.on_prepared(verdict, ctx)
            }
            _ => self.continue_preparing(ctx),
        }
    }
}
