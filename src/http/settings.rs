//! The settings of the server.

use crate::{
    actors::{DeadLetters, Declaration, ListLimits},
    api::{Ingress, PersonalFields, ProblemTypes, RateLimits, Refusals},
    audit::AuditLog,
    backups::Backups,
    credentials::{EndedLog, Identifiers, KeyStore, Login, NodePass, NodeTrust, Sessions},
    domain::{Name, Timestamp},
    events::{Documents, EventNames},
    http::{host_list::HostList, leader::Standby},
    identity::NodeRights,
    pages::PageSettings,
    sagas::{Jobs, SagaSettings},
    tls::{ServerCertificate, Trust},
};
use reqwest::Url;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// The default bound on connections, each of which takes about 20 KB.
pub const MAX_CONNECTIONS: usize = 4096;

/// How many connections beyond the bound are accepted: those that are closing, or are refused and not closed yet.
#[must_use]
pub fn connection_headroom(connections: usize) -> usize {
    (connections / 8).max(8)
}

/// A context that another node hosts.
#[derive(Debug, Clone)]
pub struct RemoteTarget {
    /// Its name.
    pub name: Name,
    /// Whether the orders of its system begin in it.
    pub is_order: bool,
    /// Whether it is a view, which has no log.
    pub is_view: bool,
    /// Other spellings of its collection.
    pub aliases: &'static [&'static str],
    /// The URL of the node; `None` if it is not configured.
    pub url: Option<Url>,
}

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Threads that serve connections.
    pub workers: usize,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The deepest nesting of a body.
    pub json_depth: usize,
    /// The longest request target, in bytes.
    pub uri_limit: usize,
    /// The largest head, in bytes.
    pub header_limit: usize,
    /// How many connections may be open.
    pub max_connections: usize,
    /// How many requests may be in flight to other nodes.
    pub max_forwarded: usize,
    /// How many event streams may be open.
    pub max_streams: usize,
    /// The systems and contexts that credentials may be restricted to.
    pub scopes: Vec<&'static str>,
    /// How many of one caller, unless authentication is open.
    pub max_streams_of_caller: usize,
    /// How many bytes of answers may wait for clients that do not read.
    pub unsent_bytes: usize,
    /// How long an answer may wait for a client that does not read.
    pub write_timeout: Duration,
    /// How long the headers may take.
    pub header_timeout: Duration,
    /// How long the body may take.
    pub body_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long the server goes on serving, not ready, before it stops accepting.
    pub drain_delay: Duration,
    /// How long running requests may take to finish after that.
    pub drain_timeout: Duration,
    /// Origins whose scripts may call; `None` for any.
    pub cors_origins: Option<Vec<String>>,
    /// The names that requests may be for.
    pub hosts: HostList,
    /// The certificate that connections are encrypted with; `None`: they are not.
    pub certificate: Option<Arc<ServerCertificate>>,
    /// Which authorities vouch for other nodes.
    pub trust: Trust,
    /// The URL by which clients know this server; `None`: it is known as each client addresses it.
    pub public_url: Option<String>,
    /// The types of problems.
    pub problem_types: ProblemTypes,
    /// The refusals that the systems declare.
    pub refusals: Refusals,
    /// How this installation names its events.
    pub event_names: Arc<EventNames>,
    /// Proxies whose `Forwarded` headers are trusted.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether collections are mounted without their system too.
    pub bare: bool,
    /// Whether a request without credentials counts as that of a developer, who may do everything.
    pub open: bool,
    /// Whether administration is open.
    pub development: bool,
    /// Whether operators have a port of their own.
    pub has_ops_port: bool,
    /// The nodes that are known; others get 404.
    pub nodes: NodeTrust,
    /// What nodes may ask of this one.
    pub node_rights: NodeRights,
    /// How this node shows others that it is one of them.
    pub node_pass: NodePass,
    /// How senders of requests are identified.
    pub identifiers: Identifiers,
    /// The API keys that this node keeps.
    pub keys: Option<Arc<KeyStore>>,
    /// How browsers sign in; `None`: they do not.
    pub login: Option<Arc<Login>>,
    /// The sessions of browsers, of this node or the one that keeps them; `None`: they open nothing here.
    pub sessions: Option<Sessions>,
    /// The keys and sessions of this node that have ended, for nodes that ask about them.
    pub ended: Arc<EndedLog>,
    /// Who did what.
    pub audit: Option<Arc<AuditLog>>,
    /// Makes backups.
    pub backups: Option<Arc<Backups>>,
    /// How often customers and callers without credentials may call; `None`: any number of times.
    pub rates: Option<Arc<RateLimits>>,
    /// The contexts of other nodes.
    pub remote_contexts: Vec<RemoteTarget>,
    /// What the contexts of other nodes declare.
    pub remote_declarations: Vec<Arc<dyn Declaration>>,
    /// The other ways in for commands, whose health is reported.
    pub ingresses: Vec<Arc<dyn Ingress>>,
    /// `/openapi.json`; `None`: that of the contexts of this node.
    pub openapi: Option<String>,
    /// The documents about events.
    pub documents: Documents,
    /// What operators are not shown; that of the contexts of this node is added.
    pub personal: PersonalFields,
    /// Messages of the broker that could not be handled.
    pub dead_letters: Option<Arc<dyn DeadLetters>>,
    /// How long another node may take to answer a forwarded request.
    pub forward_timeout: Duration,
    /// When sagas count as waiting or stuck.
    pub sagas: SagaSettings,
    /// The jobs that redrive or drop what is parked.
    pub jobs: Option<Arc<Jobs>>,
    /// When the process began, by the machine's clock.
    pub since: Timestamp,
    /// How much one list may read.
    pub list_limits: ListLimits,
    /// How many long reads of lists run at once, and as many of logs.
    pub scans: usize,
    /// How many more reads of lists may wait.
    pub scans_waiting: usize,
    /// The largest answer of another node, in bytes.
    pub answer_limit: usize,
    /// How many nodes may forward a request.
    pub max_hops: usize,
    /// The name of this node in `Via`.
    pub node_name: String,
    /// The node that leads, if this one is a standby and passes everything on to it.
    pub standby: Option<Standby>,
    /// How pages look.
    pub pages: PageSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            body_limit: 64 * 1024,
            json_depth: 32,
            uri_limit: 8 * 1024,
            header_limit: 32 * 1024,
            max_connections: MAX_CONNECTIONS,
            max_forwarded: MAX_CONNECTIONS,
            max_streams: 256,
            scopes: Vec::new(),
            max_streams_of_caller: 16,
            unsent_bytes: 64 << 20,
            write_timeout: Duration::from_secs(8),
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            cors_origins: Some(Vec::new()),
            hosts: HostList::default(),
            certificate: None,
            trust: Trust::default(),
            public_url: None,
            problem_types: ProblemTypes::default(),
            refusals: Refusals::from([]),
            event_names: Arc::default(),
            trusted_proxies: Vec::new(),
            bare: false,
            open: false,
            development: false,
            has_ops_port: false,
            nodes: NodeTrust::default(),
            node_rights: NodeRights::default(),
            node_pass: NodePass::default(),
            identifiers: Identifiers::default(),
            keys: None,
            login: None,
            sessions: None,
            ended: Arc::default(),
            audit: None,
            backups: None,
            rates: None,
            remote_contexts: Vec::new(),
            remote_declarations: Vec::new(),
            ingresses: Vec::new(),
            openapi: None,
            documents: Documents::default(),
            personal: PersonalFields::default(),
            dead_letters: None,
            forward_timeout: Duration::from_secs(30),
            sagas: SagaSettings::default(),
            jobs: None,
            since: Timestamp::default(),
            list_limits: ListLimits::default(),
            scans: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            scans_waiting: 64,
            answer_limit: 16 << 20,
            max_hops: 4,
            node_name: String::new(),
            standby: None,
            pages: PageSettings::default(),
        }
    }
}
