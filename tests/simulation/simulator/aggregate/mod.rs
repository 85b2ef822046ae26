//! A context that decides, as the runtime has it decide.

mod deciding;
mod publishing;
mod quiescence;

use super::{
    client::{CommandRoute, Order, Things, command_routes},
    mitigation::Mitigation,
    network::{Flight, Message, Network},
    subscription::{Ears, Heard, Log, Logs, Told, ears_of},
    table::Table,
    world::Context,
};
use holdfast::domain::{
    Addressee, Aggregate, Ask, AskId, Commands, DecisionContext, Id, Lifecycle, Name, NoAnswer,
    Refusal, Target, Timestamp,
};
use std::collections::BTreeMap;

#[derive(Clone)]
struct Kept<A> {
    state: A,
    version: u64,
    commit: u64,
}

#[derive(Clone)]
enum Answer {
    Said(Result<(), Refusal>),
    Withdrawn,
}

/// A question that a thing here waits for.
struct Put<A: Aggregate> {
    number: u64,
    callee: &'static str,
    attempt: u32,
    then: fn(Result<(), NoAnswer>) -> A::Command,
}

/// Why nothing came of a command.
enum Trouble {
    Refused(Refusal),
    Busy,
}

pub struct AggregateContext<A: Aggregate> {
    me: usize,
    settings: A::Settings,
    routes: Vec<CommandRoute<A>>,
    log: Log<A>,
    ears: Ears<Told<A>>,
    kept: Table<u64, Kept<A>>,
    answers: Table<AskId, Answer>,
    questions: Table<u64, ()>,
    timers: Table<(Timestamp, u64), ()>,
    claims: Table<String, u64>,
    last_number: Table<(), u64>,
    /// The things that requests with a key came to.
    keys: Table<u64, u64>,
    // From here on memory, which a crash takes.
    puts: BTreeMap<u64, Put<A>>,
    waiting: Vec<(u64, Option<u64>)>,
    postponed: Vec<Flight>,
    shown: Things,
}

impl<A: Aggregate> AggregateContext<A> {
    pub fn new(me: usize, logs: &mut Logs, settings: &serde_json::Value) -> Self {
        Self {
            me,
            settings: serde_json::from_value(settings.clone()).unwrap_or_default(),
            routes: command_routes::<A>(),
            log: logs.of::<A>(),
            ears: ears_of::<A>(me, logs),
            kept: Table::default(),
            answers: Table::default(),
            questions: Table::default(),
            timers: Table::default(),
            claims: Table::default(),
            last_number: Table::default(),
            keys: Table::default(),
            puts: BTreeMap::new(),
            waiting: Vec::new(),
            postponed: Vec::new(),
            shown: Things::default(),
        }
    }

    fn state(&self, number: u64) -> (u64, A) {
        self.kept.get(&number).map(|kept| (kept.version, kept.state.clone())).unwrap_or_default()
    }
    fn open(&self, number: u64) -> Option<(&'static str, u32)> {
        let ask = self.kept.get(&number)?.state.awaits(Id::new(number))?;
        Some((ask.callee.context, ask.attempt))
    }
    /// The number of what is meant, if there is such a thing.
    fn find(&self, to: &Addressee) -> Option<u64> {
        match to {
            Addressee::Number(number) => Some(*number),
            Addressee::Key(key) => self.claims.get(key).copied(),
        }
    }
    fn next_number(&self, network: &Network) -> u64 {
        let mut number = self.last_number.get(&()).copied().unwrap_or(0) + 1;
        while self.kept.get(&number).is_some() && network.does(Mitigation::KeepNumbers) {
            number += 1;
        }
        number
    }
}

impl<A: Aggregate> Context for AggregateContext<A> {
    fn name(&self) -> Name {
        A::NAME
    }
    fn things(&self) -> &Things {
        &self.shown
    }

    fn enter(&mut self, network: &mut Network, order: &Order) {
        let Some(route) = self.routes.iter().find(|route| route.takes(order)) else {
            return network.wrong(format!("{} has no route for {order:?}", A::NAME));
        };
        let (target, command) = match (route.enter)(order.body.clone()) {
            Ok(entered) => entered,
            Err(bad) => return network.wrong(format!("{order:?}: {bad}")),
        };
        if let Some(number) = order.key.and_then(|key| self.keys.get(&key)).copied() {
            network.trace.say(format_args!("  that is #{number} already"));
            self.waiting.push((number, order.key.filter(|_| target == Target::New)));
            return self.settled(network, number);
        }
        let commit = network.commit(self.me);
        let (number, is_new) = match (order.number, target) {
            (Some(number), _) => (number, false),
            (None, Target::Chosen(id)) => (id.get(), false),
            (None, Target::New) => (self.next_number(network), true),
        };
        if !self.admit(network, commit, order, number) {
            return network.trace.say(format_args!("  #{number} is not open to that"));
        }
        match self.decide(network, commit, number, command, (true, false)) {
            Ok(()) => {
                if is_new {
                    self.last_number.put(commit, (), number);
                }
                if let Some(key) = order.key.filter(|_| network.does(Mitigation::KeepKeys)) {
                    self.keys.put(commit, key, number);
                }
                self.waiting.push((number, order.key.filter(|_| is_new)));
                self.settled(network, number);
            }
            Err(Trouble::Refused(refusal)) => network.trace.say(format_args!("  {refusal:?}")),
            Err(Trouble::Busy) => network.trace.say(format_args!("  is not even asked")),
        }
    }

    fn asked(&mut self, network: &mut Network, mut flight: Flight) {
        let Message::Question(command) = &flight.message else { return };
        let commit = network.commit(self.me);
        let said = match self.answers.get(&flight.ask) {
            Some(Answer::Withdrawn) => Err(Refusal::conflict("withdrawn", "", "")),
            Some(Answer::Said(said)) => said.clone(),
            None => {
                let command = *command
                    .clone_command()
                    .into_any()
                    .downcast::<A::Command>()
                    .expect("its command");
                let said = match self.find(&flight.to) {
                    Some(number) => {
                        flight.number = number;
                        match self.decide(network, commit, number, command, (false, false)) {
                            Err(Trouble::Refused(refusal)) => Err(refusal),
                            Ok(()) | Err(Trouble::Busy) => Ok(()),
                        }
                    }
                    None => Err(Refusal::unknown_key(A::NAME, &format!("{:?}", flight.to))),
                };
                let waits =
                    said == Err(Refusal::still_open()) && self.open(flight.number).is_some();
                if waits && network.does(Mitigation::PostponeWhileOpen) {
                    network.trace.say(format_args!("  it waits for an answer itself"));
                    return self.postponed.push(flight);
                }
                if network.does(Mitigation::KeepAnswers) {
                    self.answers.put(commit, flight.ask.clone(), Answer::Said(said.clone()));
                }
                said
            }
        };
        let number = flight.number;
        network.answer(flight, said.map_err(NoAnswer::Refused), commit);
        self.settled(network, number);
    }

    fn settle(&mut self, network: &mut Network, put: u64, answer: Result<(), NoAnswer>) -> bool {
        let Some(Put { number, callee, attempt, then }) = self.puts.remove(&put) else {
            return false;
        };
        let is_open = self.open(number) == Some((callee, attempt));
        if !network.runs(self.me) || (!is_open && network.does(Mitigation::DropLateAnswers)) {
            return true;
        }
        let commit = network.commit(self.me);
        let without_undo =
            answer == Err(NoAnswer::Unavailable) && !network.does(Mitigation::UndoAfterSilence);
        self.by_itself(network, commit, number, then(answer), without_undo);
        // Where the answer changed nothing, it is asked again.
        if self.open(number) == Some((callee, attempt))
            && let Some(ask) = self.state(number).1.awaits(Id::new(number))
        {
            self.put(network, number, ask);
        }
        true
    }
    fn puts(&self) -> Vec<u64> {
        self.puts.keys().copied().collect()
    }

    fn ears(&self) -> usize {
        self.ears.count()
    }
    fn hears_more(&self, network: &Network, ear: usize) -> bool {
        self.ears.hears_more(network, ear)
    }
    fn hear(&mut self, network: &mut Network, ear: usize) {
        let (commit, heard) = self.ears.hear(network, ear);
        heard.into_iter().for_each(|heard| self.follow(network, commit, heard));
    }
    fn retry(&mut self, network: &mut Network) -> bool {
        let Some((commit, heard)) = self.ears.retry(network) else { return false };
        self.follow(network, commit, heard);
        true
    }

    fn ring(&mut self, network: &mut Network) -> bool {
        let Some((&(at, number), ())) = self.timers.rows().first_key_value() else { return false };
        if at > network.now() {
            return false;
        }
        network.trace.say(format_args!("{} #{number}: it is time", A::NAME));
        let commit = network.commit(self.me);
        match self.state(number).1.due() {
            Some((due, command)) if due <= network.now() => {
                self.by_itself(network, commit, number, command, false);
                if self.state(number).1.due().is_some_and(|(next, _)| next <= due) {
                    network.wrong(format!("{} #{number} stays due at {due}", A::NAME));
                }
            }
            _ => self.timers.remove(commit, &(at, number)),
        }
        true
    }

    fn stop(&mut self, _: &mut Network) {
        self.waiting.clear();
        self.postponed.clear();
    }
    fn crash(&mut self, network: &mut Network, to: u64) {
        self.log.borrow_mut().retain(|said| said.commit <= to);
        self.kept.roll_back(to);
        self.answers.roll_back(to);
        self.claims.roll_back(to);
        self.keys.roll_back(to);
        self.questions.roll_back(to);
        self.timers.roll_back(to);
        self.last_number.roll_back(to);
        if !network.does(Mitigation::KeepNumbers) {
            self.last_number = Table::default();
        }
        if !network.does(Mitigation::KeepTimers) {
            self.timers = Table::default();
        }
        if !network.does(Mitigation::KeepQuestions) {
            self.questions = Table::default();
        }
        self.ears.crash(network, to);
        self.puts.clear();
        self.waiting.clear();
        self.postponed.clear();
        self.shown.show(self.kept.rows().iter().map(|(number, kept)| (number, &kept.state)));
    }
    fn start(&mut self, network: &mut Network) {
        for number in self.questions.rows().keys().copied().collect::<Vec<_>>() {
            if let Some(ask) = self.state(number).1.awaits(Id::new(number)) {
                self.put(network, number, ask);
            }
        }
    }

    fn history(&self, number: u64, version: u64) -> Option<u64> {
        let log = self.log.borrow();
        let said = log.iter().find(|said| (said.number, said.version) == (number, version))?;
        Some(said.history.0)
    }
    fn said(&self, number: u64, event: &str) -> usize {
        self.log
            .borrow()
            .iter()
            .filter(|said| said.number == number && said.event.as_ref() == event)
            .count()
    }
    fn events(&self) -> Vec<(u64, serde_json::Value)> {
        let json = |event| serde_json::to_value(event).expect("an event is JSON");
        self.log.borrow().iter().map(|said| (said.number, json(&said.event))).collect()
    }
    fn sayable(&self) -> Vec<String> {
        let found = holdfast::board::explore_states::<A>().expect("its samples are commands");
        found.arrows.into_iter().flat_map(|(_, events)| events).collect()
    }

    fn at_rest(&self, network: &Network) -> Result<(), String> {
        self.is_at_rest(network)
    }
}

impl<A: Aggregate> AggregateContext<A> {
    /// What an event of another context comes to here.
    fn follow(&mut self, network: &mut Network, commit: u64, heard: Heard<Told<A>>) {
        let Some((to, command)) = heard.what else { return };
        if heard.without_undo && command.compensates().is_some() {
            return;
        }
        let is_new = to.is_none();
        let number = match to {
            None => self.next_number(network),
            Some(to) => match self.find(&to) {
                Some(number) => number,
                None => {
                    if let Some(ask) = command.compensates() {
                        self.answers.put(commit, ask, Answer::Withdrawn);
                    }
                    return;
                }
            },
        };
        self.by_itself(network, commit, number, command, false);
        if is_new && self.kept.get(&number).is_some() {
            self.last_number.put(commit, (), number);
        }
    }
}
