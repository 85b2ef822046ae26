//! What lies between the contexts: nodes and their disks, questions on their way, the clock, and what was promised to
//! whom.

use super::{
    fault_plan::FaultPlan,
    mitigation::Mitigation,
    trace::{Digest, Trace},
};
use holdfast::domain::{Addressee, AnyCommand, AskId, NoAnswer, Timestamp};
use std::{collections::BTreeMap, fmt};
use support::chance::Chance;

/// One process with its disk: what is after `durable` is lost when it crashes.
pub struct Node {
    pub up: bool,
    pub last: u64,
    pub durable: u64,
}

/// Where a context runs, and whether it does.
pub struct Place {
    pub context: &'static str,
    pub node: usize,
    pub running: bool,
}

/// A question on its way, or its answer on the way back.
pub struct Flight {
    pub ask: AskId,
    /// Which putting of that question this is; an asker that has given up does not know it any more.
    pub put: u64,
    pub asker: usize,
    pub callee: usize,
    pub to: Addressee,
    /// The number of what is asked, once it is known.
    pub number: u64,
    pub message: Message,
    /// It is still in the process, which this commit of this node must have left first.
    pub leaves: Option<(usize, u64)>,
}

pub enum Message {
    Question(Box<dyn AnyCommand>),
    Answer(Result<(), NoAnswer>),
}

impl Flight {
    pub fn again(&self) -> Self {
        let message = match &self.message {
            Message::Question(command) => Message::Question(command.as_ref().clone_command()),
            Message::Answer(answer) => Message::Answer(answer.clone()),
        };
        Self { ask: self.ask.clone(), to: self.to.clone(), message, ..*self }
    }
}
impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Message::Question(command) => write!(f, "{} ⇒ #{} {command:?}", self.ask, self.number),
            Message::Answer(answer) => write!(f, "{} ⇐ {answer:?}", self.ask),
        }
    }
}

/// A client's answer, which waits for the disk.
pub struct Reply {
    pub node: usize,
    pub commit: u64,
    pub context: usize,
    pub number: u64,
    pub version: u64,
    pub history: Digest,
    /// The request's key, if it made something new.
    pub key: Option<u64>,
}

pub struct Network {
    pub now: i64,
    pub chance: Chance,
    pub fault_plan: FaultPlan,
    pub off: Option<Mitigation>,
    pub trace: Trace,
    pub nodes: Vec<Node>,
    pub places: Vec<Place>,
    pub flights: Vec<Flight>,
    pub replies: Vec<Reply>,
    /// What clients know to have happened: of each thing the version, and the digest of its events up to there.
    pub acknowledged: BTreeMap<(usize, u64), (u64, u64)>,
    /// What clients know to have been made by which request, and the other way round.
    made: BTreeMap<u64, (usize, u64)>,
    made_by: BTreeMap<(usize, u64), u64>,
    /// What was answered across nodes.
    answered: BTreeMap<(usize, AskId), Result<(), String>>,
    puts: u64,
    /// Something there is to see has changed since it was looked at.
    pub changed: bool,
    /// Nothing goes wrong any more.
    pub healed: bool,
    /// The first thing that is not as it must be.
    pub wrong: Option<String>,
}

impl Network {
    pub fn new(seed: u64, start: i64, off: Option<Mitigation>, trace: Trace) -> Self {
        let mut chance = Chance::new(seed);
        let fault_plan = FaultPlan::of(&mut chance);
        let nodes = (0..fault_plan.nodes).map(|_| Node { up: true, last: 0, durable: 0 }).collect();
        Self {
            now: start,
            chance,
            fault_plan,
            off,
            trace,
            nodes,
            places: Vec::new(),
            flights: Vec::new(),
            replies: Vec::new(),
            acknowledged: BTreeMap::new(),
            made: BTreeMap::new(),
            made_by: BTreeMap::new(),
            answered: BTreeMap::new(),
            puts: 0,
            changed: false,
            healed: false,
            wrong: None,
        }
    }

    /// Whether the runtime does this; at most one thing is left out.
    pub fn does(&self, mitigation: Mitigation) -> bool {
        self.off != Some(mitigation)
    }
    /// Whether something happens that happens so often in a thousand; nothing does any more once all is healed.
    pub fn happens(&mut self, in_thousand: u64) -> bool {
        !self.healed && self.chance.between(0, 1000) < in_thousand
    }
    pub fn wrong(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    /// Gives a context its place; contexts are numbered as they come.
    pub fn place(&mut self, context: &'static str) -> usize {
        let node = self.chance.between(0, self.nodes.len() as u64) as usize;
        self.places.push(Place { context, node, running: true });
        self.places.len() - 1
    }
    pub fn find(&self, context: &str) -> Option<usize> {
        self.places.iter().position(|place| place.context == context)
    }
    pub fn node_of(&self, context: usize) -> &Node {
        &self.nodes[self.places[context].node]
    }
    pub fn runs(&self, context: usize) -> bool {
        self.places[context].running && self.node_of(context).up
    }
    pub fn together(&self, one: usize, other: usize) -> bool {
        self.places[one].node == self.places[other].node
    }
    /// The next commit of the node that this context is on.
    pub fn commit(&mut self, context: usize) -> u64 {
        let node = &mut self.nodes[self.places[context].node];
        node.last += 1;
        node.last
    }

    /// What leaves the process of `from` for that of `to`, if it does, waits for this commit.
    fn leaves(&self, from: usize, to: usize, commit: u64) -> Option<(usize, u64)> {
        (!self.together(from, to)).then(|| (self.places[from].node, commit))
    }
    pub fn has_left(&self, flight: &Flight) -> bool {
        let on_disk = |(node, commit): (usize, u64)| self.nodes[node].durable >= commit;
        !self.does(Mitigation::WaitForDisk) || flight.leaves.is_none_or(on_disk)
    }

    /// Puts a question on its way. Who is asked and how it can be told from others is known by the number returned.
    pub fn put(
        &mut self,
        ask: AskId,
        asker: usize,
        callee: &str,
        to: Addressee,
        command: Box<dyn AnyCommand>,
    ) -> u64 {
        self.puts += 1;
        let Some(callee) = self.find(callee) else { return self.puts };
        let leaves = self.leaves(asker, callee, self.node_of(asker).last);
        let message = Message::Question(command);
        let number = if let Addressee::Number(number) = to { number } else { 0 };
        let put = self.puts;
        self.flights.push(Flight { ask, put, asker, callee, to, number, message, leaves });
        self.puts
    }
    /// Sends the answer to that question back.
    pub fn answer(&mut self, question: Flight, answer: Result<(), NoAnswer>, commit: u64) {
        let leaves = self.leaves(question.callee, question.asker, commit);
        self.flights.push(Flight { message: Message::Answer(answer), leaves, ..question });
    }
    /// The same question gets the same answer, unless it is taken back. Between contexts of one process a crash may take
    /// back both the answer and that it was heard, so only what has crossed over counts.
    pub fn heard_answer(&mut self, flight: &Flight, answer: &Result<(), NoAnswer>) {
        let said = match answer {
            Ok(()) => Ok(()),
            Err(NoAnswer::Refused(no)) if no.code != "withdrawn" => Err(no.code.to_string()),
            Err(_) => return,
        };
        if self.together(flight.asker, flight.callee) {
            return;
        }
        if let Some(before) =
            self.answered.insert((flight.callee, flight.ask.clone()), said.clone())
            && before != said
        {
            self.wrong(format!("{} was answered {before:?} and now {said:?}", flight.ask));
        }
    }

    /// The disk has more, up to `durable`; what waited for it leaves.
    pub fn sync(&mut self, node: usize, durable: u64) {
        self.nodes[node].durable = durable;
        let (told, waiting) = std::mem::take(&mut self.replies)
            .into_iter()
            .partition(|reply| reply.node == node && reply.commit <= durable);
        self.replies = waiting;
        let told: Vec<Reply> = told;
        told.into_iter().for_each(|reply| self.acknowledge(reply));
    }
    pub fn reply(&mut self, reply: Reply) {
        if self.does(Mitigation::WaitForDisk) && self.nodes[reply.node].durable < reply.commit {
            self.replies.push(reply)
        } else {
            self.acknowledge(reply)
        }
    }
    fn acknowledge(&mut self, reply: Reply) {
        let thing = (reply.context, reply.number);
        let known = self.acknowledged.entry(thing).or_default();
        *known = (*known).max((reply.version, reply.history.0));
        let Some(key) = reply.key else { return };
        let made = *self.made.entry(key).or_insert(thing);
        let by = *self.made_by.entry(thing).or_insert(key);
        if (made, by) != (thing, key) {
            let context = self.places[thing.0].context;
            self.wrong(format!(
                "request {key} made {context} #{}, as request {by} did, or {made:?} before",
                thing.1
            ));
        }
    }
}
