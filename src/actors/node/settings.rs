//! How a node is set up.

use crate::{
    actors::{
        ask::guard::GuardSettings,
        erased::{AggregateType, Settings},
        port::{
            machine::Machine, network::Network, peers::PeerClient, safeguard::Safeguard,
            status::Chaos,
        },
    },
    domain::Name,
    store::StoreError,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Called with the system whose thread hangs.
pub type Stuck = Arc<dyn Fn(&'static str) + Send + Sync>;

/// On which threads the contexts of a node run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Threads {
    /// Each system on a thread of its own, with a watchdog over them.
    #[default]
    PerSystem,
    /// All on the thread that starts the node, and without a watchdog: for tests that decide what happens when.
    Current,
}

/// How a node is set up.
#[derive(Clone)]
pub struct NodeSettings {
    /// How many commands of clients a context takes at once.
    pub admission: usize,
    /// How long answers to asks, and responses under idempotency keys, are kept.
    pub kept: Duration,
    /// Guards that differ from their system's, by asked context.
    pub guards: BTreeMap<String, GuardSettings>,
    /// Guards by system.
    pub system_guards: BTreeMap<String, GuardSettings>,
    /// What each system lets be configured.
    pub systems: BTreeMap<String, serde_json::Value>,
    /// How far business time is ahead of the machine's, in microseconds.
    pub clock_offset: i64,
    /// On which threads its contexts run.
    pub threads: Threads,
    /// The clock and the randomness that it uses.
    pub machine: Machine,
    /// What lies between its contexts, where that is anything; for tests.
    pub network: Option<Arc<dyn Network>>,
    /// A safeguard that is left out, to see that this is noticed; for tests.
    pub without: Option<Safeguard>,
    /// Is called where a crash hurts most; for tests.
    pub chaos: Option<Chaos>,
    /// How long a system's thread may be silent before it is taken for hanging.
    pub silence: Duration,
    /// What to do then: the process is of no use any more.
    pub stuck: Stuck,
    /// The contexts that this node hosts, of those laid out; `None`: all.
    pub contexts: Option<BTreeSet<String>>,
    /// The way to the nodes that host the others.
    pub wire: Option<Arc<dyn PeerClient>>,
    /// Contexts of other nodes whose past is accepted at this start, although another one was known.
    pub accept_history: Vec<String>,
    /// The versions in which contexts write their events for other nodes and consumers, where that
    /// is another one than the release writes by itself.
    pub event_versions: BTreeMap<String, u16>,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            admission: 1024,
            kept: Duration::from_secs(24 * 60 * 60),
            guards: BTreeMap::new(),
            system_guards: BTreeMap::new(),
            systems: BTreeMap::new(),
            clock_offset: 0,
            threads: Threads::default(),
            machine: Machine::default(),
            network: None,
            without: None,
            chaos: None,
            silence: Duration::from_secs(10),
            stuck: Arc::new(|_| std::process::exit(70)),
            contexts: None,
            wire: None,
            accept_history: Vec::new(),
            event_versions: BTreeMap::new(),
        }
    }
}

impl NodeSettings {
    pub(crate) fn hosts_context(&self, context: &str) -> bool {
        self.contexts.as_ref().is_none_or(|hosted| hosted.contains(context))
    }
    pub(crate) fn guard_settings(&self, name: &Name) -> GuardSettings {
        let of_system = || self.system_guards.get(name.system).copied();
        self.guards.get(name.context).copied().or_else(of_system).unwrap_or_default()
    }
    /// How long a client of `system` waits whose command asks all of `chain` in a row: for each as long as its tries may
    /// take, and two seconds. Never less than for any one ask of the system, which a repeat may have to wait for.
    pub(crate) fn ask_patience(&self, system: &str, chain: &[Name]) -> Duration {
        let own =
            self.guards.iter().filter(|(context, _)| context.split('.').next() == Some(system));
        let of_system = self.system_guards.get(system).copied().unwrap_or_default().patience();
        let one = own.map(|(_, guard)| guard.patience()).fold(of_system, Duration::max);
        let all = chain.iter().map(|name| self.guard_settings(name).patience()).sum();
        one.max(all) + Duration::from_secs(2)
    }
    /// The version in which a context writes its events for other nodes and consumers.
    ///
    /// # Errors
    /// [`NodeError::Settings`] for one that it cannot write.
    pub(crate) fn written_version(&self, aggregate: &dyn AggregateType) -> Result<u16, NodeError> {
        let context = aggregate.name().context;
        let oldest = aggregate.written_version();
        let newest = aggregate.event_version();
        match self.event_versions.get(context) {
            Some(version) if !(oldest..=newest).contains(version) => {
                Err(NodeError::Settings(format!(
                    "events.write_versions: {context} writes versions {oldest} to {newest} of its events, not {version}"
                )))
            }
            Some(version) => Ok(*version),
            None => Ok(oldest),
        }
    }
    /// What the system of an aggregate lets be configured, as the aggregate reads it.
    pub(crate) fn of_aggregate(
        &self,
        aggregate: &dyn AggregateType,
    ) -> Result<Settings, NodeError> {
        let system = aggregate.name().system;
        aggregate
            .read_settings(self.systems.get(system))
            .map_err(|error| NodeError::Settings(format!("systems.{system}: {error}")))
    }
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A system's configuration is wrong; the words name the key.
    #[error("{0}")]
    Settings(String),
    /// No thread could be started.
    #[error("no thread could be started: {0}")]
    Thread(String),
}
