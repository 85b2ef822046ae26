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
        let _ = std::io::stderr().write_all(write_banner(config, address, ops).as_bytes());
    }
    let probes = probes.map(|probes| format!("probes on http://{probes}\n")).unwrap_or_default();
    let scheme = config.settings.http.scheme();
    let ops = ops.map(|ops| format!("operations on {scheme}://{ops}\n")).unwrap_or_default();
    print_text(&format!("{probes}{ops}listening on {scheme}://{address}\n"))
}

/// The banner of a server that listens on `address`, and on `ops` for operators.
pub fn write_banner(config: &Config, address: SocketAddr, ops: Option<SocketAddr>) -> String {
    let settings = &config.settings;
    let reach = if address.ip().is_loopback() { "loopback only" } else { "REACHABLE FROM OUTSIDE" };
    let scheme = settings.http.scheme();
    let systems = settings.enabled_systems();
    let metrics = ops.unwrap_or(address);
    let mut banner = format!(
        "  Holdfast {}            {}, {reach}\n  API docs  {scheme}://{address}/docs/\n  \
         Metrics   {scheme}://{metrics}/metrics\n  Data      {} (kept)\n  Systems   {}\n",
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
        banner.push_str(&format!("  Try       {}\n", first_command(settings, address)));
    }
    banner
}

/// A command for a terminal that does something; where authentication is not open, with the key that it needs.
fn first_command(settings: &Settings, address: SocketAddr) -> String {
    let client = settings.http.scheme();
    let host = if address.ip().is_loopback() { String::new() } else { address.ip().to_string() };
    let port = address.port();
    let key = match settings.auth.mode {
        AuthMode::Open => "",
        AuthMode::Token => "-A bearer -a KEY ",
    };
    let command =
        format!("{client} {key}POST {host}:{port}/bookrent/books title=title01 status=true");
    match settings.auth.mode {
        AuthMode::Open => command,
        AuthMode::Token => {
            let dir = settings.store.dir.display();
            format!(
                "{command}\n            KEY while the server is stopped: holdfast key add --name root --role admin --days 365 --data {dir}"
            )
        }
    }
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
