//! What the actors meet: the network between contexts, the machine's clock, chance, and the moments in which they crash.

use super::{plan::Plan, trace::Trace};
use holdfast::{
    actors::{
        ChaosPoint, EventId, Machine, Network, Past, PeerAnswer, PeerQuestion, PeerReply,
        Transmission,
    },
    domain::{AskId, NoAnswer, Timestamp},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use support::chance::Chance;
use tokio::time::Instant;

/// A way that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// From node to node.
    Nodes,
    /// From that node to the broker.
    Broker(usize),
}

struct State {
    /// What asks were answered, since a process died last, by the context that was asked.
    answers: BTreeMap<(&'static str, AskId), Result<(), String>>,
    /// What was asked, by the context that was asked.
    asked: BTreeMap<(&'static str, AskId), String>,
    /// The pasts of contexts that nodes know, each from the questions that it has answered.
    known: BTreeMap<(usize, String), Past>,
    /// Nodes are of an earlier release, which sends no pasts.
    is_early: bool,
    /// The first thing that is not as it must be.
    wrong: Option<String>,
    /// The ways that are cut at present.
    cut: BTreeSet<Link>,
    chance: Chance,
    plan: Plan,
    trace: Trace,
    /// Nothing goes wrong any more.
    healed: bool,
    /// When it began, on the machine's clock and on tokio's; how far the machine's was set since.
    start: Timestamp,
    origin: Instant,
    set: i64,
}

/// So far is the machine's clock set at the most, in microseconds: eight hours.
const MOST_SET: i64 = 8 * 3_600_000_000;

/// The conditions under one seed. Clones are the same ones.
#[derive(Clone)]
pub struct Conditions(Arc<Mutex<State>>);

impl Conditions {
    pub fn new(chance: Chance, plan: Plan, start: Timestamp, trace: Trace) -> Self {
        let origin = Instant::now();
        Self(Arc::new(Mutex::new(State {
            answers: BTreeMap::new(),
            asked: BTreeMap::new(),
            known: BTreeMap::new(),
            is_early: false,
            wrong: None,
            cut: BTreeSet::new(),
            chance,
            plan,
            trace,
            healed: false,
            start,
            origin,
            set: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn say(&self, line: fmt::Arguments<'_>) {
        self.state().trace.say(line);
    }
    pub fn hash(&self) -> u64 {
        self.state().trace.hash()
    }
    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        let mut state = self.state();
        state.healed = true;
        state.cut.clear();
    }
    /// A process has died: of the answers that it gave, some may be taken back with what they rested on.
    pub fn forget_answers(&self) {
        self.state().answers.clear();
    }
    /// The first thing that is not as it must be, if there is one.
    pub fn what_is_wrong(&self) -> Option<String> {
        self.state().wrong.clone()
    }
    /// Something is not as it must be.
    pub fn wrong(&self, what: String) {
        self.state().wrong.get_or_insert(what);
    }
    /// A node was started with an older copy of its data. Nodes of an earlier release send no pasts.
    pub fn put_back(&self, is_early: bool) {
        let mut state = self.state();
        state.is_early = is_early;
        state.answers.clear();
    }
    /// Whether nodes send no pasts.
    pub fn is_early(&self) -> bool {
        self.state().is_early
    }
    /// `node` has answered a question to `context`, one of its own.
    pub fn observe_reply(
        &self,
        node: usize,
        context: &'static str,
        question: &PeerQuestion,
        reply: &PeerReply,
    ) {
        let answer = match &reply.answer {
            PeerAnswer::Yes => Ok(()),
            PeerAnswer::No(refusal) => Err(NoAnswer::Refused(refusal.clone())),
        };
        let PeerQuestion { id, number, key, command, past, heard, .. } = question;
        let mut state = self.state();
        let asker = (node, id.context.to_string());
        let was_told = state.known.get(&asker).cloned();
        let is_older = |past: &Past, known: &Past| {
            past.latest >= known.latest && !past.has_event(known.last())
        };
        let is_of_another = past.as_ref().zip(was_told.as_ref());
        let is_of_another = is_of_another.is_some_and(|(past, known)| is_older(past, known));
        let lacks = |(past, id): (&Past, EventId)| !past.has_event(id);
        if is_of_another || reply.past.as_ref().zip(*heard).is_some_and(lacks) {
            let what =
                format!("{context} answers {id}, whose past is {past:?}, {was_told:?}, {heard:?}");
            state.wrong.get_or_insert(what);
        }
        let is_later = |past: &&Past| was_told.is_none_or(|known| known.latest <= past.latest);
        if let Some(past) = past.as_ref().filter(is_later) {
            state.known.insert(asker, past.clone());
        }
        let content = format!("{number} {key:?} {command}");
        let place = (context, id.clone());
        let is_refused =
            matches!(&answer, Err(NoAnswer::Refused(no)) if no.code == "asked-otherwise");
        // What was taken back before it came is refused whatever it asks.
        let was_taken_back = matches!(&answer, Err(NoAnswer::Refused(no)) if no.code == "withdrawn")
            && !state.asked.contains_key(&place);
        if was_taken_back {
            return;
        }
        let before = state.asked.entry(place).or_insert_with(|| content.clone());
        if *before != content && !is_refused {
            let what = format!("{context} answers {id}, {content}, as it did {before}: {answer:?}");
            state.wrong.get_or_insert(what);
        }
        drop(state);
        if !is_refused {
            self.observe_answer(context, id, &answer);
        }
    }
    /// Cuts a way, or mends it.
    pub fn toggle_cut(&self, link: Link) {
        let mut state = self.state();
        let is_cut = !state.cut.remove(&link) && state.cut.insert(link);
        state.trace.say(format_args!("{link:?} is {}", if is_cut { "cut" } else { "mended" }));
    }
    pub fn is_cut(&self, link: Link) -> bool {
        self.state().cut.contains(&link)
    }
    /// How a message is delivered over a way that can be cut.
    pub fn deliveries_over(&self, link: Link, message: Transmission<'_>) -> Vec<Duration> {
        if self.is_cut(link) { Vec::new() } else { self.deliveries(message) }
    }
    /// A number from `from` to before `to`.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        self.state().chance.between(from, to)
    }
    pub fn delay(&self) -> Duration {
        self.state().delay()
    }
    pub fn is_lost(&self) -> bool {
        let mut state = self.state();
        let often = state.plan.lost;
        state.happens(often)
    }
    pub fn is_doubled(&self) -> bool {
        let mut state = self.state();
        let often = state.plan.doubled;
        state.happens(often)
    }
    /// An operator sets the machine's clock.
    pub fn set_clock(&self, by: i64) {
        let mut state = self.state();
        state.set = (state.set + by).clamp(-MOST_SET, MOST_SET);
    }
    /// Whether the store refuses what a client's request leads to.
    pub fn is_unstorable(&self) -> bool {
        let mut state = self.state();
        let often = state.plan.unstorable;
        state.happens(often)
    }
    /// Whether a batch conflicts.
    pub fn conflicts(&self) -> bool {
        let mut state = self.state();
        let often = state.plan.conflicts;
        state.happens(often)
    }
    pub fn machine(&self) -> Machine {
        let clock = self.clone();
        let chance = self.clone();
        Machine::new(move || clock.state().now(), move || chance.state().chance.number())
    }
    /// Where a crash hurts most.
    pub fn crash(&self, context: &'static str, point: ChaosPoint) {
        let crashes = {
            let mut state = self.state();
            let often = match point {
                ChaosPoint::BeforeCommit | ChaosPoint::AfterCommit => state.plan.crashes,
                ChaosPoint::Applying => state.plan.parked,
            };
            let crashes = state.happens(often);
            if crashes {
                state.trace.say(format_args!("{context} crashes: {point:?}"));
            }
            crashes
        };
        if crashes {
            // As a panic, but for the words on the terminal.
            resume_unwind(Box::new("as the schedule wants it"));
        }
    }
}

impl State {
    /// Whether something happens that happens so often in a thousand.
    fn happens(&mut self, in_thousand: u64) -> bool {
        !self.healed && in_thousand > 0 && self.chance.between(0, 1000) < in_thousand
    }
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.origin.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.start.plus_micros(passed + self.set)
    }
    fn delay(&mut self) -> Duration {
        let most = self.plan.delay.as_millis() as u64;
        if self.healed || most == 0 || self.chance.coin() {
            return Duration::ZERO;
        }
        Duration::from_millis(self.chance.between(0, most + 1))
    }
    /// How much later a message comes for the second time.
    fn lateness(&mut self) -> Duration {
        let most = self.plan.late.as_millis() as u64;
        if self.healed {
            Duration::ZERO
        } else {
            Duration::from_millis(self.chance.between(0, most + 1))
        }
    }
}

impl Network for Conditions {
    fn deliveries(&self, message: Transmission<'_>) -> Vec<Duration> {
        let mut state = self.state();
        let lost = state.plan.lost;
        let doubled = state.plan.doubled;
        if state.happens(lost) {
            state.trace.say(format_args!("lost: {message:?}"));
            return Vec::new();
        }
        let mut pauses = vec![state.delay()];
        if state.happens(doubled) {
            let again = state.delay() + state.lateness();
            pauses.push(again);
        }
        state.trace.say(format_args!("{message:?} in {pauses:?}"));
        pauses
    }

    /// The same ask gets the same answer, unless it was taken back.
    fn observe_answer(&self, context: &'static str, ask: &AskId, answer: &Result<(), NoAnswer>) {
        let said = match answer {
            Ok(()) => Ok(()),
            Err(NoAnswer::Refused(no)) if no.code != "withdrawn" => Err(no.code.to_string()),
            Err(_) => return,
        };
        let mut state = self.state();
        let before = state.answers.entry((context, ask.clone())).or_insert_with(|| said.clone());
        if *before != said {
            let words =
                format!("{context} answered {ask} with {before:?}, and again with {said:?}");
            state.wrong.get_or_insert(words);
        }
    }
}
