//! What the actor does after a crash: it reloads its state, at once or after a pause, or gives up.

use super::ContextActor;
use crate::actors::{
    actor::{behavior::Behavior, restart_policy::RestartDecision},
    port::{fault::Fault, health::Phase},
};
use actix::{AsyncContext, Context, Supervised, fut::wrap_future};
use std::sync::atomic::Ordering::Relaxed;
use tokio::time::Instant;

impl<L: Behavior> Supervised for ContextActor<L> {
    fn restarting(&mut self, ctx: &mut Context<Self>) {
        self.turn_scheduled = false;
        self.wake_timer = None;
        if matches!(self.shared.phase(), Phase::Failed | Phase::Stopped) {
            return self.finish_stop();
        }
        let backoff = match self.restarts.record_crash(Instant::now()) {
            RestartDecision::GoOn => return self.load_state(ctx),
            RestartDecision::After(backoff) => backoff,
            RestartDecision::GiveUp => {
                tracing::error!(
                    context = self.shared.name.context,
                    "context failed: it keeps crashing"
                );
                // Loaded once more; accepted batches are dropped, and their senders answer with the
                // stored state.
                let _ = self.behavior.reload_state(&self.mailbox);
                if let Some(handed) = self.in_flight.take_if(|handed| handed.commit.is_some()) {
                    self.shared.mailbox.fetch_sub(handed.mails.len() as u64, Relaxed);
                }
                return self.fail_context(&Fault::Away(self.shared.name.context));
            }
        };
        tracing::warn!(
            context = self.shared.name.context,
            ?backoff,
            "delaying restart: the context keeps crashing"
        );
        self.shared.set_phase(Phase::Degraded);
        // Messages are not handled meanwhile, and none is lost.
        ctx.wait(wrap_future(tokio::time::sleep(backoff)));
        ctx.run_later(backoff, |actor: &mut Self, ctx| {
            if actor.shared.phase() == Phase::Degraded {
                actor.load_state(ctx);
            }
        });
    }
}
