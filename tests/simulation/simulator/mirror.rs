//! What the logs say of each context: its states, folded from its events as they are read from outside, whether its actor
//! runs or not. What the actor has stored must be the same.

mod listed;
mod logs;
mod view;

pub use self::listed::Listed;
use self::{
    listed::lists_what_is_established,
    logs::{Log, Logs, Said},
    view::ViewMirror,
};
use super::{
    breakers::{Begun, SharedBegun},
    client::{CommandRoute, Order, Things, command_routes},
    ledger::Ledger,
    owners::{Owners, Spoken},
    seen::SharedSeen,
    trace::Digest,
};
use holdfast::{
    actors::{Context, Fault, RecordedEvent, Seen},
    domain::{
        Aggregate, Board, DecisionContext, Entity, Id, Lifecycle, Name, NoAnswer, Reads, Target,
        Timestamp, View, lenient::BadBody,
    },
    store::StoreError,
};
use serde_json::{Value, json};
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
};

/// A context, whichever, as far as it is known from outside. What a view does not do has a body here.
pub trait Mirror {
    fn name(&self) -> Name;
    /// Whether each of its things belongs to a customer.
    fn is_owned(&self) -> bool;
    fn things(&self) -> &Things;
    fn as_any(&self) -> &dyn Any;
    /// Reads what is new in the log, up to a row that is missing if there is one. Says each event.
    fn read(
        &mut self,
        _context: &dyn Context,
        _has_gap: bool,
        _say: &mut dyn FnMut(std::fmt::Arguments<'_>),
    ) -> Result<(), String> {
        Ok(())
    }
    /// The process has ended: what is in the log is another question.
    fn forget(&mut self) {}
    /// Whether that request makes a new thing, or what is wrong with it.
    fn makes_new(&self, _order: &Order) -> Result<bool, String> {
        Err("a view takes no commands".to_owned())
    }
    /// The digest of all that has happened to a thing up to a version.
    fn history(&self, _number: u64, _version: u64) -> Option<u64> {
        None
    }
    fn said(&self, _number: u64, _event: &str) -> usize {
        0
    }
    fn events(&self) -> &[(u64, Value)] {
        &[]
    }
    /// The last event of each source that it has heard of.
    fn causes(&self) -> &BTreeMap<String, u64> {
        const { &BTreeMap::new() }
    }
    /// What must hold at any time.
    fn always(&self) -> Result<(), String> {
        Ok(())
    }
    /// Which of its things are held for which order, by the context and number of that.
    fn held_for(&self) -> Vec<(u64, Name, u64)> {
        Vec::new()
    }
    /// Whose saga each of its events is.
    fn note_owners(&self, _owners: &mut Owners) -> Result<(), String> {
        Ok(())
    }
    /// Whether each row is of the customer whose saga it belongs to. A row of a view is of the `order` with its number.
    fn has_owned_rows(
        &self,
        context: &dyn Context,
        order: &str,
        owners: &Owners,
    ) -> Result<(), String>;
    /// Which of its things wait for an answer that settles them, whatever it is, and of whom: as of now, and who asks.
    fn asking(&self) -> Vec<(u64, &'static str)> {
        Vec::new()
    }
    /// Whether its things are orders, and whether any of them asks.
    fn asks_for_orders(&self) -> (bool, bool) {
        (false, false)
    }
    /// What it waits for, if for anything.
    fn waits(&self, _now: Timestamp) -> Option<String> {
        None
    }
    /// Whether a view shows what it has heard, however far that is.
    fn shows_what_it_heard(&mut self, _context: &dyn Context) -> Result<(), String> {
        Ok(())
    }
    /// What must hold when nothing is left to do. A view keeps what it shows.
    fn at_rest(&mut self, context: &dyn Context) -> Result<(), String>;
}

/// All mirrors of a system, in the order of its board.
#[derive(Default)]
pub struct Mirrors {
    pub all: Vec<Box<dyn Mirror>>,
    logs: Logs,
    /// What they say of each other.
    pub ledger: Ledger,
    /// What has happened in all of them, also what a death took back.
    pub seen: SharedSeen,
    /// What commands of clients have begun, until it is looked at.
    pub begun: SharedBegun,
    /// The contexts that are asked.
    pub asked: BTreeSet<&'static str>,
}

impl Board for Mirrors {
    fn aggregate<A: Aggregate>(&mut self) {
        let chains = A::MAY_ASK.iter().flat_map(|(_, chain)| chain.iter());
        self.asked.extend(chains.map(|name| name.context));
        let log = self.logs.of::<A>();
        self.all.push(Box::new(AggregateMirror::<A>::of(
            log,
            self.ledger.clone(),
            self.seen.clone(),
            self.begun.clone(),
        )));
    }
    fn view<V: View>(&mut self) {
        self.all.push(Box::new(ViewMirror::<V>::of(&mut self.logs)));
    }
}

/// A thing, as its events have left it.
#[derive(Default)]
struct Known<A> {
    version: u64,
    /// When the last one happened.
    at: Timestamp,
    state: A,
}

/// A context that decides.
pub struct AggregateMirror<A: Aggregate> {
    routes: Vec<CommandRoute<A>>,
    log: Log<A>,
    events: Vec<(u64, Value)>,
    spoken: Vec<Spoken>,
    causes: BTreeMap<String, u64>,
    states: BTreeMap<u64, Known<A>>,
    histories: BTreeMap<u64, Digest>,
    shown: Things,
    ledger: Ledger,
    seen: SharedSeen,
    begun: SharedBegun,
}

impl<A: Aggregate> AggregateMirror<A> {
    fn of(log: Log<A>, ledger: Ledger, seen: SharedSeen, begun: SharedBegun) -> Self {
        Self {
            routes: command_routes::<A>(),
            log,
            events: Vec::new(),
            causes: BTreeMap::new(),
            spoken: Vec::new(),
            states: BTreeMap::new(),
            histories: BTreeMap::new(),
            shown: Things::default(),
            ledger,
            seen,
            begun,
        }
    }

    /// Each thing that was said, in order.
    pub fn each_said(&self, mut look: impl FnMut(u64, &A::Event)) {
        self.log.borrow().iter().for_each(|said| look(said.number, &said.event));
    }

    fn take(&mut self, recorded: &RecordedEvent, event: A::Event) -> Result<(), String> {
        let RecordedEvent { number, version, at, .. } = *recorded;
        let Known { version: before, at: last, state } = self.states.entry(number).or_default();
        if version != *before + 1 {
            return Err(format!("#{number} has version {version} after {before}"));
        }
        if at < *last {
            return Err(format!("version {version} of #{number} is of {at}, the last of {last}"));
        }
        *before = version;
        *last = at;
        let cause = recorded.cause.strip_prefix("event ").and_then(|cause| cause.split_once('/'));
        if let Some((source, sequence)) = cause {
            let heard = self.causes.entry(source.to_owned()).or_default();
            *heard = sequence.parse().map_or(*heard, |sequence: u64| sequence.max(*heard));
        }
        let old = state.clone();
        state.evolve(&event);
        self.begun.borrow_mut().extend(Begun::of(recorded, &old, state));
        self.ledger.note(number, &old, &event, state);
        self.shown.set(number, state);
        self.seen.borrow_mut().step(number, &old, &event, state);
        let history = self.histories.entry(number).or_default();
        *history = history.and(format_args!("{} {}", recorded.name, recorded.data));
        self.log.borrow_mut().push(Said { number, version, history: *history, event });
        Ok(())
    }
}

fn typed<A: Aggregate>(name: &str, data: &Value) -> Result<A::Event, String> {
    let whole = serde_json::from_value(json!({ name: data }));
    let bare = || serde_json::from_value(Value::from(name));
    whole.or_else(|why| bare().map_err(|_| format!("{name} {data} is no event of it: {why}")))
}

/// What is to be seen under that number.
fn shown_by(seen: Result<Seen, Fault>, number: u64) -> Result<Option<Value>, String> {
    match seen {
        Ok(seen) => serde_json::from_slice(&seen.body).map(Some).map_err(|why| why.to_string()),
        Err(Fault::Refused(_)) => Ok(None),
        Err(fault) => Err(format!("#{number} cannot be read: {fault}")),
    }
}

impl<A: Aggregate> Mirror for AggregateMirror<A> {
    fn name(&self) -> Name {
        A::NAME
    }
    fn is_owned(&self) -> bool {
        A::READS == Reads::Owner
    }
    fn things(&self) -> &Things {
        &self.shown
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn read(
        &mut self,
        context: &dyn Context,
        has_gap: bool,
        say: &mut dyn FnMut(std::fmt::Arguments<'_>),
    ) -> Result<(), String> {
        let log = context.event_log().ok_or("it has no log")?;
        loop {
            let from = self.log.borrow().len() as u64 + 1;
            // Zero where its actor has not started yet: then all that is there is to be read.
            if (1..from).contains(&*log.latest().borrow()) {
                return Ok(());
            }
            let page = match log.read_page(from) {
                // There is something, and it is noticed that it cannot be read.
                Err(StoreError::Damaged(_)) if has_gap => return Ok(()),
                page => page.map_err(|why| format!("its log from {from} on: {why}"))?,
            };
            if page.items.is_empty() {
                return Ok(());
            }
            for ((sequence, event), expected) in page.items.into_iter().zip(from..) {
                if sequence != expected || event.sequence != expected {
                    return Err(format!(
                        "its log has a gap: {sequence} where {expected} should be"
                    ));
                }
                let number = event.number;
                let version = event.version;
                say(format_args!(
                    "  {} {sequence}: #{number} {version} {} {}",
                    A::NAME,
                    event.name,
                    event.data
                ));
                let typed = typed::<A>(&event.name, &event.data)?;
                self.take(&event, typed)?;
                self.events.push((number, json!({ event.name: event.data })));
                self.spoken.push(Spoken { number, saga: event.saga, owner: event.owner });
            }
        }
    }
    fn forget(&mut self) {
        self.log.borrow_mut().clear();
        self.ledger.forget(A::NAME.context);
        let Self { log, ledger, seen, begun, .. } = self;
        *self = Self::of(log.clone(), ledger.clone(), seen.clone(), begun.clone());
    }
    fn makes_new(&self, order: &Order) -> Result<bool, String> {
        let route =
            self.routes.iter().find(|route| route.takes(order)).ok_or("it has no such route")?;
        let (target, _) =
            (route.enter)(order.body.clone()).map_err(|bad: BadBody| bad.to_string())?;
        Ok(order.number.is_none() && matches!(target, Target::New))
    }
    fn history(&self, number: u64, version: u64) -> Option<u64> {
        let log = self.log.borrow();
        let said = log.iter().rfind(|said| (said.number, said.version) == (number, version))?;
        Some(said.history.0)
    }
    fn said(&self, number: u64, event: &str) -> usize {
        let log = self.log.borrow();
        log.iter().filter(|said| said.number == number && said.event.as_ref() == event).count()
    }
    fn events(&self) -> &[(u64, Value)] {
        &self.events
    }
    fn causes(&self) -> &BTreeMap<String, u64> {
        &self.causes
    }
    fn always(&self) -> Result<(), String> {
        let mut held = BTreeMap::new();
        for (number, Known { state, .. }) in &self.states {
            for key in state.held_keys() {
                if let Some(other) = held.insert(key.clone(), *number) {
                    return Err(format!("{key} is held by #{other} and #{number}"));
                }
            }
        }
        Ok(())
    }
    fn held_for(&self) -> Vec<(u64, Name, u64)> {
        let held = |(number, Known { state, .. }): (&u64, &Known<A>)| {
            let (order, of) = state.on_behalf_of()?;
            Some((*number, order, of))
        };
        self.states.iter().filter_map(held).collect()
    }
    fn note_owners(&self, owners: &mut Owners) -> Result<(), String> {
        self.spoken.iter().try_for_each(|spoken| owners.note(spoken))
    }
    fn has_owned_rows(
        &self,
        context: &dyn Context,
        _order: &str,
        owners: &Owners,
    ) -> Result<(), String> {
        let mut sagas = BTreeMap::new();
        for Spoken { number, saga, .. } in &self.spoken {
            sagas.entry(*number).or_insert(saga);
        }
        let mut rows = sagas.into_iter();
        rows.try_for_each(|(number, saga)| owners.has_row(context, number, saga))
    }
    fn asking(&self) -> Vec<(u64, &'static str)> {
        let asks = |(number, Known { state, at, .. }): (&u64, &Known<A>)| {
            let id = Id::new(*number);
            let ask = state.awaits(id)?;
            let silence = (ask.then)(Err(NoAnswer::Unavailable));
            let settings = A::Settings::default();
            let this = DecisionContext { id, at: *at, settings: &settings };
            let is_settled = state.decide(silence, &this).is_ok_and(|events| !events.is_empty());
            is_settled.then_some((*number, ask.callee.context))
        };
        self.states.iter().filter_map(asks).collect()
    }
    fn asks_for_orders(&self) -> (bool, bool) {
        (A::IS_ORDER, !A::MAY_ASK.is_empty())
    }
    fn waits(&self, now: Timestamp) -> Option<String> {
        self.states.iter().find_map(|(number, Known { state, .. })| {
            if let Some(ask) = state.awaits(Id::new(*number)) {
                return Some(format!("#{number} waits: {ask:?}"));
            }
            if state.lifecycle() == Lifecycle::Open {
                return Some(format!("#{number} is open"));
            }
            let (due, _) = state.due()?;
            (due <= now).then(|| format!("the time of #{number} came at {due}"))
        })
    }
    fn at_rest(&mut self, context: &dyn Context) -> Result<(), String> {
        for number in self.states.keys() {
            let folded = self.shown.get(*number).cloned();
            let stored = shown_by(context.read_item(*number), *number)?;
            if stored != folded {
                return Err(format!("#{number} is {stored:?}, and its events say {folded:?}"));
            }
        }
        let states = self.states.iter().map(|(number, known)| (*number, &known.state));
        lists_what_is_established(context, states, &self.shown)
    }
}
