//! The nodes of a system, each as the server would start it, and what lies between them.

use super::{
    breakers::OPEN_FOR,
    broker::{BROKER, Broker},
    conditions::Conditions,
    disk::Disk,
    systems::{Business, Model, ask_timeout_millis},
    wire::{Hosts, Nodes, Wire},
};
use holdfast::{
    actors::{
        BreakerSettings, CommandFault, Context, GuardSettings, LocalNode, Node, NodeSettings,
        Outcome, PeerClient, Safeguard, Threads,
    },
    store::Store,
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};
use support::chance::Chance;
use tokio::task::JoinHandle;

/// What a client was answered.
pub struct Reply {
    pub context: usize,
    /// The number of the request.
    pub request: u64,
    /// The store refuses what it leads to.
    pub is_unstorable: bool,
    /// The request's key, if it makes something new.
    pub key: Option<u64>,
    /// For whom that is, where its body does not say.
    pub owner: Option<Arc<str>>,
    pub answer: Result<Outcome, CommandFault>,
}

/// One life of the process.
pub struct Life {
    pub node: Arc<LocalNode>,
    pub contexts: BTreeMap<&'static str, Arc<dyn Context>>,
    pub disk: Arc<Disk>,
    pub replies: Rc<RefCell<Vec<Reply>>>,
    /// What flows in and out, where there is another node.
    pub flows: Vec<JoinHandle<()>>,
}

/// How the contexts of a system are spread over nodes.
pub struct Cluster {
    pub nodes: Nodes,
    pub hosts: Arc<Hosts>,
    pub broker: Broker,
    pub count: usize,
}

impl Life {
    pub fn start(
        business: &Business,
        disk: Arc<Disk>,
        conditions: &Conditions,
        off: Option<Safeguard>,
        cluster: &Cluster,
        place: usize,
    ) -> Self {
        let crashes = conditions.clone();
        let guard = |timeout: Option<u64>| GuardSettings {
            timeout: timeout.map_or(GuardSettings::default().timeout, Duration::from_millis),
            // A schedule is short: so that some open.
            breaker: BreakerSettings {
                window: 8,
                minimum: 4,
                open_for: OPEN_FOR,
                ..BreakerSettings::default()
            },
            ..GuardSettings::default()
        };
        fn of_each<T>(business: &Business, of: impl Fn(&Model) -> T) -> BTreeMap<String, T> {
            business.models.iter().map(|model| (model.system.to_owned(), of(model))).collect()
        }
        let Cluster { nodes, hosts, broker, count } = cluster;
        let of_this = hosts.iter().filter(|(_, at)| **at == place);
        let contexts = of_this.map(|(context, _)| (*context).to_owned()).collect();
        let wire = Wire {
            conditions: conditions.clone(),
            nodes: nodes.clone(),
            hosts: hosts.clone(),
            place,
            off,
        };
        let wire: Arc<dyn PeerClient> = Arc::new(wire);
        let settings = NodeSettings {
            contexts: (*count > 1).then_some(contexts),
            wire: (*count > 1).then_some(wire),
            threads: Threads::Current,
            machine: conditions.machine(),
            network: Some(Arc::new(conditions.clone())),
            chaos: Some(Arc::new(move |context, point| crashes.crash(context, point))),
            without: off,
            systems: of_each(business, |model| (model.settings)()),
            system_guards: of_each(business, |model| guard(ask_timeout_millis(model.name))),
            ..NodeSettings::default()
        };
        let store: Arc<dyn Store> = disk.clone();
        let node = LocalNode::start(store, settings, |board| business.lay_out(board));
        let node = Arc::new(node.expect("the node starts"));
        nodes.put(place, node.clone());
        let mut flows = Vec::new();
        if *count > 1 {
            let sink = broker.publisher(place);
            let out = node.attach_sink(BROKER, &sink, |context| context.event_log());
            flows.extend(out.expect("places can be read").into_iter().map(actix_rt::spawn));
            for replica in node.replica_handles() {
                flows.push(actix_rt::spawn(broker.clone().feed(place, replica.clone())));
            }
            // What is fed need not be asked for.
            flows.extend(node.follow_replicas().into_iter().map(actix_rt::spawn));
        }
        let named = |context: &Arc<dyn Context>| (context.name().context, context.clone());
        let contexts = node.contexts().iter().map(named).collect();
        Self { node, contexts, disk, replies: Rc::default(), flows }
    }
}

impl Cluster {
    /// Under every third seed there are two nodes, and chance says which hosts what.
    pub fn of(
        seed: u64,
        contexts: impl Iterator<Item = &'static str>,
        conditions: &Conditions,
    ) -> Self {
        let mut chance = Chance::new(!seed);
        let is_spread = seed.is_multiple_of(3);
        let place = |context| (context, usize::from(is_spread && chance.coin()));
        let hosts: Hosts = contexts.map(place).collect();
        let count = if hosts.values().any(|place| *place > 0) { 2 } else { 1 };
        let broker = Broker::new(conditions.clone());
        Self { nodes: Nodes::default(), hosts: Arc::new(hosts), broker, count }
    }
}
