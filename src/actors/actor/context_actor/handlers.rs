//! The actor's message handlers. They do as little as possible, because a panic in one would end
//! the actor.

use super::{CommitDecided, ContextActor, RunTurn};
use crate::actors::actor::mailbox::{Deliver, SetRunning};
use crate::actors::{
    actor::{behavior::Behavior, restart_policy::Restarts},
    port::{fault::Fault, health::Phase},
};
use actix::{Context, Handler};

impl<L: Behavior> Handler<Deliver<L::Mail>> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, Deliver(mail): Deliver<L::Mail>, ctx: &mut Context<Self>) {
        match self.shared.phase() {
            Phase::Failed | Phase::Stopped => {
                self.reject_mail(mail, &Fault::Away(self.shared.name.context))
            }
            Phase::Starting | Phase::Running | Phase::Degraded => {
                self.buffer.push_back(mail);
                self.schedule_turn(ctx);
            }
        }
    }
}

impl<L: Behavior> Handler<RunTurn> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, _: RunTurn, ctx: &mut Context<Self>) {
        self.run_turn(ctx);
    }
}

impl<L: Behavior> Handler<CommitDecided> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, CommitDecided(verdict): CommitDecided, ctx: &mut Context<Self>) {
        self.on_verdict(verdict, ctx);
    }
}

impl<L: Behavior> Handler<SetRunning> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, SetRunning(halt, done): SetRunning, ctx: &mut Context<Self>) {
        match (halt, self.shared.phase()) {
            (true, Phase::Stopped)
            | (false, Phase::Starting | Phase::Running | Phase::Degraded) => {
                let _ = done.send(());
            }
            (true, _) => {
                self.shared.set_phase(Phase::Stopped);
                self.stopping.push(done);
                self.finish_stop();
            }
            (false, _) => {
                self.isolate = 0;
                for stopped in self.stopping.drain(..) {
                    let _ = stopped.send(());
                }
                self.restarts = Restarts::default();
                self.load_state(ctx);
                let _ = done.send(());
            }
        }
    }
}
