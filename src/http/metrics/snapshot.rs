//! The state of the server at one scrape.

use super::process::ProcessStats;
use crate::{
    actors::{ClockHealth, ContextHealth, GuardHealth, OutboxHealth, ReplicaHealth, SinkHealth},
    api::IngressHealth,
    backups::BackupStatus,
    http::{
        handlers::health::is_ready, middleware::connection_limit::ConnectionStats, state::AppState,
    },
    spans::{self, SpanCounts},
    store::StoreHealth,
};
use std::time::Duration;

/// The state of the server at one scrape.
pub struct Snapshot {
    /// Whether requests should be sent here.
    pub ready: bool,
    /// When the certificate of the server ends, in seconds since 1970.
    pub certificate_end: Option<u64>,
    pub contexts: Vec<ContextHealth>,
    /// The guards in front of contexts, those of other nodes included.
    pub guards: Vec<(&'static str, GuardHealth)>,
    pub outflows: Vec<OutboxHealth>,
    pub sinks: Vec<SinkHealth>,
    pub refused_messages: u64,
    pub replicas: Vec<ReplicaHealth>,
    pub ingresses: Vec<IngressHealth>,
    pub disputes: usize,
    pub repeated_tokens: u64,
    pub store: StoreHealth,
    pub backups: Option<BackupHealth>,
    pub clock: ClockHealth,
    pub connections: ConnectionStats,
    pub streams: usize,
    pub spans: Option<SpanCounts>,
    pub process: ProcessStats,
}

/// How the backups in the directory are, if there is one.
pub struct BackupHealth {
    pub age: Option<Duration>,
    pub every: Option<Duration>,
    pub status: BackupStatus,
}

impl BackupHealth {
    fn read(state: &AppState) -> Option<Self> {
        let backups = state.settings.backups.as_ref().filter(|backups| backups.has_directory())?;
        let age = backups.age();
        Some(Self { age, every: backups.every(), status: backups.status() })
    }
}

impl Snapshot {
    pub fn take_snapshot(state: &AppState) -> Self {
        let node = &state.node;
        let contexts: Vec<_> = node.contexts().iter().map(|context| context.health()).collect();
        let local = contexts.iter().filter_map(|health| {
            let guard = health.guard.clone()?;
            Some((health.context, guard))
        });
        let guards = local.chain(node.guard_health()).collect();
        Self {
            ready: is_ready(state),
            certificate_end: state
                .settings
                .certificate
                .as_ref()
                .map(|certificate| certificate.end()),
            contexts,
            guards,
            outflows: node.outbox_health(),
            sinks: node.sink_health(),
            refused_messages: node.refused_message_count(),
            replicas: node.replica_health(),
            ingresses: state.settings.ingresses.iter().map(|ingress| ingress.health()).collect(),
            disputes: node.disputes().len(),
            repeated_tokens: state.settings.nodes.repeated_tokens(),
            store: node.store_health(),
            backups: BackupHealth::read(state),
            clock: node.clock_health(),
            connections: state.connections.read_stats(),
            streams: state.streams.count_open(),
            spans: spans::span_counts(),
            process: ProcessStats::read_now(),
        }
    }
}
