//! All of a system without a runtime: what is on its way comes in the order that a test chooses.

use super::member::{AggregateContext, Flight, Logs, Member, ViewContext};
use holdfast::{
    domain::{Aggregate, Board, Id, NoAnswer, Refusal, Timestamp, View},
    systems,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What clients do, one after the other. Some of it is refused; nothing comes of it then.
pub type Client = fn(&mut World, u64) -> Result<(), Refusal>;

/// All of a system.
pub struct World {
    now: i64,
    /// How many microseconds pass from one thing that happens to the next.
    pub pace: i64,
    settings: Value,
    logs: Logs,
    members: BTreeMap<&'static str, Box<dyn Member>>,
    flights: Vec<Flight>,
}

/// What may happen next.
enum Step {
    Act,
    Hear(&'static str, usize, u64),
    Ring(&'static str, u64),
    /// The question arrives, or its answer.
    Fly(usize),
}

impl Board for World {
    fn aggregate<A: Aggregate>(&mut self) {
        let member = AggregateContext::<A>::new(&mut self.logs, &self.settings);
        self.members.insert(A::NAME.context, Box::new(member));
    }
    fn view<V: View>(&mut self) {
        let member = ViewContext::<V>::new(&mut self.logs);
        self.members.insert(V::NAME.context, Box::new(member));
    }
}

impl World {
    pub fn of(system: &str, settings: Value) -> Self {
        let mut world = Self {
            now: 0,
            pace: 1,
            settings,
            logs: Logs::default(),
            members: BTreeMap::new(),
            flights: Vec::new(),
        };
        assert!(systems::lay_out(system, &mut world));
        world
    }

    fn member(&mut self, context: &str) -> &mut dyn Member {
        self.members.get_mut(context).expect("a context").as_mut()
    }
    fn context<A: Aggregate>(&mut self) -> &mut AggregateContext<A> {
        self.member(A::NAME.context).as_any().downcast_mut().expect("of that type")
    }
    pub fn states<A: Aggregate>(&mut self) -> &BTreeMap<u64, A> {
        &self.context::<A>().states
    }
    pub fn rows<V: View>(&mut self) -> &BTreeMap<u64, V> {
        &self
            .member(V::NAME.context)
            .as_any()
            .downcast_mut::<ViewContext<V>>()
            .expect("of that type")
            .rows
    }

    /// A client's command to one that is there, or to a new one.
    pub fn command<A: Aggregate>(
        &mut self,
        to: Option<Id<A>>,
        command: A::Command,
    ) -> Result<u64, Refusal> {
        let now = Timestamp::from_micros(self.now);
        let context = self.context::<A>();
        let number = to.map_or_else(|| context.next_number(), Id::get);
        let opened = context.decide(number, command, now)?;
        self.flights.extend(opened);
        Ok(number)
    }

    fn steps(&self, clients: usize) -> Vec<Step> {
        let now = Timestamp::from_micros(self.now);
        let mut steps = Vec::new();
        for (context, member) in &self.members {
            steps
                .extend(member.audible().into_iter().map(|(ear, of)| Step::Hear(context, ear, of)));
            steps.extend(member.due(now).into_iter().map(|number| Step::Ring(context, number)));
        }
        steps.extend((0..self.flights.len()).map(Step::Fly));
        steps.extend((clients > 0).then_some(Step::Act));
        steps
    }

    /// Lets everything happen, in the order that `choices` say, and then what is left as it comes. Some questions come
    /// twice, some answers are lost, and some are given up while they are on their way.
    pub fn run(&mut self, clients: &[(Client, u64)], choices: &[u16]) {
        let mut clients = clients.iter();
        let mut choices = choices.iter().copied();
        loop {
            self.now += self.pace;
            let steps = self.steps(clients.len());
            if steps.is_empty() {
                return;
            }
            let choice = choices.next();
            let mischief = choice.map_or(0, |choice| choice % 8);
            let pick = usize::from(choice.unwrap_or(0) / 8);
            let now = Timestamp::from_micros(self.now);
            match steps[pick % steps.len()] {
                Step::Act => {
                    // What a client hears is its own affair.
                    let _ = clients.next().map(|(act, number)| act(self, *number));
                }
                Step::Hear(context, ear, of) => {
                    let opened = self.member(context).hear(ear, of, now);
                    self.flights.extend(opened);
                }
                Step::Ring(context, number) => {
                    let opened = self.member(context).ring(number, now);
                    self.flights.extend(opened);
                }
                Step::Fly(place) => self.fly(place, mischief, now),
            }
        }
    }

    fn fly(&mut self, place: usize, mischief: u16, now: Timestamp) {
        // In turns: one that waits for another goes behind it.
        let mut flight = self.flights.remove(place);
        let (asker, number, attempt) = flight.asker;
        match (flight.answer.take(), mischief) {
            // The asker gives up; the question is still on its way.
            (None, 1) if !flight.given_up => {
                let opened =
                    self.member(asker).settle(number, attempt, Err(NoAnswer::Unavailable), now);
                self.flights.extend(opened);
                flight.given_up = true;
                self.flights.push(flight);
            }
            (None, mischief) => {
                for _ in 0..=u8::from(mischief == 2) {
                    flight.answer =
                        self.member(flight.callee.0).asked(&flight, now).or(flight.answer.take());
                }
                self.flights
                    .extend((flight.answer.is_none() || !flight.given_up).then_some(flight));
            }
            (Some(answer), mischief) => {
                let answer = if mischief == 1 { Err(NoAnswer::Unavailable) } else { answer };
                let opened = self.member(asker).settle(number, attempt, answer, now);
                self.flights.extend(opened);
            }
        }
    }
}
