//! The last that happens: a node is started with an older copy of its data. From then on promises are broken; what must hold is
//! that other nodes notice, and have nothing to do with it.

use super::{Disk, Life, World};
use crate::simulator::conditions::Link;
use holdfast::actors::{EventLog, Node, ReplicaHandle};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How many requests come to the nodes before they can reach each other.
const REQUESTS: u64 = 40;
/// For so many seconds they can then, and a request comes in each.
const SECONDS: u64 = 30;

impl World {
    /// How far the logs of a node go.
    fn logs_of(&self, node: usize) -> BTreeMap<&'static str, u64> {
        let contexts = self.lives[node].node.contexts().iter();
        let logs = contexts.filter_map(|context| context.event_log());
        logs.map(|log| (log.context(), *log.latest().borrow())).collect()
    }

    /// How far the other nodes know the logs of a node.
    fn known_of(&self, node: usize) -> BTreeMap<&'static str, u64> {
        let others = self.lives.iter().enumerate().filter(|(place, _)| *place != node);
        let replicas = others.flat_map(|(_, life)| life.node.replica_handles());
        replicas.map(|replica| (replica.context(), replica.health().last_sequence)).collect()
    }

    pub async fn put_back(&mut self) {
        let mut chance = self.chance.fork();
        let node = chance.number() as usize % self.nodes();
        let to = chance.between(0, self.disk(node).accepted() + 1);
        let is_early = chance.coin();
        let known = self.known_of(node);
        self.say(format_args!("node {node} is started with its data as of commit {to}"));
        // So that its logs grow before others look at them; what is asked under a number that was given before comes at once.
        if !is_early {
            self.conditions.toggle_cut(Link::Nodes);
        }
        self.conditions.forget_answers();
        let life = &mut self.lives[node];
        life.flows.drain(..).for_each(|flow| flow.abort());
        let disk = Arc::new(life.disk.end(to));
        let Self { business, conditions, off, cluster, .. } = self;
        self.lives[node] = Life::start(business, disk, conditions, *off, cluster, node);
        // It publishes what it has.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let kept = self.logs_of(node);
        self.conditions.put_back(is_early);
        for request in 0..REQUESTS + SECONDS {
            if request == REQUESTS && !is_early {
                self.conditions.toggle_cut(Link::Nodes);
            }
            let order = self.any_order(&mut chance);
            self.enter(&order);
            self.sync();
            let millis = if request < REQUESTS { 100 } else { 1000 };
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        self.sync();
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(what) = self.conditions.what_is_wrong() {
            self.wrong(what);
        }
        let disputes = self.lives.iter().flat_map(|life| life.node.disputes());
        let disputed: Vec<_> = disputes.map(|dispute| dispute.context.to_string()).collect();
        let is_lost = |(context, kept): &(&&'static str, &u64)| {
            known.get(**context).is_some_and(|known| known > kept)
        };
        let unnoticed = kept
            .iter()
            .filter(is_lost)
            .find(|(context, _)| !disputed.iter().any(|disputed| disputed == *context));
        if let Some((context, kept)) = unnoticed {
            let known = known.get(context);
            self.wrong(format!(
                "{context} goes on after {kept}, others know {known:?}, and all is well"
            ));
        }
    }
}
