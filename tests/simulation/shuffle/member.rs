//! One context of a world: its states, what they have said, and what it has heard of the others.

use holdfast::domain::{
    Addressee, Aggregate, Ask, AskId, Commands, DecisionContext, Folds, Id, NoAnswer, Policies,
    React, ReactByKey, Refusal, Timestamp, View,
};
use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// What the things of a context have said, each in its own order.
pub type Log<S> = Rc<RefCell<BTreeMap<u64, Vec<<S as Aggregate>::Event>>>>;

/// The logs of all contexts, by name.
#[derive(Default)]
pub struct Logs(BTreeMap<&'static str, Box<dyn Any>>);

impl Logs {
    pub fn of<S: Aggregate>(&mut self) -> Log<S> {
        let log = self.0.entry(S::NAME.context).or_insert_with(|| Box::new(Log::<S>::default()));
        log.downcast_ref::<Log<S>>().expect("the log of that type").clone()
    }
}

/// A question on its way to the context that is asked, and its answer on the way back.
pub struct Flight {
    pub asker: (&'static str, u64, u32),
    pub callee: (&'static str, Addressee),
    pub command: Box<dyn holdfast::domain::AnyCommand>,
    pub answer: Option<Result<(), NoAnswer>>,
    /// The asker does not wait any more.
    pub given_up: bool,
}

/// A context, whichever.
pub trait Member {
    /// What it could hear next: by which of its ears, of which thing.
    fn audible(&self) -> Vec<(usize, u64)>;
    fn hear(&mut self, ear: usize, of: u64, now: Timestamp) -> Vec<Flight>;
    /// Nothing where the question must wait for one that is open here.
    fn asked(&mut self, flight: &Flight, now: Timestamp) -> Option<Result<(), NoAnswer>>;
    fn settle(
        &mut self,
        number: u64,
        attempt: u32,
        answer: Result<(), NoAnswer>,
        now: Timestamp,
    ) -> Vec<Flight>;
    /// The things whose time has come.
    fn due(&self, now: Timestamp) -> Vec<u64>;
    fn ring(&mut self, number: u64, now: Timestamp) -> Vec<Flight>;
    fn as_any(&mut self) -> &mut dyn Any;
}

/// An ear: the next of what it has not heard of a thing becomes a `T`, if anything.
trait Ear<T> {
    fn audible(&self) -> Vec<u64>;
    fn next(&mut self, of: u64) -> Option<T>;
}
type Reaction<S, T> = Box<dyn Fn(&<S as Aggregate>::Event) -> Option<T>>;

struct EarOf<S: Aggregate, T> {
    log: Log<S>,
    heard: BTreeMap<u64, usize>,
    react: Reaction<S, T>,
}
impl<S: Aggregate, T> Ear<T> for EarOf<S, T> {
    fn audible(&self) -> Vec<u64> {
        let log = self.log.borrow();
        log.iter()
            .filter(|(of, said)| self.heard.get(of).is_none_or(|heard| *heard < said.len()))
            .map(|(of, _)| *of)
            .collect()
    }
    fn next(&mut self, of: u64) -> Option<T> {
        let heard = self.heard.entry(of).or_default();
        *heard += 1;
        (self.react)(&self.log.borrow()[&of][*heard - 1])
    }
}
struct Ears<'a, T>(&'a mut Logs, Vec<Box<dyn Ear<T>>>);
impl<T: 'static> Ears<'_, T> {
    fn add<S: Aggregate>(&mut self, react: impl Fn(&S::Event) -> Option<T> + 'static) {
        self.1.push(Box::new(EarOf::<S, T> {
            log: self.0.of::<S>(),
            heard: BTreeMap::new(),
            react: Box::new(react),
        }));
    }
}
/// What a policy commands, and which one: none is a new one.
type Order<A> = (Option<Addressee>, <A as Aggregate>::Command);

impl<A: Aggregate> Policies<A> for Ears<'_, Order<A>> {
    fn on<S: Aggregate>(&mut self, react: React<A, S>) {
        self.add::<S>(move |event| {
            let (id, command) = react(event)?;
            Some((Some(Addressee::Number(id.get())), command))
        });
    }
    fn on_key<S: Aggregate>(&mut self, react: ReactByKey<A, S>) {
        self.add::<S>(move |event| {
            let (address, command) = react(event)?;
            Some((Some(address.into_addressee()), command))
        });
    }
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>) {
        self.add::<S>(move |event| react(event).map(|command| (None, command)));
    }
}
type Change<V> = Box<dyn FnOnce(&mut V)>;
impl<V: View> Folds<V> for Ears<'_, (u64, Change<V>)> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        self.add::<S>(move |event| {
            let event = event.clone();
            row(&event)
                .map(|number| (number, Box::new(move |row: &mut V| fold(row, &event)) as Change<V>))
        });
    }
}

#[derive(Clone)]
enum Kept {
    Said(Result<(), Refusal>),
    Withdrawn,
}

/// A context that decides.
pub struct AggregateContext<A: Aggregate> {
    pub states: BTreeMap<u64, A>,
    settings: A::Settings,
    log: Log<A>,
    ears: Vec<Box<dyn Ear<Order<A>>>>,
    answers: BTreeMap<AskId, Kept>,
}

impl<A: Aggregate> AggregateContext<A> {
    pub fn new(logs: &mut Logs, settings: &serde_json::Value) -> Self {
        let log = logs.of::<A>();
        let mut ears = Ears(logs, Vec::new());
        A::whenever(&mut ears);
        let settings = serde_json::from_value(settings.clone()).unwrap_or_default();
        Self { states: BTreeMap::new(), settings, log, ears: ears.1, answers: BTreeMap::new() }
    }

    pub fn next_number(&self) -> u64 {
        self.states.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    /// Which of its things holds a key.
    fn holder_of(&self, key: &String) -> Option<u64> {
        let mut states = self.states.iter();
        states.find(|(_, state)| state.held_keys().contains(key)).map(|(number, _)| *number)
    }

    fn open(&self, number: u64) -> Option<Ask<A>> {
        self.states.get(&number)?.awaits(Id::new(number))
    }

    /// Decides as the runtime does: an undo takes its ask back, claims are exclusive, a new question goes out.
    pub fn decide(
        &mut self,
        number: u64,
        command: A::Command,
        now: Timestamp,
    ) -> Result<Vec<Flight>, Refusal> {
        let id = Id::new(number);
        let withdrawn = command.compensates();
        let before = self.states.get(&number).cloned().unwrap_or_default();
        let events =
            before.decide(command, &DecisionContext { id, at: now, settings: &self.settings })?;
        let mut after = before.clone();
        events.iter().for_each(|event| after.evolve(event));
        let others = self
            .states
            .iter()
            .filter(|(of, _)| **of != number)
            .flat_map(|(_, state)| state.held_keys());
        let taken: BTreeSet<String> = others.collect();
        if let Some(key) = after.held_keys().iter().find(|key| taken.contains(*key)) {
            return Err(A::key_refusal(key));
        }
        if let Some(ask) = withdrawn {
            self.answers.insert(ask, Kept::Withdrawn);
        }
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let same = |a: &Ask<A>, b: &Ask<A>| (a.callee, a.attempt) == (b.callee, b.attempt);
        let opened =
            after.awaits(id).filter(|ask| before.awaits(id).is_none_or(|open| !same(&open, ask)));
        self.states.insert(number, after);
        self.log.borrow_mut().entry(number).or_default().extend(events);
        Ok(opened.into_iter().map(|ask| flight::<A>(number, ask)).collect())
    }

    fn by_policy(&mut self, number: u64, command: A::Command, now: Timestamp) -> Vec<Flight> {
        let words = format!("{command:?}");
        self.decide(number, command, now)
            .unwrap_or_else(|refusal| panic!("a policy's command is refused: {words}: {refusal}"))
    }
}

fn flight<A: Aggregate>(number: u64, ask: Ask<A>) -> Flight {
    let asker = (A::NAME.context, number, ask.attempt);
    let callee = (ask.callee.context, ask.to);
    Flight { asker, callee, command: ask.command, answer: None, given_up: false }
}

impl<A: Aggregate> Member for AggregateContext<A> {
    fn audible(&self) -> Vec<(usize, u64)> {
        heard_by(&self.ears)
    }
    fn hear(&mut self, ear: usize, of: u64, now: Timestamp) -> Vec<Flight> {
        let Some((to, command)) = self.ears[ear].next(of) else { return Vec::new() };
        let number = match to {
            None => self.next_number(),
            Some(Addressee::Number(number)) => number,
            Some(Addressee::Key(key)) => match self.holder_of(&key) {
                Some(number) => number,
                None => {
                    let withdrawn = command.compensates();
                    self.answers.extend(withdrawn.map(|ask| (ask, Kept::Withdrawn)));
                    return Vec::new();
                }
            },
        };
        self.by_policy(number, command, now)
    }
    fn asked(&mut self, flight: &Flight, now: Timestamp) -> Option<Result<(), NoAnswer>> {
        let (context, number, attempt) = flight.asker;
        let id = AskId { context: context.into(), number, attempt };
        let of = match &flight.callee.1 {
            Addressee::Number(number) => Ok(*number),
            Addressee::Key(key) => {
                self.holder_of(key).ok_or_else(|| Refusal::unknown_key(A::NAME, key))
            }
        };
        let said = match self.answers.get(&id) {
            Some(Kept::Withdrawn) => Err(Refusal::conflict("withdrawn", "", "")),
            Some(Kept::Said(said)) => said.clone(),
            None => {
                let command = *flight
                    .command
                    .clone_command()
                    .into_any()
                    .downcast::<A::Command>()
                    .expect("its command");
                let decided = of.clone().and_then(|of| self.decide(of, command, now));
                let said = decided.map(|opened| assert!(opened.is_empty()));
                let is_open = of.is_ok_and(|of| self.open(of).is_some());
                if said == Err(Refusal::still_open()) && is_open {
                    return None;
                }
                self.answers.insert(id, Kept::Said(said.clone()));
                said
            }
        };
        Some(said.map_err(NoAnswer::Refused))
    }
    fn settle(
        &mut self,
        number: u64,
        attempt: u32,
        answer: Result<(), NoAnswer>,
        now: Timestamp,
    ) -> Vec<Flight> {
        let Some(ask) = self.open(number).filter(|ask| ask.attempt == attempt) else {
            return Vec::new();
        };
        let mut flights = self.by_policy(number, (ask.then)(answer), now);
        // Where the answer changed nothing, it is asked again.
        if flights.is_empty() {
            flights.extend(self.open(number).map(|ask| flight::<A>(number, ask)));
        }
        flights
    }
    fn due(&self, now: Timestamp) -> Vec<u64> {
        let due = |state: &A| state.due().is_some_and(|(at, _)| at <= now);
        self.states.iter().filter(|(_, state)| due(state)).map(|(number, _)| *number).collect()
    }
    fn ring(&mut self, number: u64, now: Timestamp) -> Vec<Flight> {
        let due = self.states[&number].due();
        due.map(|(_, command)| self.by_policy(number, command, now)).unwrap_or_default()
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

fn heard_by<T>(ears: &[Box<dyn Ear<T>>]) -> Vec<(usize, u64)> {
    ears.iter()
        .enumerate()
        .flat_map(|(ear, of)| of.audible().into_iter().map(move |of| (ear, of)))
        .collect()
}

/// A context that only listens.
pub struct ViewContext<V: View> {
    pub rows: BTreeMap<u64, V>,
    ears: Vec<Box<dyn Ear<(u64, Change<V>)>>>,
}

impl<V: View> ViewContext<V> {
    pub fn new(logs: &mut Logs) -> Self {
        let mut ears = Ears(logs, Vec::new());
        V::folds(&mut ears);
        Self { rows: BTreeMap::new(), ears: ears.1 }
    }
}

impl<V: View> Member for ViewContext<V> {
    fn audible(&self) -> Vec<(usize, u64)> {
        heard_by(&self.ears)
    }
    fn hear(&mut self, ear: usize, of: u64, _: Timestamp) -> Vec<Flight> {
        if let Some((number, change)) = self.ears[ear].next(of) {
            change(self.rows.entry(number).or_default());
        }
        Vec::new()
    }
    fn asked(&mut self, _: &Flight, _: Timestamp) -> Option<Result<(), NoAnswer>> {
        unreachable!("no context asks a view")
    }
    fn settle(&mut self, _: u64, _: u32, _: Result<(), NoAnswer>, _: Timestamp) -> Vec<Flight> {
        unreachable!("a view asks no context")
    }
    fn due(&self, _: Timestamp) -> Vec<u64> {
        Vec::new()
    }
    fn ring(&mut self, _: u64, _: Timestamp) -> Vec<Flight> {
        Vec::new()
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
