//! Listening: every event of a source, in order, once in effect, however it comes.

use super::{mitigation::Mitigation, network::Network, table::Table, trace::Digest};
use holdfast::domain::{Addressee, Aggregate, Folds, Policies, React, ReactByKey, View};
use std::{any::Any, cell::RefCell, collections::BTreeMap, rc::Rc};

/// An event in the log of its context.
pub struct Said<E> {
    pub number: u64,
    pub version: u64,
    pub commit: u64,
    /// The digest of the events of this thing up to here.
    pub history: Digest,
    /// A question was given up, and nothing takes it back.
    pub without_undo: bool,
    pub event: E,
}

pub type Log<S> = Rc<RefCell<Vec<Said<<S as Aggregate>::Event>>>>;

/// The logs of all contexts, by name; a listener may be laid out before its source.
#[derive(Default)]
pub struct Logs(BTreeMap<&'static str, Box<dyn Any>>);

impl Logs {
    pub fn of<S: Aggregate>(&mut self) -> Log<S> {
        let log = self.0.entry(S::NAME.context).or_insert_with(|| Box::new(Log::<S>::default()));
        log.downcast_ref::<Log<S>>().expect("the log of that type").clone()
    }
    /// The log of a context that is laid out.
    pub fn known<S: Aggregate>(&self) -> &Log<S> {
        self.0[S::NAME.context].downcast_ref().expect("the log of that type")
    }
}

/// What an event of a source comes to for one listener, if anything.
pub struct Heard<T> {
    pub without_undo: bool,
    pub what: Option<T>,
}

trait Ear<T> {
    fn source(&self) -> &'static str;
    /// How much of the log there is to hear from where the listener is.
    fn reach(&self, network: &Network, listener: usize) -> u64;
    fn length(&self) -> u64;
    fn thing(&self, sequence: u64) -> u64;
    fn told(&self, sequence: u64) -> Heard<T>;
}

type Reaction<S, T> = Box<dyn Fn(&<S as Aggregate>::Event) -> Option<T>>;

struct EarOf<S: Aggregate, T> {
    log: Log<S>,
    react: Reaction<S, T>,
}

impl<S: Aggregate, T> Ear<T> for EarOf<S, T> {
    fn source(&self) -> &'static str {
        S::NAME.context
    }
    fn reach(&self, network: &Network, listener: usize) -> u64 {
        let log = self.log.borrow();
        let source = network.find(S::NAME.context).expect("a context of this system");
        let node = network.node_of(source);
        match (network.together(source, listener), node.up) {
            (false, false) => 0,
            (false, true) if network.does(Mitigation::WaitForDisk) => {
                log.partition_point(|said| said.commit <= node.durable) as u64
            }
            _ => log.len() as u64,
        }
    }
    fn length(&self) -> u64 {
        self.log.borrow().len() as u64
    }
    fn thing(&self, sequence: u64) -> u64 {
        self.log.borrow()[sequence as usize - 1].number
    }
    fn told(&self, sequence: u64) -> Heard<T> {
        let said = &self.log.borrow()[sequence as usize - 1];
        Heard { without_undo: said.without_undo, what: (self.react)(&said.event) }
    }
}

/// All ears of one listener: how far each has come, and what is set aside.
pub struct Ears<T> {
    me: usize,
    ears: Vec<Box<dyn Ear<T>>>,
    positions: Table<usize, u64>,
    /// By ear, thing and sequence.
    aside: Table<(usize, u64, u64), ()>,
}

/// The rule that removes duplicates.
fn is_new(sequence: u64, position: u64) -> bool {
    sequence > position
}

impl<T> Ears<T> {
    fn of(me: usize, ears: Vec<Box<dyn Ear<T>>>) -> Self {
        Self { me, ears, positions: Table::default(), aside: Table::default() }
    }
    pub fn count(&self) -> usize {
        self.ears.len()
    }
    fn position(&self, ear: usize) -> u64 {
        self.positions.get(&ear).copied().unwrap_or(0)
    }
    pub fn hears_more(&self, network: &Network, ear: usize) -> bool {
        self.ears[ear].reach(network, self.me) > self.position(ear)
    }

    /// What comes next, some events at once, and the commit of their effects.
    pub fn hear(&mut self, network: &mut Network, ear: usize) -> (u64, Vec<Heard<T>>) {
        let position = self.position(ear);
        let reach = self.ears[ear].reach(network, self.me);
        // A push may bring old events again, and perhaps new ones. It may also have lost the ones before it: then the
        // log is read.
        let again = network.fault_plan.doubled;
        let lost = network.fault_plan.lost;
        let from = if network.happens(again) {
            (position + 1).saturating_sub(network.chance.between(1, 8)).max(1)
        } else if network.happens(lost) && !network.does(Mitigation::ReadTheLog) {
            position + 2
        } else {
            position + 1
        };
        let to = reach.min(from + network.chance.between(0, 4));
        let source = self.ears[ear].source();
        network.trace.say(format_args!(
            "{} hears {source} {from}..{to} at {position}",
            network.places[self.me].context
        ));
        let moved = network.commit(self.me);
        let commit =
            if network.does(Mitigation::MoveWithEffect) { moved } else { network.commit(self.me) };
        let mut heard = Vec::new();
        for sequence in from..=to {
            if !is_new(sequence, position) && network.does(Mitigation::DropDuplicates) {
                continue;
            }
            let thing = self.ears[ear].thing(sequence);
            let mut shelf = self.aside.rows().range((ear, thing, 0)..=(ear, thing, u64::MAX));
            let behind = shelf.next().is_some() && network.does(Mitigation::KeepOrderAside);
            let parked = network.fault_plan.parked;
            if behind || network.happens(parked) {
                network.trace.say(format_args!("  {sequence} of #{thing} is set aside"));
                self.aside.put(commit, (ear, thing, sequence), ());
            } else {
                heard.push(self.ears[ear].told(sequence));
            }
        }
        self.positions.put(moved, ear, to.max(position));
        (commit, heard)
    }

    /// The next of something that was set aside.
    pub fn retry(&mut self, network: &mut Network) -> Option<(u64, Heard<T>)> {
        let count = self.aside.rows().len() as u64;
        if count == 0 {
            return None;
        }
        let place = network.chance.between(0, count) as usize;
        let (ear, thing, _) = *self.aside.rows().keys().nth(place)?;
        // Only the first of a shelf.
        let first = *self.aside.rows().range((ear, thing, 0)..).next()?.0;
        network.trace.say(format_args!(
            "{} takes {} of #{thing} again",
            network.places[self.me].context, first.2
        ));
        let commit = network.commit(self.me);
        self.aside.remove(commit, &first);
        (first.2 <= self.ears[ear].length()).then(|| (commit, self.ears[ear].told(first.2)))
    }

    pub fn crash(&mut self, network: &Network, to: u64) {
        self.aside.roll_back(to);
        if network.does(Mitigation::KeepPositions) {
            self.positions.roll_back(to)
        } else {
            self.positions = Table::default()
        }
    }
    /// As if nothing had been heard.
    pub fn forget(&mut self, commit: u64) {
        self.positions.clear(commit);
        self.aside.clear(commit);
    }

    /// Everything there is, a source at a time.
    pub fn everything(&self, backwards: bool) -> impl Iterator<Item = Heard<T>> {
        let mut ears: Vec<_> = self.ears.iter().collect();
        if backwards {
            ears.reverse();
        }
        ears.into_iter().flat_map(|ear| (1..=ear.length()).map(move |sequence| ear.told(sequence)))
    }

    /// Whether everything has been heard and nothing is set aside.
    pub fn rest(&self, network: &Network) -> Result<(), String> {
        for (place, ear) in self.ears.iter().enumerate() {
            let position = self.position(place);
            let length = ear.length();
            if position != length || ear.reach(network, self.me) != length {
                return Err(format!("has heard {position} of {length} events of {}", ear.source()));
            }
        }
        match self.aside.rows().first_key_value() {
            Some((aside, ())) => Err(format!("has set {aside:?} aside for ever")),
            None => Ok(()),
        }
    }
}

/// Whom a policy commands (none is a new one), and what.
pub type Told<A> = (Option<Addressee>, <A as Aggregate>::Command);
/// What an event makes of a row.
pub type Change<V> = (u64, Box<dyn FnOnce(&mut V)>);

struct Laid<'a, T>(&'a mut Logs, Vec<Box<dyn Ear<T>>>);

impl<T: 'static> Laid<'_, T> {
    fn add<S: Aggregate>(&mut self, react: impl Fn(&S::Event) -> Option<T> + 'static) {
        self.1.push(Box::new(EarOf::<S, T> { log: self.0.of::<S>(), react: Box::new(react) }));
    }
}
impl<A: Aggregate> Policies<A> for Laid<'_, Told<A>> {
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
impl<V: View> Folds<V> for Laid<'_, Change<V>> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        self.add::<S>(move |event| {
            let event = event.clone();
            row(&event)
                .map(|number| (number, Box::new(move |row: &mut V| fold(row, &event)) as Box<_>))
        });
    }
}

pub fn ears_of<A: Aggregate>(me: usize, logs: &mut Logs) -> Ears<Told<A>> {
    let mut laid = Laid(logs, Vec::new());
    A::whenever(&mut laid);
    Ears::of(me, laid.1)
}
pub fn ears_of_view<V: View>(me: usize, logs: &mut Logs) -> Ears<Change<V>> {
    let mut laid = Laid(logs, Vec::new());
    V::folds(&mut laid);
    Ears::of(me, laid.1)
}
