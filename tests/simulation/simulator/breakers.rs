//! What commands of clients have begun, and which contexts could not be asked then: a command begins nothing that cannot end.

use super::{mirror::Mirror, world::World};
use holdfast::{
    actors::{Context, GuardHealth, Phase, RecordedEvent},
    domain::{Aggregate, Id, Name},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};
use tokio::time::Instant;

/// What a command of a client has recorded.
pub struct Begun {
    pub name: Name,
    pub number: u64,
    /// The client's request.
    pub request: u64,
    /// Whom the command may lead to asking, if it has asked.
    pub chain: &'static [Name],
}

/// Clones are the same one.
pub type SharedBegun = Rc<RefCell<Vec<Begun>>>;

impl Begun {
    /// What an event says that happened to a thing that was as `before` and is as `after`; nothing where it was no client.
    pub fn of<A: Aggregate>(event: &RecordedEvent, before: &A, after: &A) -> Option<Self> {
        let command = event.cause.strip_prefix("command ")?;
        let request = event.client.as_ref()?.parse().ok()?;
        let number = event.number;
        let asked = |state: &A| state.awaits(Id::new(number)).map(|ask| ask.attempt);
        let asks = asked(after).is_some_and(|attempt| asked(before) != Some(attempt));
        let chain = A::MAY_ASK.iter().find(|(name, _)| *name == command && asks);
        let chain = chain.map_or(&[] as &[Name], |(_, chain)| chain);
        Some(Self { name: A::NAME, number, request, chain })
    }
}

/// How long a breaker stays open.
pub const OPEN_FOR: Duration = Duration::from_secs(5);

/// A breaker that is open for certain.
struct Shut {
    /// How often it has opened.
    opened: u64,
    since: Instant,
    until: Instant,
}

/// One who waits, by context and number, and for which context.
type Waits = (&'static str, u64, &'static str);

/// The breakers that are open, by the context that is asked from its own node.
pub struct Breakers {
    shut: BTreeMap<&'static str, Shut>,
    looked: Instant,
    /// How often each context has restarted, and since when no more often: what it had committed before is published.
    calm: BTreeMap<&'static str, (u64, Instant)>,
    /// Who waits for an answer since when, and of whom.
    asking: BTreeMap<Waits, Instant>,
}

impl Breakers {
    pub fn new() -> Self {
        let calm = BTreeMap::new();
        Self { shut: BTreeMap::new(), looked: Instant::now(), calm, asking: BTreeMap::new() }
    }

    /// Looks at the breakers. One that has opened since the last look is open for a while from then on, at the least.
    pub fn look(&mut self, asked: impl Iterator<Item = (&'static str, Option<GuardHealth>)>) {
        let now = Instant::now();
        for (name, guard) in asked {
            let Some(guard) = guard.filter(|guard| guard.breaker == "open") else {
                self.shut.remove(name);
                continue;
            };
            let opened = guard.opened;
            if self.shut.get(name).is_none_or(|shut| shut.opened != opened) {
                let until = self.looked + OPEN_FOR;
                self.shut.insert(name, Shut { opened, since: now, until });
            }
        }
        self.looked = now;
    }

    /// A process has died, and its breakers with it.
    pub fn forget(&mut self) {
        self.shut.clear();
        self.calm.clear();
        self.asking.clear();
    }

    /// Whether that context could not be asked at any time from `from` until now.
    pub fn is_shut(&self, context: &str, from: Instant) -> bool {
        let is_long = |shut: &Shut| shut.since <= from && Instant::now() <= shut.until;
        self.shut.get(context).is_some_and(is_long)
    }

    /// Who waits now, and whether that is looked at: not while its answer may lie before its context. Gives one who has waited
    /// for a context that could not be asked since before it began to wait.
    pub fn waits_for_shut(&mut self, asking: impl Iterator<Item = (Waits, bool)>) -> Option<Waits> {
        let now = Instant::now();
        let known = std::mem::take(&mut self.asking);
        let mut judged = BTreeSet::new();
        for (one, is_judged) in asking {
            // Who was there all the time has waited since then, looked at or not.
            let since = known.get(&one).copied().unwrap_or(now);
            self.asking.insert(one, since);
            judged.extend(Some(one).filter(|_| is_judged));
        }
        let waits_for_shut = |(one, since): (&Waits, &Instant)| {
            let shut = self.shut.get(one.2)?;
            let is_calm = self.calm.get(one.0).is_some_and(|(_, calm)| *calm < shut.since);
            let is_long = shut.since < *since && *since < now && now <= shut.until;
            (is_calm && is_long && judged.contains(one)).then_some(*one)
        };
        self.asking.iter().find_map(waits_for_shut)
    }
}

impl World {
    /// Looks at the breakers of contexts that are asked, and whether any one waits before one that is open.
    pub fn look_at_breakers(&mut self) -> Option<String> {
        let contexts = self.contexts();
        let mut healths: Vec<_> = contexts.iter().map(|context| context.health()).collect();
        let guards = healths.iter_mut().map(|health| (health.context, health.guard.take()));
        self.breakers.look(guards.filter(|(context, _)| self.mirrors.asked.contains(context)));
        let mut asking = Vec::new();
        let mut restarted = Vec::new();
        for (mirror, health) in self.each().zip(&healths) {
            let name = health.context;
            let known = self.breakers.calm.get(name).map(|(restarts, _)| *restarts);
            let is_up = known == Some(health.restarts) && health.state == Phase::Running;
            if !is_up {
                restarted.push((name, health.restarts));
            }
            let host = |context: &'static str| self.cluster.hosts.get(context);
            let near = |(_, callee): &(u64, &'static str)| host(callee) == host(name);
            let waits = mirror.asking().into_iter().filter(near);
            let is_judged = is_up && health.mailbox == 0;
            asking.extend(waits.map(|(number, callee)| ((name, number, callee), is_judged)));
        }
        let now = Instant::now();
        self.breakers.calm.extend(restarted.into_iter().map(|(name, times)| (name, (times, now))));
        let (asker, number, asked) = self.breakers.waits_for_shut(asking.into_iter())?;
        Some(format!("{asker} #{number} waits for {asked}, which cannot be asked"))
    }
}
