//! What the actor of a context does when a message comes: as little as can be.

use super::{ContextActor, Decided, Deliver, SetRunning, TakeTurn};
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
                self.dismiss(mail, &Fault::Away(self.shared.name.context))
            }
            Phase::Starting | Phase::Running | Phase::Degraded => {
                self.buffer.push_back(mail);
                self.ask_for_turn(ctx);
            }
        }
    }
}

impl<L: Behavior> Handler<TakeTurn> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, _: TakeTurn, ctx: &mut Context<Self>) {
        self.turn(ctx);
    }
}

impl<L: Behavior> Handler<Decided> for ContextActor<L> {
    type Result = ();
    fn handle(&mut self, Decided(verdict): Decided, ctx: &mut Context<Self>) {
        self.verdict(verdict, ctx);
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
                self.halting.push(done);
                self.halted();
            }
            (false, _) => {
                self.singly = 0;
                for stopped in self.halting.drain(..) {
                    let _ = stopped.send(());
                }
                self.restarts = Restarts::default();
                self.load(ctx);
                let _ = done.send(());
            }
        }
    }
}
