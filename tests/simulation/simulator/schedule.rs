//! What happens next: chance decides, and in the end everything heals and must come to rest.

use super::{
    conditions::Link,
    world::{Order, World},
};
use holdfast::actors::{Context, Phase, Safeguard};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use support::chance::Chance;

/// After healing, rest must come within so many looks, a minute after each other at the most.
const REST: u32 = 400;
/// Of a thousand steps, so many cut a way between nodes, or mend it.
const CUTS: u64 = 30;
/// Of a thousand steps, in so many an operator advances time by too much.
const MISTAKES: u64 = 2;
/// In microseconds.
const HOUR: i64 = 3_600_000_000;

impl World {
    /// Runs the schedule to its end, or to the first thing that is wrong. Of the steps, those in `skipped` do nothing, and
    /// there are no more than `most`. Says how many steps it took.
    pub async fn run(&mut self, most: u64, skipped: &BTreeSet<u64>) -> u64 {
        for model in &self.business.models {
            for order in (model.opening)() {
                self.send(Order { system: model.system, ..order });
            }
        }
        let steps = self.plan.steps.min(most);
        for step in 0..steps {
            // Each has its own chance, so that one that is skipped changes no other.
            let mut chance = self.chance.fork();
            if !skipped.contains(&step) {
                self.step(&mut chance).await;
            }
            let pause = chance.between(0, self.plan.pace.as_micros() as u64 + 1);
            tokio::time::sleep(Duration::from_micros(pause)).await;
            self.look();
            if self.wrong.is_some() {
                return step + 1;
            }
        }
        self.say(format_args!("everything heals"));
        self.conditions.heal();
        self.mend();
        self.come_to_rest().await;
        if self.wrong.is_none() && self.nodes() > 1 && self.chance.coin() {
            self.put_back().await;
        }
        steps
    }

    async fn come_to_rest(&mut self) {
        let mut busy = None;
        let mut quiet = 0;
        for look in 0..REST {
            self.sync();
            for context in self.contexts() {
                if matches!(context.phase(), Phase::Stopped | Phase::Failed) {
                    context.start().await;
                }
            }
            // Contexts that wait for a time look at the clock.
            self.advance_clock(Duration::from_micros(1));
            tokio::time::sleep(Duration::from_millis(50 << look.min(10))).await;
            self.sync();
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.look();
            if self.wrong.is_some() {
                return;
            }
            busy = self.is_busy();
            quiet = if busy.is_none() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return self.judge();
            }
        }
        let busy = busy.unwrap_or_default();
        self.wrong(format!("it never comes to rest: {busy}"));
    }

    async fn step(&mut self, chance: &mut Chance) {
        let plan = self.plan.clone();
        self.stays_up();
        // What is down does not stay down for long.
        if chance.between(0, 1000) < 60 {
            for context in self.contexts() {
                drop(actix_rt::spawn(context.start()));
            }
        }
        let mut dice = chance.between(0, 1000);
        let mut is = |weight: u64| {
            let hit = dice < weight;
            dice = dice.wrapping_sub(weight);
            hit
        };
        if is(plan.orders) {
            self.order(chance);
        } else if is(plan.syncs) {
            self.sync_some(chance);
        } else if is(plan.deaths) {
            self.crash(chance);
        } else if is(plan.stops) {
            self.stop_or_start(chance);
        } else if is(plan.clock) {
            self.turn_clock(chance);
        } else if is(plan.rebuilds) {
            let context = self.any_context(chance);
            self.say(format_args!("{} is rebuilt", context.name()));
            drop(actix_rt::spawn(context.rebuild_view()));
        } else if is(plan.damage) {
            let context = self.any_context(chance);
            self.damage(&context, chance);
        } else if is(MISTAKES) {
            self.mistype();
        } else if self.nodes() > 1 && is(CUTS) {
            let node = self.any_node(chance);
            let links = [Link::Nodes, Link::Broker(node)];
            self.conditions.toggle_cut(links[chance.number() as usize % links.len()]);
        }
    }

    fn any_context(&self, chance: &mut Chance) -> Arc<dyn Context> {
        let contexts = self.contexts();
        contexts[chance.number() as usize % contexts.len()].clone()
    }

    fn order(&mut self, chance: &mut Chance) {
        if !self.sent.is_empty() && chance.between(0, 1000) < 150 {
            let again = self.sent[chance.number() as usize % self.sent.len()].clone();
            return self.enter(&again);
        }
        let mut order = self.any_order(chance);
        // Clients are quick: what they have just ordered, they change before it is settled.
        if order.number.is_some() && chance.coin() {
            order.number = self.unsettled(&order).or(order.number);
        }
        self.send(order);
    }
    fn send(&mut self, mut order: Order) {
        if order.is_post() {
            order.key = Some(self.sent.len() as u64);
        }
        self.enter(&order);
        self.sent.push(order);
    }

    fn any_node(&self, chance: &mut Chance) -> usize {
        if self.nodes() == 1 { 0 } else { chance.number() as usize % self.nodes() }
    }
    fn sync_some(&mut self, chance: &mut Chance) {
        let disk = self.disk(self.any_node(chance));
        let to = chance.between(disk.durable(), disk.accepted() + 1);
        self.say(format_args!("the disk has {to} of {}", disk.accepted()));
        disk.sync(to);
    }

    /// The process dies. Of what was not known to be on its disk, some may be.
    fn crash(&mut self, chance: &mut Chance) {
        let node = self.any_node(chance);
        let durable = self.disk(node).durable();
        let accepted = self.disk(node).accepted();
        let first = if self.does(Safeguard::KeepWhatIsDurable) { durable } else { durable / 2 };
        let to = chance.between(first, accepted + 1);
        self.say(format_args!("process {node} dies, and {to} of {accepted} commits are left"));
        self.die(node, to);
    }

    fn stop_or_start(&mut self, chance: &mut Chance) {
        let context = self.any_context(chance);
        let name = context.name();
        let is_away = matches!(context.phase(), Phase::Stopped | Phase::Failed);
        self.say(format_args!("{name} {}", if is_away { "starts" } else { "stops" }));
        if is_away {
            drop(actix_rt::spawn(context.start()));
        } else if chance.coin() {
            drop(actix_rt::spawn(context.stop()));
        } else {
            // An operator restarts it, while its questions are on their way.
            drop(actix_rt::spawn(async move {
                let _ = context.stop().await;
                let _ = context.start().await;
            }));
        }
    }

    fn turn_clock(&mut self, chance: &mut Chance) {
        let step = chance.between(0, self.plan.stride as u64);
        // What is kept for a day is kept by the machine's clock, which no operator sets by as much.
        let by = (step as i64) % HOUR;
        match chance.between(0, 10) {
            0 => self.conditions.set_clock(-by),
            1..3 => self.conditions.set_clock(by),
            _ => self.advance_clock(Duration::from_micros(step)),
        }
        self.say(format_args!("it is {}", self.now()));
    }
}
