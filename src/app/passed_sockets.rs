//! Listening sockets that another process has opened, and passed to this one: the manager of services.

use super::failure::Failure;
use crate::config::ConfigProblem;
use listenfd::ListenFd;
use std::net::{SocketAddr, TcpListener};

/// Listening sockets that were passed to this process.
#[derive(Debug, Default)]
pub struct PassedSockets {
    sockets: Vec<PassedSocket>,
}

/// A socket, and the port that it had in the process that passed it, if that says so.
#[derive(Debug)]
struct PassedSocket {
    port: Option<String>,
    socket: TcpListener,
}

impl PassedSocket {
    /// Whether it is reachable from nowhere else than `address`, whose number may be open.
    fn is_within(&self, address: SocketAddr) -> bool {
        self.socket.local_addr().is_ok_and(|local| {
            let is_same = address.port() == 0 || local.port() == address.port();
            is_same && (address.ip().is_unspecified() || local.ip() == address.ip())
        })
    }
}

impl From<Vec<TcpListener>> for PassedSockets {
    fn from(sockets: Vec<TcpListener>) -> Self {
        let sockets = sockets.into_iter().map(|socket| PassedSocket { port: None, socket });
        Self { sockets: sockets.collect() }
    }
}

impl From<Vec<(String, TcpListener)>> for PassedSockets {
    fn from(sockets: Vec<(String, TcpListener)>) -> Self {
        let sockets = sockets.into_iter();
        let sockets = sockets.map(|(port, socket)| PassedSocket { port: Some(port), socket });
        Self { sockets: sockets.collect() }
    }
}

impl PassedSockets {
    /// Those that the manager of services names in `LISTEN_FDS`, if it has started this process.
    ///
    /// # Errors
    /// [`Failure::Config`] if one of them listens to something else than TCP.
    pub fn from_service_manager() -> Result<Self, Failure> {
        let mut passed = ListenFd::from_env();
        let mut sockets: Vec<TcpListener> = Vec::new();
        for place in 0..passed.len() {
            let socket = passed.take_tcp_listener(place).map_err(|why| {
                let unit = "name addresses of TCP in the unit of the socket (`ListenStream=`)";
                ConfigProblem(format!("socket {place} of LISTEN_FDS cannot be used: {why}; {unit}"))
            })?;
            sockets.extend(socket);
        }
        Ok(sockets.into())
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// The socket for `port` at `address`, reachable from nowhere else. If the settings leave the number open, it is the one that
    /// the port had.
    pub fn take_socket(&mut self, port: &str, address: SocketAddr) -> Option<TcpListener> {
        let is_right = |passed: &PassedSocket| {
            let is_same = passed.port.as_deref() == Some(port);
            passed.is_within(address) && (address.port() != 0 || is_same)
        };
        let place = self.sockets.iter().position(is_right)?;
        Some(self.sockets.swap_remove(place).socket)
    }

    /// Refuses sockets of the manager of services that are for none of these addresses of the settings. Those of the process
    /// before this one may be left over.
    ///
    /// # Errors
    /// [`Failure::Config`], which names the first of them.
    pub fn refuse_others(&self, addresses: &[SocketAddr]) -> Result<(), Failure> {
        let is_wanted = |passed: &PassedSocket| {
            let fits = |address: &SocketAddr| address.port() != 0 && passed.is_within(*address);
            passed.port.is_some() || addresses.iter().any(fits)
        };
        let mut left = self.sockets.iter().filter(|passed| !is_wanted(passed));
        let Some(PassedSocket { socket: left, .. }) = left.next() else { return Ok(()) };
        let address = left.local_addr().map_or_else(|why| why.to_string(), |at| at.to_string());
        Err(ConfigProblem(format!(
            "the socket that was passed for {address} is for none of the settings; make `http.listen`, `http.probes` or \
             `ops.listen` that address, or take it out of the unit of the socket"
        ))
        .into())
    }
}
