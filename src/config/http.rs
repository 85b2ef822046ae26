//! What is configured of how the server speaks HTTP.

use super::settings::{Wrong, require, within};
use crate::actors::ListLimits;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// How the server speaks HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Http {
    pub listen: SocketAddr,
    /// A listener for probes alone, with a thread and descriptors of its own; without an address there is none.
    pub probes: Option<SocketAddr>,
    pub workers: usize,
    /// How many connections may be open; without a number, as many as the limit of open files carries.
    pub max_connections: Option<usize>,
    pub max_streams: usize,
    /// How many megabytes of answers may wait for clients that do not read.
    pub unsent_mb: usize,
    pub uri_limit: usize,
    pub header_limit: usize,
    pub body_limit: usize,
    pub json_depth: usize,
    pub header_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub cors_origins: Vec<String>,
    pub drain_delay_ms: u64,
    pub drain_timeout_ms: u64,
    pub trusted_proxies: Vec<IpAddr>,
    pub max_filters: usize,
    pub max_scan_rows: usize,
    pub scans: usize,
    pub scans_waiting: usize,
}

impl Default for Http {
    fn default() -> Self {
        let lists = ListLimits::default();
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8088)),
            probes: None,
            workers: std::thread::available_parallelism()
                .map_or(1, |cores| (cores.get() / 2).max(1)),
            max_connections: None,
            max_streams: 256,
            unsent_mb: 64,
            uri_limit: 8 * 1024,
            header_limit: 32 * 1024,
            body_limit: 64 * 1024,
            json_depth: 32,
            header_timeout_ms: 5000,
            body_timeout_ms: 5000,
            write_timeout_ms: 8000,
            cors_origins: Vec::new(),
            drain_delay_ms: 0,
            drain_timeout_ms: 30_000,
            trusted_proxies: Vec::new(),
            max_filters: lists.filters,
            max_scan_rows: lists.rows,
            scans: std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1)),
            scans_waiting: 64,
        }
    }
}

impl Http {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        within("http.workers", self.workers as u64, 1, 1024)?;
        within(
            "http.max_connections",
            self.max_connections.map_or(1, |most| most as u64),
            1,
            1 << 20,
        )?;
        within("http.max_streams", self.max_streams as u64, 0, 1 << 20)?;
        within("http.unsent_mb", self.unsent_mb as u64, 1, 1 << 20)?;
        // Below, a head of more than 128 KiB is not read to its end.
        within("http.header_limit", self.header_limit as u64, 1024, 128 << 10)?;
        within("http.uri_limit", self.uri_limit as u64, 256, self.header_limit as u64)?;
        within("http.body_limit", self.body_limit as u64, 1, 16 << 20)?;
        within("http.json_depth", self.json_depth as u64, 1, 128)?;
        within("http.header_timeout_ms", self.header_timeout_ms, 1, 600_000)?;
        within("http.body_timeout_ms", self.body_timeout_ms, 1, 600_000)?;
        within("http.write_timeout_ms", self.write_timeout_ms, 1, 600_000)?;
        within("http.drain_delay_ms", self.drain_delay_ms, 0, 600_000)?;
        within("http.drain_timeout_ms", self.drain_timeout_ms, 0, 600_000)?;
        within("http.max_filters", self.max_filters as u64, 1, 64)?;
        within("http.max_scan_rows", self.max_scan_rows as u64, 1000, 10_000_000)?;
        within("http.scans", self.scans as u64, 1, 1024)?;
        within("http.scans_waiting", self.scans_waiting as u64, 0, 1 << 20)?;
        for origin in &self.cors_origins {
            let fine =
                origin == "*" || origin.starts_with("http://") || origin.starts_with("https://");
            require(fine, "http.cors_origins", || {
                format!("`{origin}` is no origin, such as `https://shop.example`")
            })?;
        }
        let (listen, taken) = (
            self.listen,
            self.probes.filter(|probes| *probes == self.listen && probes.port() != 0),
        );
        require(taken.is_none(), "http.probes", || {
            format!("{listen} is the address of everything else")
        })
    }
}
