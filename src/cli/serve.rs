//! `serve`: what stands around the server while it runs.

use super::{Failure, print};
use crate::{config::Config, domain::Timestamp};
use std::{
    io::{ErrorKind, IsTerminal, Write},
    net::{SocketAddr, TcpListener},
    time::SystemTime,
};

/// The machine's clock.
pub(super) fn machine_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// An address that is taken, and not yet served.
#[derive(Debug)]
pub struct Listening {
    /// To accept on.
    pub listener: TcpListener,
    /// Where; with the real port where 0 was asked for.
    pub address: SocketAddr,
}

/// Takes `address`.
///
/// # Errors
/// [`Failure::Failed`] says what to do.
pub fn bind(address: SocketAddr) -> Result<Listening, Failure> {
    let failed = |why: std::io::Error| match why.kind() {
        ErrorKind::AddrInUse => Failure::Failed(format!(
            "{address} is taken: stop what listens there, or choose another with --listen {}:PORT",
            address.ip()
        )),
        ErrorKind::PermissionDenied => Failure::Failed(format!(
            "{address} may not be listened on by this user: choose a port from 1024 on with --listen {}:PORT",
            address.ip()
        )),
        _ => Failure::Failed(format!("cannot listen on {address}: {why}; choose another address with --listen")),
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listening { listener, address })
}

/// Runs the server until it is told to stop. `ahead` is how far business time is ahead of the machine's, in
/// microseconds.
///
/// # Errors
/// [`Failure`] when it cannot start, or when what it stands on fails.
pub fn run(config: &Config, _ahead: i64) -> Result<(), Failure> {
    let listening = bind(config.settings.http.listen)?;
    drop(listening);
    Err(Failure::NotBuiltIn("the server"))
}

/// Says on stdout that `address` accepts, in one line for programs, and on a terminal more on stderr, for people.
///
/// # Errors
/// [`Failure::Failed`] when stdout cannot be written.
pub fn announce(config: &Config, address: SocketAddr) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        // Talk; nobody has to hear it.
        let _ = std::io::stderr().write_all(banner(config, address).as_bytes());
    }
    print(&format!("listening on http://{address}\n"))
}

/// The greeting of a server that listens on `address`.
pub fn banner(config: &Config, address: SocketAddr) -> String {
    let settings = &config.settings;
    let reach = if address.ip().is_loopback() { "loopback only" } else { "REACHABLE FROM OUTSIDE" };
    let systems = settings.enabled();
    let mut banner = format!(
        "  Holdfast {}            DEVELOPMENT: authentication is open, {reach}\n  API docs  http://{address}/docs/\n  \
         Metrics   http://{address}/metrics\n  Data      {} (kept)\n  Systems   {}\n",
        env!("CARGO_PKG_VERSION"),
        settings.store.dir.display(),
        systems.join(" "),
    );
    if systems.contains(&"bookrent") {
        banner
            .push_str(&format!("  Try       http POST :{}/bookrent/books title=title01 status=true\n", address.port()));
    }
    banner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        assert_ne!(taken.address.port(), 0);
        let why = bind(taken.address).unwrap_err().to_string();
        assert!(why.contains(&taken.address.to_string()) && why.contains("--listen"), "{why}");
    }

    #[test]
    fn the_banner_says_where_and_how_open() {
        let config = Config::load(None, [], Flags::default()).unwrap();
        let banner = banner(&config, SocketAddr::from(([127, 0, 0, 1], 8088)));
        for word in ["http://127.0.0.1:8088/docs/", "loopback only", "./holdfast-data", "bookrent"] {
            assert!(banner.contains(word), "{word} is missing in\n{banner}");
        }
    }
}
