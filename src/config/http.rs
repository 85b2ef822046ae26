//! `[http]`: the HTTP server.

use super::{
    check::{Invalid, require_setting},
    tls::HttpTls,
    url::{is_origin, wrong_public_url},
};
use crate::actors::ListLimits;
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address to listen on (flag `--listen`).
    #[schemars(extend("x-expected" = "an address such as `127.0.0.1:8088`"))]
    pub listen: SocketAddr,
    /// Address such as `127.0.0.1:8089`, where probes are answered by a thread and descriptors of their own, however busy
    /// the main listener is.
    #[schemars(extend("x-expected" = "an address such as `127.0.0.1:8089`"))]
    pub probes: Option<SocketAddr>,
    /// `[http.tls]`
    pub tls: HttpTls,
    /// Threads that serve connections.
    #[schemars(range(min = 1, max = 1024))]
    #[schemars(extend("x-default" = "half the cores"))]
    pub workers: usize,
    /// Open connections. At the limit the connection that has been idle for longest is closed for a new one; if all are
    /// busy, the new one gets 503.
    #[schemars(range(min = 1, max = 1 << 20))]
    #[schemars(extend("x-default" = "what the limit of open files allows, at most `4096`"))]
    pub max_connections: Option<usize>,
    /// Open event streams, at most half of the connections; 503 beyond.
    #[schemars(range(min = 0, max = 1 << 20))]
    pub max_streams: usize,
    /// Open event streams of one caller; 503 beyond. While authentication is open there is no such bound.
    #[schemars(range(min = 0, max = 1 << 20))]
    pub max_streams_of_caller: usize,
    /// Answers that wait for clients that do not read, all together; beyond, the slowest client is disconnected.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub unsent_mb: usize,
    /// Length of a request target; 414 beyond.
    #[schemars(range(min = 256, max = 128 << 10))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub uri_limit: usize,
    // The decoder below reads no head of more than 128 KiB to its end.
    /// Size of request line and headers; 431 beyond.
    #[schemars(range(min = 1024, max = 128 << 10))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub header_limit: usize,
    /// Size of a request body; 413 beyond.
    #[schemars(range(min = 1, max = 16 << 20))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub body_limit: usize,
    /// Nesting of a JSON body.
    #[schemars(range(min = 1, max = 128))]
    #[schemars(extend("x-unit" = "levels"))]
    pub json_depth: usize,
    /// How long the head of a request may take to arrive.
    #[schemars(range(min = 1, max = 600_000))]
    pub header_timeout_ms: u64,
    /// How long the body of a request may take to arrive.
    #[schemars(range(min = 1, max = 600_000))]
    pub body_timeout_ms: u64,
    /// How long an answer may wait for a client that does not read; each 16 KiB that it reads restart the time.
    #[schemars(range(min = 1, max = 600_000))]
    pub write_timeout_ms: u64,
    /// URL by which clients know the server, such as `https://rent.example/api`: it precedes the paths in links, in the types
    /// of problems and in the schemas of events.
    #[schemars(extend("x-default" = "the address that each client used; events name no schema", "x-expected" = "a URL such as `https://rent.example/api`"))]
    pub public_url: Option<String>,
    /// Origins whose scripts may read answers; `*`: any.
    #[schemars(extend(
        "x-default" = "any in development, else none",
        "x-expected" = "a list of origins such as `https://shop.example`, or `*`"
    ))]
    pub cors_origins: Vec<String>,
    /// How long the server goes on serving, not ready, after SIGTERM.
    #[schemars(range(min = 0, max = 600_000))]
    pub drain_delay_ms: u64,
    /// How long requests may take to finish after that.
    #[schemars(range(min = 0, max = 600_000))]
    pub drain_timeout_ms: u64,
    /// Addresses of proxies whose `Forwarded` headers are trusted.
    #[schemars(extend("x-expected" = "a list of IP addresses such as `10.0.0.1`"))]
    pub trusted_proxies: Vec<IpAddr>,
    /// Filters of one list.
    #[schemars(range(min = 1, max = 64))]
    pub max_filters: usize,
    /// Rows that one list reads to count, and again to find its page.
    #[schemars(range(min = 1000, max = 10_000_000))]
    pub max_scan_rows: usize,
    /// Long reads of lists and logs that run at once.
    #[schemars(range(min = 1, max = 1024))]
    #[schemars(extend("x-default" = "half the cores"))]
    pub scans: usize,
    /// Further reads that wait; 503 beyond.
    #[schemars(range(min = 0, max = 1 << 20))]
    pub scans_waiting: usize,
}

fn half_the_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

impl Default for Http {
    fn default() -> Self {
        let lists = ListLimits::default();
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8088)),
            probes: None,
            tls: HttpTls::default(),
            workers: half_the_cores(),
            max_connections: None,
            max_streams: 256,
            max_streams_of_caller: 16,
            unsent_mb: 64,
            uri_limit: 8 * 1024,
            header_limit: 32 * 1024,
            body_limit: 64 * 1024,
            json_depth: 32,
            header_timeout_ms: 5000,
            body_timeout_ms: 5000,
            write_timeout_ms: 8000,
            public_url: None,
            cors_origins: Vec::new(),
            drain_delay_ms: 0,
            drain_timeout_ms: 30_000,
            trusted_proxies: Vec::new(),
            max_filters: lists.filters,
            max_scan_rows: lists.rows,
            scans: half_the_cores(),
            scans_waiting: 64,
        }
    }
}

impl Http {
    /// `https` with a certificate, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.cert.is_some() { "https" } else { "http" }
    }

    /// The public URL in its normal form, without a slash at its end.
    pub fn public_url(&self) -> Option<String> {
        let url = self.public_url.as_ref()?.parse::<Url>().ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        self.tls.certificate()?;
        let longest = self.header_limit;
        require_setting(self.uri_limit <= longest, "http.uri_limit", || {
            format!(
                "`{}` is more than `http.header_limit` has room for, which is {longest}",
                self.uri_limit
            )
        })?;
        let wrong = self.public_url.as_deref().and_then(wrong_public_url);
        require_setting(wrong.is_none(), "http.public_url", || {
            let url = self.public_url.as_deref().unwrap_or_default();
            let wrong = wrong.unwrap_or_default();
            format!("`{url}` {wrong}; expected a URL such as `https://rent.example/api`")
        })?;
        for origin in &self.cors_origins {
            require_setting(origin == "*" || is_origin(origin), "http.cors_origins", || {
                format!(
                    "`{origin}` is not an origin as browsers write it, such as `https://shop.example`: without a path, and \
                     without the port 80 or 443"
                )
            })?;
        }
        Ok(())
    }
}
