//! How many connections the limit of open files allows, after everything else that needs descriptors.

use super::failure::Failure;
use crate::{
    config::Settings,
    http::{MAX_CONNECTIONS, connection_headroom},
};

/// For the store: runs being merged, files created ahead, a directory being listed.
const STORE: usize = 24;
/// For the broker: new connections while the old ones are closing.
const BROKER: usize = 16;
/// For probes: reserved descriptors, their thread, files that they read.
const PROBES: usize = 16 + 8;
/// For each thread that serves connections.
const WORKER: usize = 8;
/// A server needs at least so many connections.
const MIN_CONNECTIONS: usize = 8;
/// The most asks in flight to other nodes.
const MAX_ASKS: usize = 1024;

/// The connections of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionBudget {
    /// Connections of clients.
    pub connections: usize,
    /// Requests on their way to other nodes.
    pub forwarded: usize,
    /// Streams of events.
    pub streams: usize,
}

/// How many asks may be in flight to other nodes.
pub fn reserve_for_asks(limit: u64) -> usize {
    (usize::try_from(limit).unwrap_or(usize::MAX) / 8).clamp(1, MAX_ASKS)
}

impl ConnectionBudget {
    /// The budget of a process that may have `limit` files open, and has `open`.
    ///
    /// # Errors
    /// [`Failure::Failed`] if that is too little for a server.
    pub fn from_limit(settings: &Settings, limit: u64, open: usize) -> Result<Self, Failure> {
        let http = &settings.http;
        let broker = if settings.amqp.url.reveal().is_empty() { 0 } else { BROKER };
        let peers: usize = settings.peers.values().map(|contexts| contexts.len()).sum();
        // Each context of another node takes a connection that waits for events.
        let asked = if peers == 0 { 0 } else { reserve_for_asks(limit) + 2 * peers };
        let taken = [open, STORE, broker, PROBES, (http.workers + 1).saturating_mul(WORKER), asked]
            .into_iter();
        let taken = taken.fold(0, usize::saturating_add);
        let left = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(taken);
        // A forwarded request takes a second connection.
        let left = if peers == 0 { left } else { left / 2 };
        let wanted = http.max_connections.unwrap_or(MAX_CONNECTIONS);
        let fit = |connections: usize| {
            connections.saturating_add(connection_headroom(connections)) <= left
        };
        let connections = if fit(wanted) {
            wanted
        } else {
            (left.saturating_sub(MIN_CONNECTIONS) / 9).saturating_mul(8)
        };
        if connections < MIN_CONNECTIONS.min(wanted) {
            return Err(Failure::Failed(format!(
                "this process may have {limit} files and connections open at a time, of which {taken} are needed for \
             itself: raise the hard limit (`ulimit -Hn 4096`, `LimitNOFILE=4096` in a systemd unit), or run fewer \
             systems or workers"
            )));
        }
        if http.max_connections.is_some_and(|wanted| wanted > connections) {
            tracing::warn!(
                limit,
                connections,
                "`http.max_connections` is more than the limit of open files carries"
            );
        }
        // Streams must leave connections for requests.
        Ok(Self {
            connections,
            forwarded: connections,
            streams: http.max_streams.min(connections / 2),
        })
    }
}

/// How many files this process has open; many, if that is not known.
pub fn open_now() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(64, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    fn settings(file: &[(&str, &str)]) -> Settings {
        let variables = file.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables = variables.chain([("HOLDFAST_HTTP__WORKERS".to_owned(), "1".to_owned())]);
        Config::load(None, variables, Flags::default()).unwrap().settings
    }

    #[test]
    fn connections_stay_below_the_limit_of_open_files() {
        let few = settings(&[("HOLDFAST_HTTP__MAX_CONNECTIONS", "100000")]);
        let peers = settings(&[
            ("HOLDFAST_PEERS__BOOKRENT__BOOK", "http://book:8088"),
            ("HOLDFAST_NODE__CREDENTIAL", "0123456789abcdef"),
            ("HOLDFAST_AMQP__URL", "amqp://localhost"),
        ]);
        for limit in (200..4000).chain([20_000, 1 << 20, u64::MAX]) {
            for settings in [&settings(&[]), &few, &peers] {
                let Ok(room) = ConnectionBudget::from_limit(settings, limit, 40) else { continue };
                let is_passed_on = if settings.peers.is_empty() {
                    0
                } else {
                    room.forwarded + reserve_for_asks(limit)
                };
                let all = room.connections + connection_headroom(room.connections) + is_passed_on;
                assert!(all as u64 + 40 + 40 + 16 <= limit, "{limit}: {room:?}");
                assert!(
                    room.connections >= MIN_CONNECTIONS && room.streams <= room.connections / 2
                );
            }
        }
        assert!(
            ConnectionBudget::from_limit(&few, 100, 40).unwrap_err().to_string().contains("ulimit")
        );
        assert_eq!(
            ConnectionBudget::from_limit(&settings(&[]), 1 << 20, 40).unwrap().connections,
            MAX_CONNECTIONS
        );
        assert_eq!(ConnectionBudget::from_limit(&settings(&[]), 1 << 20, 40).unwrap().streams, 256);
        assert!(ConnectionBudget::from_limit(&settings(&[]), 256, 60).unwrap().connections >= 64);
    }
}
