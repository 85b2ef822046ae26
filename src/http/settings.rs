//! How the server behaves towards its clients.

use super::Elsewhere;
use crate::{
    actors::{DeadLetters, ListLimits},
    api::Ingress,
    events::Documents,
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// More connections are taken only by who asks for them: each costs some twenty kilobytes.
pub const MOST_CONNECTIONS: usize = 4096;

/// How many more connections than there may be are accepted, for those that are told to leave and those that are turned
/// away, and have not gone yet.
#[must_use]
pub fn in_passing(connections: usize) -> usize {
    (connections / 8).max(8)
}

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Threads that serve connections.
    pub workers: usize,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The deepest nesting of a body.
    pub json_depth: usize,
    /// The longest address, in bytes.
    pub uri_limit: usize,
    /// The largest head, in bytes.
    pub header_limit: usize,
    /// How many connections may be open; the listener adds a few for those that are on their way in or out.
    pub max_connections: usize,
    /// How many requests may be under way to other nodes.
    pub max_forwarded: usize,
    /// How many streams of events may be open.
    pub max_streams: usize,
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
    /// How long it goes on serving, not ready, before it stops accepting.
    pub drain_delay: Duration,
    /// How long running requests may take to finish after that.
    pub drain_timeout: Duration,
    /// Origins of which scripts may call; `None` for any.
    pub cors_origins: Option<Vec<String>>,
    /// Proxies whose word for the client's scheme and host is taken.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether collections are mounted without their system too.
    pub bare: bool,
    /// Whether administration is open.
    pub development: bool,
    /// What other nodes show; without one, they are not answered.
    pub node_credential: Option<String>,
    /// Contexts of other nodes.
    pub elsewhere: Vec<Elsewhere>,
    /// By what else commands come in, to tell how that is doing.
    pub inlets: Vec<Arc<dyn Ingress>>,
    /// What is said of events.
    pub documents: Documents,
    /// Messages of the broker that could not be taken.
    pub dead_letters: Option<Arc<dyn DeadLetters>>,
    /// How long another node may take to answer a request that is passed on.
    pub forward_timeout: Duration,
    /// How much one list may cost.
    pub list_limits: ListLimits,
    /// So many long reads of lists run at once, off the threads that serve connections; and as many of logs.
    pub scans: usize,
    /// So many more wait for their turn.
    pub scans_waiting: usize,
    /// The largest answer of another node, in bytes.
    pub answer_limit: usize,
    /// How many nodes may pass a request on.
    pub max_hops: usize,
    /// What this node is called by those that see a request come by.
    pub node_name: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            body_limit: 64 * 1024,
            json_depth: 32,
            uri_limit: 8 * 1024,
            header_limit: 32 * 1024,
            max_connections: MOST_CONNECTIONS,
            max_forwarded: MOST_CONNECTIONS,
            max_streams: 256,
            unsent_bytes: 64 << 20,
            write_timeout: Duration::from_secs(8),
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            cors_origins: Some(Vec::new()),
            trusted_proxies: Vec::new(),
            bare: false,
            development: false,
            node_credential: None,
            elsewhere: Vec::new(),
            inlets: Vec::new(),
            documents: Documents::default(),
            dead_letters: None,
            forward_timeout: Duration::from_secs(30),
            list_limits: ListLimits::default(),
            scans: (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            scans_waiting: 64,
            answer_limit: 16 << 20,
            max_hops: 4,
            node_name: String::new(),
        }
    }
}
