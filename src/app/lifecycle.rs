//! One log line when the server has started, and one when it has stopped.

use crate::{
    actors::{LocalNode, Node},
    config::{AuthMode, Settings},
    http::Listeners,
    store::{Commit, Recovery, Store},
};
use std::{
    net::{SocketAddr, TcpListener},
    time::Instant,
};

/// The commit that the binary was built from, where the build knows it.
const BUILT_FROM: Option<&str> = option_env!("GIT_COMMIT");

/// A server between its two lines.
pub(super) struct LifecycleLog {
    began: Instant,
    /// The last durable commit when it started.
    first: Commit,
}

/// The addresses that a server listens on, for its line.
pub(super) struct ListenAddresses {
    main: Option<SocketAddr>,
    probes: Option<SocketAddr>,
    ops: Option<SocketAddr>,
    contexts: String,
}

impl From<&Listeners> for ListenAddresses {
    fn from(listeners: &Listeners) -> Self {
        let address = |listener: &TcpListener| listener.local_addr().ok();
        let contexts = listeners
            .contexts
            .iter()
            .filter_map(|(context, listener)| Some(format!("{context}={}", address(listener)?)));
        Self {
            main: address(&listeners.main),
            probes: listeners.probes.as_ref().and_then(address),
            ops: listeners.ops.as_ref().and_then(address),
            contexts: contexts.collect::<Vec<_>>().join(","),
        }
    }
}

impl ListenAddresses {
    /// The URL under which other nodes reach this one; empty if that is not known.
    pub(super) fn node_url(&self, settings: &Settings) -> String {
        if let Some(url) = &settings.node.url {
            return url.clone();
        }
        let Some(address) = self.main.filter(|address| !address.ip().is_unspecified()) else {
            tracing::warn!(
                "other nodes cannot pass requests on to this one while it leads: set `node.url`"
            );
            return String::new();
        };
        format!("{}://{address}", settings.http.scheme())
    }
}

impl LifecycleLog {
    /// Logs that a server, which began to start at `began`, has started.
    pub(super) fn log_start(
        began: Instant,
        settings: &Settings,
        addresses: &ListenAddresses,
        node: &LocalNode,
        (store, recovery): (&dyn Store, Recovery),
    ) -> Self {
        let health = store.health();
        let clock = node.clock_health();
        let contexts = node.contexts().iter().map(|context| context.name().context);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            commit = BUILT_FROM.filter(|commit| !commit.is_empty()),
            listen = addresses.main.map(tracing::field::display),
            probes = addresses.probes.map(tracing::field::display),
            operations = addresses.ops.map(tracing::field::display),
            ports = Some(&addresses.contexts).filter(|ports| !ports.is_empty()),
            data = %settings.store.dir.display(),
            systems = settings.enabled_systems().join(","),
            contexts = contexts.collect::<Vec<_>>().join(","),
            node = settings.node_name(),
            authentication = if settings.auth.mode == AuthMode::Open { "open" } else { "token" },
            last_commit = health.durable_commit,
            replayed = recovery.batches,
            recovery_ms = whole_millis(recovery.took),
            clock = %clock.now,
            clock_ahead_s = clock.ahead_seconds,
            start_ms = whole_millis(began.elapsed()),
            "server started"
        );
        Self { began, first: health.durable_commit }
    }

    /// Logs that the server has stopped: as `ending` says, or because of a failure. The store is closed.
    pub(super) fn log_stop(&self, ending: &str, failure: Option<&str>, store: &dyn Store) {
        let health = store.health();
        let uptime_s = self.began.elapsed().as_secs();
        let last_commit = health.durable_commit;
        // What was accepted and is not durable was acknowledged to no client.
        let lost = health.accepted_commit.saturating_sub(last_commit);
        let commits = last_commit.saturating_sub(self.first);
        match failure {
            None => tracing::info!(
                reason = ending,
                uptime_s,
                commits,
                last_commit,
                lost,
                "server stopped"
            ),
            Some(reason) => {
                tracing::error!(reason, uptime_s, commits, last_commit, lost, "server stopped");
            }
        }
    }
}

fn whole_millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
