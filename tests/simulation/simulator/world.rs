//! All of a system: the node that the server would start, its clients, and what they were promised.

mod judge;
mod put_back;
mod rest;
mod scene;

pub use super::client::{Order, Things};
pub use scene::Scene;

use super::{
    breakers::Breakers,
    conditions::Conditions,
    disk::{Disk, UNSTORABLE},
    mirror::{Mirror, Mirrors},
    nodes::{Cluster, Life, Reply},
    owners::customer_of,
    panics,
    plan::Plan,
    promises::Promises,
    seen::Seen,
    systems::Business,
    trace::Trace,
};
use holdfast::{
    actors::{CommandRequest, Context, IdempotencyKey, Node, RouteInfo, Safeguard, Verb},
    domain::Timestamp,
    store::Commit,
};
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
    pub(super) off: Option<Safeguard>,
    /// The commit up to which the logs have been read.
    pub(super) looked: Option<Vec<Commit>>,
    pub(super) promises: Promises,
    pub(super) breakers: Breakers,
    /// Sums were looked at since something was accepted.
    pub(super) is_even: bool,
}

impl World {
    /// Must be called within an actix system whose clock is paused.
    pub fn new(
        business: &'static Business,
        seed: u64,
        off: Option<Safeguard>,
        trace: Trace,
    ) -> Self {
        let start: Timestamp = business.clock().parse().expect("a time");
        let mut chance = Chance::new(seed);
        let plan = Plan::of(&mut chance);
        let conditions = Conditions::new(chance.fork(), plan.clone(), start, trace);
        let mut mirrors = Mirrors::default();
        business.lay_out(&mut mirrors);
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
            is_even: false,
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
        self.lives[self.cluster.hosts[name]].contexts[name].clone()
    }
    pub fn say(&self, line: std::fmt::Arguments<'_>) {
        self.conditions.say(line);
    }
    pub fn wrong(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
    pub fn does(&self, safeguard: Safeguard) -> bool {
        self.off != Some(safeguard)
    }
    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.lives.iter().map(|life| life.node.now()).min().unwrap_or_default()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &dyn Mirror> {
        self.mirrors.all.iter().map(|mirror| mirror.as_ref())
    }
    pub(super) fn find(&self, system: &str, short: &str) -> &dyn Mirror {
        let is_it = |known: &&dyn Mirror| {
            let name = known.name();
            name.system == system && name.short() == short
        };
        self.each().find(is_it).unwrap_or_else(|| panic!("there is no context {system}.{short}"))
    }
    /// The last thing that was said of where that order goes, if it is not to be seen yet.
    pub fn unsettled(&self, order: &Order) -> Option<u64> {
        let found = self.each().find(|known| order.is_to(known.name()))?;
        let (number, _) = found.events().last()?;
        found.things().get(*number).is_none().then_some(*number)
    }
    /// What a client of some system sends next.
    pub fn any_order(&self, chance: &mut Chance) -> Order {
        let model = self.business.choose_model(chance);
        let order = (model.order)(chance, &self.scene(model.name, model.system));
        Order { system: model.system, ..order }
    }
    /// Which events have happened, and which statuses things have had.
    pub fn seen(&self) -> Seen {
        self.mirrors.seen.borrow().clone()
    }
    /// How many events came to another node by its feed, and how many its source was asked for.
    pub fn carried(&self) -> Option<(u64, u64)> {
        let replicas = self.lives.iter().flat_map(|life| life.node.replica_health());
        let carried = replicas.map(|replica| (replica.fed, replica.asked));
        carried.reduce(|(fed, asked), (more, further)| (fed + more, asked + further))
    }

    /// A client's request comes to its context.
    pub fn enter(&mut self, order: &Order) {
        self.say(format_args!("client: {order:?}"));
        let Some(place) = self.each().position(|known| order.is_to(known.name())) else {
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
        let scope = |key| format!("{}/{}/{key}", order.system, order.collection);
        let idempotency = order.key.map(|key| IdempotencyKey::new(scope(key)));
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
            self.is_even = false;
            let read = self.read_logs().and_then(|()| self.check_begun());
            if let Err(what) = read.and_then(|()| self.holds_always()) {
                self.wrong(what);
            }
        } else if !self.is_even {
            self.is_even = true;
            self.adds_up();
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
        if let Some(panic) = panics::take() {
            self.wrong(format!("it panics: {panic}"));
        }
    }

    fn read_logs(&mut self) -> Result<(), String> {
        let conditions = self.conditions.clone();
        self.read_logs_and_say(&mut |line| conditions.say(line))
    }

    pub(super) fn read_logs_and_say(
        &mut self,
        say: &mut dyn FnMut(std::fmt::Arguments<'_>),
    ) -> Result<(), String> {
        let contexts = self.contexts();
        for (mirror, context) in self.mirrors.all.iter_mut().zip(contexts) {
            let name = mirror.name().context;
            let has_gap = self.lives[self.cluster.hosts[name]].disk.has_gap(name);
            let read = mirror.read(context.as_ref(), has_gap, say);
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

    /// What every context declares of itself holds at any time, and what the owners of each system have said. A view shows what
    /// it has heard.
    fn holds_always(&mut self) -> Result<(), String> {
        let checked = |mirror: &dyn Mirror| {
            mirror.always().map_err(|what| format!("{}: {what}", mirror.name()))
        };
        self.each().try_for_each(checked)?;
        self.mirrors.ledger.holds_always()?;
        let contexts = self.contexts();
        for (mirror, context) in self.mirrors.all.iter_mut().zip(contexts) {
            let name = mirror.name();
            if !self.lives[self.cluster.hosts[name.context]].disk.was_damaged() {
                let shows = mirror.shows_what_it_heard(context.as_ref());
                shows.map_err(|what| format!("{name}: {what}"))?;
            }
        }
        let mut models = self.business.models.iter().zip(self.scenes());
        models.try_for_each(|(model, scene)| (model.always)(&scene))
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
