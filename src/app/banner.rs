//! What is printed when the server accepts connections.

use super::failure::{Failure, print_text};
use crate::config::{AuthMode, Config, Settings};
use std::{
    io::{IsTerminal, Write},
    net::SocketAddr,
};

/// Prints the address on stdout, in one line for programs, and on a terminal a banner on stderr.
///
/// # Errors
/// [`Failure::Failed`] when stdout cannot be written.
pub fn announce_server(
    config: &Config,
    address: SocketAddr,
    probes: Option<SocketAddr>,
    ops: Option<SocketAddr>,
) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        let _ = std::io::stderr().write_all(write_banner(config, address).as_bytes());
    }
    let probes = probes.map(|probes| format!("probes on http://{probes}\n")).unwrap_or_default();
    let scheme = config.settings.http.scheme();
    let ops = ops.map(|ops| format!("operations on {scheme}://{ops}\n")).unwrap_or_default();
    print_text(&format!("{probes}{ops}listening on {scheme}://{address}\n"))
}

/// The banner of a server that listens on `address`.
pub fn write_banner(config: &Config, address: SocketAddr) -> String {
    let settings = &config.settings;
    let reach = if address.ip().is_loopback() { "loopback only" } else { "REACHABLE FROM OUTSIDE" };
    let scheme = settings.http.scheme();
    let systems = settings.enabled_systems();
    let mut banner = format!(
        "  Holdfast {}            {}, {reach}\n  API docs  {scheme}://{address}/docs/\n  \
         Metrics   {scheme}://{address}/metrics\n  Data      {} (kept)\n  Systems   {}\n",
        env!("CARGO_PKG_VERSION"),
        describe_authentication(settings),
        settings.store.dir.display(),
        systems.join(" "),
    );
    let ports = settings.compat_ports();
    if !ports.is_empty() {
        let ports: Vec<_> =
            ports.into_iter().map(|(context, port)| format!("{context} :{port}")).collect();
        banner.push_str(&format!("  Ports     {}\n", ports.join("  ")));
    }
    if systems.contains(&"bookrent") {
        banner.push_str(&format!(
            "  Try       http POST :{}/bookrent/books title=title01 status=true\n",
            address.port()
        ));
    }
    banner
}

/// How callers authenticate, in a few words.
fn describe_authentication(settings: &Settings) -> String {
    match (settings.auth.mode, settings.auth.issuers.as_slice()) {
        (AuthMode::Open, _) => "DEVELOPMENT: authentication is open".to_owned(),
        (AuthMode::Token, []) => "authentication by API keys alone: there is no issuer".to_owned(),
        (AuthMode::Token, issuers) => {
            let urls: Vec<_> = issuers.iter().map(|issuer| issuer.url.as_str()).collect();
            format!("authentication by tokens of {}", urls.join(" "))
        }
    }
}
