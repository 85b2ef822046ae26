//! All of a system: the node that the server would start, its clients, and what they were promised.

mod judge;
mod put_back;
mod rest;

pub use super::client::{Order, Things};

use super::{
    breakers::Breakers,
    conditions::Conditions,
    disk::{Disk, UNSTORABLE},
    mirror::{AggregateMirror, Mirror, Mirrors},
    mitigation::Mitigation,
    nodes::{Cluster, Life, Reply},
    owners::customer_of,
    plan::Plan,
    promises::Promises,
    seen::Seen,
    systems::{Business, lay_out},
    trace::Trace,
};
use holdfast::{
    actors::{CommandRequest, Context, IdempotencyKey, Node, RouteInfo, Verb},
    domain::{Aggregate, Timestamp},
    store::Commit,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
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
    pub(super) mirrors: Mirrors,
    pub(super) lives: Vec<Life>,
    pub(super) cluster: Cluster,
    pub(super) off: Option<Mitigation>,
    /// The commit up to which the logs have been read.
    pub(super) looked: Option<Vec<Commit>>,
    pub(super) promises: Promises,
    pub(super) breakers: Breakers,
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
            promises: Promises::default(),
            breakers: Breakers::new(),
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
    pub(super) fn context(&self, name: &str) -> Arc<dyn Context> {
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

    pub(super) fn each(&self) -> impl Iterator<Item = &dyn Mirror> {
        self.mirrors.all.iter().map(|mirror| mirror.as_ref())
    }
    pub(super) fn find(&self, context: &str) -> &dyn Mirror {
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
    pub fn events(&self, context: &str) -> &[(u64, Value)] {
        self.find(context).events()
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
        let is_unstorable = self.conditions.is_unstorable();
        let request = self.promises.enter();
        let correlation =
            if is_unstorable { format!("{UNSTORABLE}-{request}") } else { request.to_string() };
        let answer = context.execute_command(CommandRequest {
            route,
            number: order.number,
            body: order.body.clone(),
            idempotency,
            owner: owner.clone(),
            client_correlation: Some(correlation),
            ..CommandRequest::default()
        });
        let replies = self.lives[self.cluster.hosts[name]].replies.clone();
        let key = order.key.filter(|_| is_new);
        actix_rt::spawn(async move {
            let answer = answer.await;
            let reply = Reply { context: place, request, is_unstorable, key, owner, answer };
            replies.borrow_mut().push(reply);
        });
    }

    /// Reads what has happened, and checks what must hold at any time.
    pub fn look(&mut self) {
        let accepted: Vec<_> = self.lives.iter().map(|life| life.disk.accepted()).collect();
        if self.looked.as_ref() != Some(&accepted) {
            self.looked = Some(accepted);
            let read = self.read_logs().and_then(|()| self.check_begun());
            let read = read.and_then(|()| self.holds_always());
            if let Err(what) = read.and_then(|()| (self.business.always)(self)) {
                self.wrong(what);
            }
        }
        let replies = |life: &Life| std::mem::take(&mut *life.replies.borrow_mut());
        let replies: Vec<_> = self.lives.iter().flat_map(replies).collect();
        replies.into_iter().for_each(|reply| self.hear(reply));
        if let Some(what) = self.look_at_breakers().or(self.conditions.what_is_wrong()) {
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
            let name = mirror.name().context;
            let has_gap = self.lives[self.cluster.hosts[name]].disk.has_gap(name);
            let read = mirror.read(context.as_ref(), has_gap, &mut |line| conditions.say(line));
            read.map_err(|what| format!("{}: {what}", mirror.name()))?;
        }
        self.has_causes()
    }

    /// What has happened because of an event has not happened before that event.
    fn has_causes(&self) -> Result<(), String> {
        for mirror in self.each() {
            for (source, sequence) in mirror.causes() {
                let is_there = |of: &dyn Mirror| of.events().len() as u64 >= *sequence;
                let of = self.each().find(|of| of.name().context == source.as_str());
                if of.is_some_and(|of| !is_there(of) && !self.has_gap(of.name().context)) {
                    let name = mirror.name();
                    return Err(format!(
                        "{name} has heard of event {sequence} of {source}, which is not there"
                    ));
                }
            }
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

    /// The process of that node dies, and the next one finds all up to commit `to`. The others go on.
    pub fn die(&mut self, node: usize, to: Commit) {
        self.conditions.forget_answers();
        self.breakers.forget();
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
