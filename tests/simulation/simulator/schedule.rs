//! What happens next: chance decides, and in the end everything heals and must come to rest.

use super::{
    hall::{Flight, Message},
    remedy::Remedy,
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
        for step in 0..self.hall.weather.steps {
            self.step();
            self.check();
            if self.hall.wrong.is_some() {
                return step;
            }
        }
        self.hall.trace.say(format_args!("everything heals"));
        self.hall.healed = true;
        (0..self.hall.nodes.len()).for_each(|node| self.restart(node));
        (0..self.contexts.len()).for_each(|context| self.start(context));
        for step in 0..REST {
            if !self.heal() {
                self.judge();
                return self.hall.weather.steps + step as u64;
            }
            self.check();
            if self.hall.wrong.is_some() {
                return self.hall.weather.steps + step as u64;
            }
        }
        self.hall.wrong("it never comes to rest".to_owned());
        self.hall.weather.steps + REST as u64
    }

    fn check(&mut self) {
        if std::mem::take(&mut self.hall.changed)
            && let Err(what) = (self.business.always)(self)
        {
            self.hall.wrong(what);
        }
    }
    /// Nothing is left to do.
    fn judge(&mut self) {
        self.acknowledged_stands();
        for context in &self.contexts {
            if let Err(what) = context.at_rest(&self.hall) {
                self.hall.wrong(format!("{}: {what}", context.name()));
            }
        }
        if let Err(what) = (self.business.finally)(self) {
            self.hall.wrong(what);
        }
    }

    fn step(&mut self) {
        self.hall.now += 1;
        self.come_back();
        let weather = self.hall.weather.clone();
        let mut dice = self.hall.chance.between(0, 1000);
        let mut is = |weight: u64| {
            let hit = dice < weight;
            dice = dice.wrapping_sub(weight);
            hit
        };
        if is(weather.orders) {
            self.order();
        } else if is(weather.syncs) {
            self.sync();
        } else if is(weather.crashes) {
            let node = self.hall.chance.between(0, self.hall.nodes.len() as u64) as usize;
            self.crash(node);
        } else if is(weather.stops) {
            self.stop();
        } else if is(weather.clock) {
            self.turn_clock();
        } else if is(weather.silence) {
            self.give_up();
        } else if is(weather.rebuilds) {
            let context = self.hall.chance.between(0, self.contexts.len() as u64) as usize;
            let _ = self.hall.runs(context) && self.contexts[context].rebuild(&mut self.hall);
        } else {
            self.go_on();
        }
    }

    fn go_on(&mut self) -> bool {
        let first = self.hall.chance.between(0, WAYS.len() as u64) as usize;
        (0..WAYS.len()).any(|place| WAYS[(first + place) % WAYS.len()](self))
    }

    /// A step after which nothing goes wrong any more; says whether there was anything left to do.
    fn heal(&mut self) -> bool {
        if self.go_on() {
            return true;
        }
        let behind = (0..self.hall.nodes.len())
            .find(|node| self.hall.nodes[*node].durable < self.hall.nodes[*node].last);
        if let Some(node) = behind {
            self.hall.sync(node, self.hall.nodes[node].last);
            return true;
        }
        self.give_up()
    }

    fn order(&mut self) {
        if !self.sent.is_empty() && self.hall.happens(150) {
            let again =
                self.sent[self.hall.chance.between(0, self.sent.len() as u64) as usize].clone();
            return self.enter(&again);
        }
        let mut chance = self.hall.chance.fork();
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
            self.hall.flights.iter().filter(|flight| self.hall.has_left(flight)).count() as u64;
        if ready == 0 {
            return false;
        }
        let chosen = self.hall.chance.between(0, ready) as usize;
        let mut places = (0..self.hall.flights.len())
            .filter(|place| self.hall.has_left(&self.hall.flights[*place]));
        let Some(place) = places.nth(chosen) else { return false };
        let flight = self.hall.flights.swap_remove(place);
        let (lost, doubled) = (self.hall.weather.lost, self.hall.weather.doubled);
        if self.hall.happens(lost) {
            self.hall.trace.say(format_args!("lost: {flight:?}"));
            return true;
        }
        if self.hall.happens(doubled) {
            self.hall.flights.push(flight.again());
        }
        self.hall.trace.say(format_args!("{flight:?}"));
        self.deliver(flight);
        true
    }
    fn deliver(&mut self, flight: Flight) {
        match &flight.message {
            Message::Question(_) if self.hall.runs(flight.callee) => {
                self.contexts[flight.callee].asked(&mut self.hall, flight);
            }
            // Nobody is there; sometimes this is known at once.
            Message::Question(_) => {
                if self.hall.chance.coin() {
                    self.settle(flight.asker, flight.put, Err(NoAnswer::Unavailable));
                }
            }
            Message::Answer(answer) => {
                self.hall.heard_answer(&flight, answer);
                self.settle(flight.asker, flight.put, answer.clone());
            }
        }
    }
    fn settle(&mut self, asker: usize, put: u64, answer: Result<(), NoAnswer>) {
        if self.hall.node_of(asker).up {
            self.contexts[asker].settle(&mut self.hall, put, answer);
        }
    }

    /// Somebody loses patience; when all is healed, only where nothing is on its way any more.
    fn give_up(&mut self) -> bool {
        let first = self.hall.chance.between(0, self.contexts.len() as u64) as usize;
        for place in 0..self.contexts.len() {
            let context = (first + place) % self.contexts.len();
            if !self.hall.runs(context) {
                continue;
            }
            let hopeless = |put: &u64| {
                !self.hall.healed || self.hall.flights.iter().all(|flight| flight.put != *put)
            };
            let puts: Vec<u64> =
                self.contexts[context].puts().into_iter().filter(hopeless).collect();
            if !puts.is_empty() {
                let put = puts[self.hall.chance.between(0, puts.len() as u64) as usize];
                self.hall.trace.say(format_args!("{} gives up", self.hall.places[context].context));
                self.settle(context, put, Err(NoAnswer::Unavailable));
                return true;
            }
        }
        false
    }

    fn hear(&mut self) -> bool {
        let ears: usize = self.contexts.iter().map(|context| context.ears()).sum();
        let first = self.hall.chance.between(0, ears as u64) as usize;
        let all = self.contexts.iter().enumerate();
        let mut ears: Vec<(usize, usize)> =
            all.flat_map(|(context, it)| (0..it.ears()).map(move |ear| (context, ear))).collect();
        ears.rotate_left(first);
        for (context, ear) in ears {
            if self.hall.runs(context) && self.contexts[context].hears_more(&self.hall, ear) {
                self.contexts[context].hear(&mut self.hall, ear);
                return true;
            }
        }
        false
    }
    fn retry(&mut self) -> bool {
        (0..self.contexts.len())
            .any(|place| self.hall.runs(place) && self.contexts[place].retry(&mut self.hall))
    }
    fn ring(&mut self) -> bool {
        (0..self.contexts.len())
            .any(|place| self.hall.runs(place) && self.contexts[place].ring(&mut self.hall))
    }

    fn sync(&mut self) {
        let place = self.hall.chance.between(0, self.hall.nodes.len() as u64) as usize;
        let node = &self.hall.nodes[place];
        let to = self.hall.chance.between(node.durable, node.last + 1);
        if self.hall.nodes[place].up {
            self.hall.sync(place, to);
        }
    }

    fn turn_clock(&mut self) {
        let stride = self.hall.weather.stride;
        let step = self.hall.chance.between(0, stride as u64) as i64;
        // Now and then somebody sets it back.
        self.hall.now += if self.hall.happens(100) { -step / 24 } else { step };
        self.hall.trace.say(format_args!("it is {}", self.hall.now()));
    }

    fn stop(&mut self) {
        let place = self.hall.chance.between(0, self.contexts.len() as u64) as usize;
        if self.hall.runs(place) {
            self.hall.trace.say(format_args!("{} stops", self.hall.places[place].context));
            self.hall.places[place].running = false;
            self.contexts[place].stop(&mut self.hall);
        }
    }
    fn start(&mut self, place: usize) {
        if !self.hall.places[place].running {
            self.hall.trace.say(format_args!("{} starts", self.hall.places[place].context));
            self.hall.places[place].running = true;
            if self.hall.runs(place) {
                self.contexts[place].start(&mut self.hall);
            }
        }
    }

    /// A node dies. Of what was not known to be on its disk, some may be.
    fn crash(&mut self, node: usize) {
        let Some(dying) = self.hall.nodes.get(node).filter(|node| node.up) else { return };
        let first = if self.hall.does(Remedy::KeepWhatIsDurable) {
            dying.durable
        } else {
            dying.durable / 2
        };
        let to = self.hall.chance.between(first, dying.last + 1);
        self.hall.trace.say(format_args!(
            "node {node} crashes and keeps {to} of {}",
            self.hall.nodes[node].last
        ));
        let dying = &mut self.hall.nodes[node];
        (dying.up, dying.last, dying.durable) = (false, to, to);
        self.hall.changed = true;
        self.hall.replies.retain(|reply| reply.node != node);
        let (places, does_wait) = (&self.hall.places, self.hall.does(Remedy::WaitForDisk));
        let is_lost = |flight: &Flight| {
            let inside = places[flight.asker].node == node && places[flight.callee].node == node;
            inside
                || (does_wait
                    && flight.leaves.is_some_and(|(from, commit)| from == node && commit > to))
        };
        self.hall.flights.retain(|flight| !is_lost(flight));
        for place in 0..self.contexts.len() {
            if self.hall.places[place].node == node {
                self.contexts[place].crash(&mut self.hall, to);
            }
        }
        self.acknowledged_stands();
    }
    fn restart(&mut self, node: usize) {
        if !self.hall.nodes[node].up {
            self.hall.trace.say(format_args!("node {node} comes back"));
            self.hall.nodes[node].up = true;
            for place in 0..self.contexts.len() {
                if self.hall.places[place].node == node {
                    // A process start starts everything.
                    self.hall.places[place].running = true;
                    self.contexts[place].start(&mut self.hall);
                }
            }
        }
    }
    /// What is down does not stay down for long.
    fn come_back(&mut self) {
        if self.hall.happens(60) {
            (0..self.hall.nodes.len()).for_each(|node| self.restart(node));
            (0..self.contexts.len()).for_each(|place| self.start(place));
        }
    }
}
