//! What happens next: chance decides, and in the end everything heals and must come to rest.

use super::{
    mitigation::Mitigation,
    network::{Flight, Message},
    world::{Order, World},
};
use holdfast::domain::NoAnswer;

/// After healing, rest must come within so many steps.
const REST: usize = 20_000;

/// Ways in which the world goes on by itself.
const WAYS: [fn(&mut World) -> bool; 4] = [World::fly, World::hear, World::retry, World::ring];

impl World {
    /// Runs the schedule to its end, or to the first thing that is wrong. Says how many steps it took.
    pub fn run(&mut self) -> u64 {
        for order in (self.business.opening)() {
            self.send(order);
        }
        for step in 0..self.network.fault_plan.steps {
            self.step();
            self.check();
            if self.network.wrong.is_some() {
                return step;
            }
        }
        self.network.trace.say(format_args!("everything heals"));
        self.network.healed = true;
        (0..self.network.nodes.len()).for_each(|node| self.restart(node));
        (0..self.contexts.len()).for_each(|context| self.start(context));
        for step in 0..REST {
            if !self.heal() {
                self.judge();
                return self.network.fault_plan.steps + step as u64;
            }
            self.check();
            if self.network.wrong.is_some() {
                return self.network.fault_plan.steps + step as u64;
            }
        }
        self.network.wrong("it never comes to rest".to_owned());
        self.network.fault_plan.steps + REST as u64
    }

    fn check(&mut self) {
        if std::mem::take(&mut self.network.changed)
            && let Err(what) = (self.business.always)(self)
        {
            self.network.wrong(what);
        }
    }
    /// Nothing is left to do.
    fn judge(&mut self) {
        self.acknowledged_stands();
        for context in &self.contexts {
            if let Err(what) = context.at_rest(&self.network) {
                self.network.wrong(format!("{}: {what}", context.name()));
            }
        }
        if let Err(what) = (self.business.finally)(self) {
            self.network.wrong(what);
        }
    }

    fn step(&mut self) {
        self.network.now += 1;
        self.come_back();
        let fault_plan = self.network.fault_plan.clone();
        let mut dice = self.network.chance.between(0, 1000);
        let mut is = |weight: u64| {
            let hit = dice < weight;
            dice = dice.wrapping_sub(weight);
            hit
        };
        if is(fault_plan.orders) {
            self.order();
        } else if is(fault_plan.syncs) {
            self.sync();
        } else if is(fault_plan.crashes) {
            let node = self.network.chance.between(0, self.network.nodes.len() as u64) as usize;
            self.crash(node);
        } else if is(fault_plan.stops) {
            self.stop();
        } else if is(fault_plan.clock) {
            self.turn_clock();
        } else if is(fault_plan.silence) {
            self.give_up();
        } else if is(fault_plan.rebuilds) {
            let context = self.network.chance.between(0, self.contexts.len() as u64) as usize;
            let _ = self.network.runs(context) && self.contexts[context].rebuild(&mut self.network);
        } else {
            self.go_on();
        }
    }

    fn go_on(&mut self) -> bool {
        let first = self.network.chance.between(0, WAYS.len() as u64) as usize;
        (0..WAYS.len()).any(|place| WAYS[(first + place) % WAYS.len()](self))
    }

    /// A step after which nothing goes wrong any more; says whether there was anything left to do.
    fn heal(&mut self) -> bool {
        if self.go_on() {
            return true;
        }
        let behind = (0..self.network.nodes.len())
            .find(|node| self.network.nodes[*node].durable < self.network.nodes[*node].last);
        if let Some(node) = behind {
            self.network.sync(node, self.network.nodes[node].last);
            return true;
        }
        self.give_up()
    }

    fn order(&mut self) {
        if !self.sent.is_empty() && self.network.happens(150) {
            let again =
                self.sent[self.network.chance.between(0, self.sent.len() as u64) as usize].clone();
            return self.enter(&again);
        }
        let mut chance = self.network.chance.fork();
        let order = (self.business.order)(&mut chance, self);
        self.send(order);
    }
    fn send(&mut self, mut order: Order) {
        if order.is_post() {
            order.key = Some(self.sent.len() as u64);
        }
        self.enter(&order);
        self.sent.push(order);
    }

    /// Delivers a question or an answer.
    fn fly(&mut self) -> bool {
        let ready =
            self.network.flights.iter().filter(|flight| self.network.has_left(flight)).count()
                as u64;
        if ready == 0 {
            return false;
        }
        let chosen = self.network.chance.between(0, ready) as usize;
        let mut places = (0..self.network.flights.len())
            .filter(|place| self.network.has_left(&self.network.flights[*place]));
        let Some(place) = places.nth(chosen) else { return false };
        let flight = self.network.flights.swap_remove(place);
        let lost = self.network.fault_plan.lost;
        let doubled = self.network.fault_plan.doubled;
        if self.network.happens(lost) {
            self.network.trace.say(format_args!("lost: {flight:?}"));
            return true;
        }
        if self.network.happens(doubled) {
            self.network.flights.push(flight.again());
        }
        self.network.trace.say(format_args!("{flight:?}"));
        self.deliver(flight);
        true
    }
    fn deliver(&mut self, flight: Flight) {
        match &flight.message {
            Message::Question(_) if self.network.runs(flight.callee) => {
                self.contexts[flight.callee].asked(&mut self.network, flight);
            }
            // No context is there; sometimes this is known at once.
            Message::Question(_) => {
                if self.network.chance.coin() {
                    self.settle(flight.asker, flight.put, Err(NoAnswer::Unavailable));
                }
            }
            Message::Answer(answer) => {
                self.network.heard_answer(&flight, answer);
                self.settle(flight.asker, flight.put, answer.clone());
            }
        }
    }
    fn settle(&mut self, asker: usize, put: u64, answer: Result<(), NoAnswer>) {
        if self.network.node_of(asker).up {
            self.contexts[asker].settle(&mut self.network, put, answer);
        }
    }

    /// An asker loses patience; when all is healed, only where nothing is on its way any more.
    fn give_up(&mut self) -> bool {
        let first = self.network.chance.between(0, self.contexts.len() as u64) as usize;
        for place in 0..self.contexts.len() {
            let context = (first + place) % self.contexts.len();
            if !self.network.runs(context) {
                continue;
            }
            let hopeless = |put: &u64| {
                !self.network.healed || self.network.flights.iter().all(|flight| flight.put != *put)
            };
            let puts: Vec<u64> =
                self.contexts[context].puts().into_iter().filter(hopeless).collect();
            if !puts.is_empty() {
                let put = puts[self.network.chance.between(0, puts.len() as u64) as usize];
                self.network
                    .trace
                    .say(format_args!("{} gives up", self.network.places[context].context));
                self.settle(context, put, Err(NoAnswer::Unavailable));
                return true;
            }
        }
        false
    }

    fn hear(&mut self) -> bool {
        let ears: usize = self.contexts.iter().map(|context| context.ears()).sum();
        let first = self.network.chance.between(0, ears as u64) as usize;
        let all = self.contexts.iter().enumerate();
        let mut ears: Vec<(usize, usize)> =
            all.flat_map(|(context, it)| (0..it.ears()).map(move |ear| (context, ear))).collect();
        ears.rotate_left(first);
        for (context, ear) in ears {
            if self.network.runs(context) && self.contexts[context].hears_more(&self.network, ear) {
                self.contexts[context].hear(&mut self.network, ear);
                return true;
            }
        }
        false
    }
    fn retry(&mut self) -> bool {
        (0..self.contexts.len())
            .any(|place| self.network.runs(place) && self.contexts[place].retry(&mut self.network))
    }
    fn ring(&mut self) -> bool {
        (0..self.contexts.len())
            .any(|place| self.network.runs(place) && self.contexts[place].ring(&mut self.network))
    }

    fn sync(&mut self) {
        let place = self.network.chance.between(0, self.network.nodes.len() as u64) as usize;
        let node = &self.network.nodes[place];
        let to = self.network.chance.between(node.durable, node.last + 1);
        if self.network.nodes[place].up {
            self.network.sync(place, to);
        }
    }

    fn turn_clock(&mut self) {
        let stride = self.network.fault_plan.stride;
        let step = self.network.chance.between(0, stride as u64) as i64;
        // Now and then an operator sets it back.
        self.network.now += if self.network.happens(100) { -step / 24 } else { step };
        self.network.trace.say(format_args!("it is {}", self.network.now()));
    }

    fn stop(&mut self) {
        let place = self.network.chance.between(0, self.contexts.len() as u64) as usize;
        if self.network.runs(place) {
            self.network.trace.say(format_args!("{} stops", self.network.places[place].context));
            self.network.places[place].running = false;
            self.contexts[place].stop(&mut self.network);
        }
    }
    fn start(&mut self, place: usize) {
        if !self.network.places[place].running {
            self.network.trace.say(format_args!("{} starts", self.network.places[place].context));
            self.network.places[place].running = true;
            if self.network.runs(place) {
                self.contexts[place].start(&mut self.network);
            }
        }
    }

    /// A node dies. Of what was not known to be on its disk, some may be.
    fn crash(&mut self, node: usize) {
        let Some(dying) = self.network.nodes.get(node).filter(|node| node.up) else { return };
        let first = if self.network.does(Mitigation::KeepWhatIsDurable) {
            dying.durable
        } else {
            dying.durable / 2
        };
        let to = self.network.chance.between(first, dying.last + 1);
        self.network.trace.say(format_args!(
            "node {node} crashes and keeps {to} of {}",
            self.network.nodes[node].last
        ));
        let dying = &mut self.network.nodes[node];
        (dying.up, dying.last, dying.durable) = (false, to, to);
        self.network.changed = true;
        self.network.replies.retain(|reply| reply.node != node);
        let places = &self.network.places;
        let does_wait = self.network.does(Mitigation::WaitForDisk);
        let is_lost = |flight: &Flight| {
            let inside = places[flight.asker].node == node && places[flight.callee].node == node;
            inside
                || (does_wait
                    && flight.leaves.is_some_and(|(from, commit)| from == node && commit > to))
        };
        self.network.flights.retain(|flight| !is_lost(flight));
        for place in 0..self.contexts.len() {
            if self.network.places[place].node == node {
                self.contexts[place].crash(&mut self.network, to);
            }
        }
        self.acknowledged_stands();
    }
    fn restart(&mut self, node: usize) {
        if !self.network.nodes[node].up {
            self.network.trace.say(format_args!("node {node} comes back"));
            self.network.nodes[node].up = true;
            for place in 0..self.contexts.len() {
                if self.network.places[place].node == node {
                    // A process start starts everything.
                    self.network.places[place].running = true;
                    self.contexts[place].start(&mut self.network);
                }
            }
        }
    }
    /// What is down does not stay down for long.
    fn come_back(&mut self) {
        if self.network.happens(60) {
            (0..self.network.nodes.len()).for_each(|node| self.restart(node));
            (0..self.contexts.len()).for_each(|place| self.start(place));
        }
    }
}
