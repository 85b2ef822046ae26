//! All of a system: the node that the server would start, its clients, and what they were promised.

mod judge;

pub use super::client::{Order, Things};

use super::{
    conditions::Conditions,
    disk::Disk,
    mirror::{AggregateMirror, Mirror, Mirrors},
    mitigation::Mitigation,
    nodes::{Cluster, Life, Reply},
    owners::customer_of,
    plan::Plan,
    seen::Seen,
    systems::{Business, lay_out},
    trace::Trace,
};
use holdfast::{
    actors::{CommandRequest, Context, Fault, IdempotencyKey, Node, Outcome, RouteInfo, Verb},
    domain::{Aggregate, Timestamp},
    store::Commit,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use support::chance::Chance;

pub struct World {
    pub business: &'static Business,
    pub plan: Plan,
    pub chance: Chance,
    pub conditions: Conditions,
    /// What clients have sent, to be sent again.
    pub sent: Vec<Order>,
    /// The first thing that is not as it must be.
    pub wrong: Option<String>,
    mirrors: Mirrors,
    lives: Vec<Life>,
    cluster: Cluster,
    off: Option<Mitigation>,
    /// The commit up to which the logs have been read.
    looked: Option<Vec<Commit>>,
    /// What clients know to have happened: of each thing the version, and the digest of its events up to there.
    acknowledged: BTreeMap<(usize, u64), (u64, u64)>,
    /// What clients know to have been made by which request, and the other way round.
    made: BTreeMap<u64, (usize, u64)>,
    made_by: BTreeMap<(usize, u64), u64>,
    /// For whom clients know to have made something.
    made_for: BTreeMap<(usize, u64), Arc<str>>,
}

impl World {
    /// Must be called within an actix system whose clock is paused.
    pub fn new(
        business: &'static Business,
        seed: u64,
        off: Option<Mitigation>,
        trace: Trace,
    ) -> Self {
        let start: Timestamp = business.clock.parse().expect("a time");
        let mut chance = Chance::new(seed);
        let plan = Plan::of(&mut chance);
        let conditions = Conditions::new(chance.fork(), plan.clone(), start, trace);
        let mut mirrors = Mirrors::default();
        lay_out(business.system, &mut mirrors);
        let names = mirrors.all.iter().map(|mirror| mirror.name().context);
        let cluster = Cluster::of(seed, names, &conditions);
        let start = |place| {
            let disk = Arc::new(Disk::new(conditions.clone(), off));
            Life::start(business, disk, &conditions, off, &cluster, place)
        };
        let lives = (0..cluster.count).map(start).collect();
        Self {
            business,
            plan,
            chance,
            conditions,
            sent: Vec::new(),
            wrong: None,
            mirrors,
            lives,
            cluster,
            off,
            looked: None,
            acknowledged: BTreeMap::new(),
            made: BTreeMap::new(),
            made_by: BTreeMap::new(),
            made_for: BTreeMap::new(),
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.lives.len()
    }
    /// The disk of that node.
    pub fn disk(&self, node: usize) -> &Disk {
        &self.lives[node].disk
    }
    /// Everything that was accepted is on the disks.
    pub fn sync(&self) {
        self.lives.iter().for_each(|life| life.disk.sync(life.disk.accepted()));
    }
    /// Operators advance business time on each node.
    pub fn advance_clock(&self, by: Duration) {
        self.lives.iter().for_each(|life| drop(life.node.advance_clock(by)));
    }
    /// All contexts, in the order of the board.
    pub fn contexts(&self) -> Vec<Arc<dyn Context>> {
        let names = self.mirrors.all.iter().map(|mirror| mirror.name().context);
        names.map(|name| self.context(name)).collect()
    }
    fn context(&self, name: &str) -> Arc<dyn Context> {
        let mut all = self.lives.iter().flat_map(|life| life.node.contexts());
        all.find(|context| context.name().context == name).expect("some node hosts it").clone()
    }
    pub fn say(&self, line: std::fmt::Arguments<'_>) {
        self.conditions.say(line);
    }
    pub fn wrong(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
    pub fn does(&self, mitigation: Mitigation) -> bool {
        self.off != Some(mitigation)
    }
    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.lives.iter().map(|life| life.node.now()).min().unwrap_or_default()
    }

    fn each(&self) -> impl Iterator<Item = &dyn Mirror> {
        self.mirrors.all.iter().map(|mirror| mirror.as_ref())
    }
    fn find(&self, context: &str) -> &dyn Mirror {
        let found = self.each().find(|known| known.name().short() == context);
        found.unwrap_or_else(|| panic!("there is no context {context}"))
    }
    /// What there is to see of the context with that short name.
    pub fn all(&self, context: &str) -> &Things {
        self.find(context).things()
    }
    /// The last thing that was said of in that collection, where that is not to be seen yet.
    pub fn unsettled(&self, collection: &str) -> Option<u64> {
        let found = self.each().find(|known| known.name().collection == collection)?;
        let (number, _) = found.events().last()?;
        found.things().get(*number).is_none().then_some(*number)
    }
    /// How often thing `number` of that context has said `event`.
    pub fn said(&self, context: &str, number: u64, event: &str) -> usize {
        self.find(context).said(number, event)
    }
    /// Each thing that was said in the context of `A`, in order: by which of them, and what.
    pub fn each_said<A: Aggregate>(&self, look: impl FnMut(u64, &A::Event)) {
        let found = self.find(A::NAME.short()).as_any().downcast_ref::<AggregateMirror<A>>();
        found.expect("a context of that type").each_said(look);
    }
    /// Everything that a context has said, as JSON.
    pub fn events(&self, context: &str) -> Vec<(u64, Value)> {
        self.find(context).events().to_vec()
    }
    /// Which events have happened, and which statuses things have had.
    pub fn seen(&self) -> Seen {
        self.mirrors.seen.borrow().clone()
    }
    /// How many events came to another node by its feed, and how many its source was asked for.
    pub fn carried(&self) -> (u64, u64) {
        let replicas = self.lives.iter().flat_map(|life| life.node.replica_health());
        replicas.fold((0, 0), |(fed, asked), replica| (fed + replica.fed, asked + replica.asked))
    }

    /// A client's request comes to its context.
    pub fn enter(&mut self, order: &Order) {
        self.say(format_args!("client: {order:?}"));
        let at = |known: &dyn Mirror| known.name().collection == order.collection;
        let Some(place) = self.each().position(at) else {
            return self.wrong(format!("there is no collection for {order:?}"));
        };
        let is_new = match self.mirrors.all[place].makes_new(order) {
            Ok(is_new) => is_new,
            Err(why) => return self.wrong(format!("{order:?}: {why}")),
        };
        let name = self.mirrors.all[place].name().context;
        let context = self.context(name);
        let Some(route) = context.routes().iter().position(|route| takes(route, order.verb)) else {
            return self.wrong(format!("{} has no route for {order:?}", context.name()));
        };
        let idempotency =
            order.key.map(|key| IdempotencyKey::new(format!("{}/{key}", order.collection)));
        let owner = customer_of(order).filter(|_| self.mirrors.all[place].is_owned());
        let answer = context.execute_command(CommandRequest {
            route,
            number: order.number,
            body: order.body.clone(),
            idempotency,
            owner: owner.clone(),
            ..CommandRequest::default()
        });
        let replies = self.lives[self.cluster.hosts[name]].replies.clone();
        let key = order.key.filter(|_| is_new);
        actix_rt::spawn(async move {
            let answer = answer.await.map_err(|failed| failed.fault);
            replies.borrow_mut().push(Reply { context: place, key, owner, answer });
        });
    }

    /// Reads what has happened, and checks what must hold at any time.
    pub fn look(&mut self) {
        let accepted: Vec<_> = self.lives.iter().map(|life| life.disk.accepted()).collect();
        if self.looked.as_ref() != Some(&accepted) {
            self.looked = Some(accepted);
            let read = self.read_logs().and_then(|()| self.holds_always());
            if let Err(what) = read.and_then(|()| (self.business.always)(self)) {
                self.wrong(what);
            }
        }
        let replies = |life: &Life| std::mem::take(&mut *life.replies.borrow_mut());
        let replies: Vec<_> = self.lives.iter().flat_map(replies).collect();
        replies.into_iter().for_each(|reply| self.hear(reply));
        if let Some(what) = self.conditions.two_answers() {
            self.wrong(what);
        }
        let dispute = self.lives.iter().find_map(|life| life.node.disputes().into_iter().next());
        if let Some(dispute) = dispute {
            self.wrong(format!("two pasts of {}: {}", dispute.context, dispute.detail));
        }
    }

    fn read_logs(&mut self) -> Result<(), String> {
        let conditions = self.conditions.clone();
        let contexts = self.contexts();
        for (mirror, context) in self.mirrors.all.iter_mut().zip(contexts) {
            let read = mirror.read(context.as_ref(), &mut |line| conditions.say(line));
            read.map_err(|what| format!("{}: {what}", mirror.name()))?;
        }
        Ok(())
    }

    /// What every context declares of itself holds at any time.
    fn holds_always(&self) -> Result<(), String> {
        let checked = |mirror: &dyn Mirror| {
            mirror.always().map_err(|what| format!("{}: {what}", mirror.name()))
        };
        self.each().try_for_each(checked)?;
        self.mirrors.ledger.holds_always()
    }

    fn hear(&mut self, Reply { context, key, owner, answer }: Reply) {
        let name = self.mirrors.all[context].name();
        match answer {
            Ok(outcome) => {
                let Outcome { number, version, settled, .. } = outcome;
                self.say(format_args!("{name} answers #{number} {version} {settled}"));
                let key = key.filter(|_| settled);
                if let (Some(_), Some(owner)) = (key, owner) {
                    self.made_for.insert((context, number), owner);
                }
                self.acknowledge((context, number), version, key);
            }
            Err(Fault::BadBody(bad)) => self.wrong(format!("{name} takes no such body: {bad:?}")),
            Err(fault) => self.say(format_args!("{name} refuses: {fault}")),
        }
    }

    fn acknowledge(&mut self, thing: (usize, u64), version: u64, key: Option<u64>) {
        let mirror = &self.mirrors.all[thing.0];
        let name = mirror.name();
        let Some(history) = mirror.history(thing.1, version) else {
            return self.wrong(format!(
                "{name} #{} is acknowledged as of version {version}, and its log lacks that",
                thing.1
            ));
        };
        let known = self.acknowledged.entry(thing).or_default();
        *known = (*known).max((version, history));
        let Some(key) = key else { return };
        let made = *self.made.entry(key).or_insert(thing);
        let by = *self.made_by.entry(thing).or_insert(key);
        if (made, by) != (thing, key) {
            self.wrong(format!(
                "request {key} made {name} #{}, as request {by} did, or {made:?} before",
                thing.1
            ));
        }
    }

    /// What clients were told stands.
    pub fn acknowledged_stands(&mut self) {
        let gone = |((context, number), (version, history)): (&(usize, u64), &(u64, u64))| {
            let mirror = &self.mirrors.all[*context];
            let stands = mirror.history(*number, *version) == Some(*history);
            (!stands).then(|| {
                let name = mirror.name();
                format!("{name} #{number} was acknowledged as of version {version}, and is gone")
            })
        };
        if let Some(what) = self.acknowledged.iter().find_map(gone) {
            self.wrong(what);
        }
    }

    /// The process of that node dies, and the next one finds all up to commit `to`. The others go on.
    pub fn die(&mut self, node: usize, to: Commit) {
        self.conditions.forget_answers();
        let life = &mut self.lives[node];
        life.flows.drain(..).for_each(|flow| flow.abort());
        let disk = Arc::new(life.disk.end(to));
        let Self { business, conditions, off, cluster, .. } = self;
        *life = Life::start(business, disk, conditions, *off, cluster, node);
        for mirror in &mut self.mirrors.all {
            if self.cluster.hosts[mirror.name().context] == node {
                mirror.forget();
            }
        }
        self.looked = None;
        if let Err(what) = self.read_logs() {
            self.wrong(what);
        }
        self.acknowledged_stands();
    }

    /// What is still to be done, if anything is.
    pub fn is_busy(&self) -> Option<String> {
        if self.lives.iter().any(|life| life.disk.durable() < life.disk.accepted()) {
            return Some("not all is durable".to_owned());
        }
        if let Some(flow) = self.lives.iter().find_map(|life| self.flows(life)) {
            return Some(flow);
        }
        let now = self.now();
        let waits = |mirror: &dyn Mirror| {
            mirror.waits(now).map(|what| format!("{}: {what}", mirror.name()))
        };
        if let Some(waits) = self.each().find_map(waits) {
            return Some(waits);
        }
        self.contexts().iter().find_map(|context| {
            let health = context.health();
            let is_quiet = health.state == holdfast::actors::Phase::Running
                && (health.mailbox, health.waiting, health.backlog, health.parked) == (0, 0, 0, 0);
            (!is_quiet).then(|| format!("{health:?}"))
        })
    }

    /// What has not yet come from one node to the other.
    fn flows(&self, life: &Life) -> Option<String> {
        let pending = life.node.outbox_health().into_iter().find(|outbox| outbox.pending > 0);
        let lags = life.node.replica_health().into_iter().find(|replica| {
            let source = self.context(replica.context).event_log();
            source.is_some_and(|log| *log.latest().borrow() > replica.last_sequence)
        });
        let pending = pending.map(|outbox| format!("{outbox:?}"));
        pending.or(lags.map(|replica| format!("{replica:?}")))
    }
}

/// Whether a route is the one that is meant by `POST`, `PATCH`, `DELETE`, or the word of a verb in the path.
fn takes(route: &RouteInfo, verb: &str) -> bool {
    match (route.word, route.verb) {
        (Some(word), _) => word == verb,
        (None, Verb::Post) => verb == "POST",
        (None, Verb::Patch) => verb == "PATCH",
        (None, Verb::Delete) => verb == "DELETE",
    }
}
