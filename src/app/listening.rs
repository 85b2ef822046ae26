//! The addresses that a server listens on.

use super::{failure::Failure, passed_sockets::PassedSockets};
use crate::{
    config::Settings,
    http::{Listeners, MAIN_PORT, OPS_PORT},
};
use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
};

/// The send buffer of a connection, in bytes. The kernel doubles it for its own needs.
const SEND_BUFFER: usize = 128 * 1024;
/// How many connections wait to be accepted, as when one process hands over to the next; the kernel may allow fewer.
const BACKLOG: i32 = 4096;
/// What the listener for probes is called where its socket is passed on.
const PROBES_PORT: &str = "probes";

/// Addresses that are bound, and not served yet.
#[derive(Debug)]
pub struct Listening {
    /// The listeners.
    pub listeners: Listeners,
    /// The address of the main listener, with the port that was chosen for 0.
    pub address: SocketAddr,
    /// The address of the probe listener, if there is one.
    pub probes: Option<SocketAddr>,
    /// The address of the listener for operators, if there is one.
    pub ops: Option<SocketAddr>,
    /// Whether another process has them too, so that what comes when this one stops waits for the next one.
    pub are_shared: bool,
}

impl Listening {
    /// All listening sockets by name, for the next process; this one keeps them.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn named_sockets(&self) -> io::Result<Vec<(String, TcpListener)>> {
        let Listeners { main, contexts, probes, ops, .. } = &self.listeners;
        let named = contexts.iter().map(|(context, socket)| (*context, socket));
        let named = named.chain(probes.as_ref().map(|socket| (PROBES_PORT, socket)));
        let named = named.chain(ops.as_ref().map(|socket| (OPS_PORT, socket)));
        let named = std::iter::once((MAIN_PORT, main)).chain(named);
        named.map(|(name, socket)| Ok((name.to_owned(), socket.try_clone()?))).collect()
    }
}

/// Binds all addresses of the configuration that no socket was passed for.
///
/// # Errors
/// [`Failure::Failed`] if one cannot be bound, with what to do; [`Failure::Config`] if a socket was passed for none of them.
pub fn bind_listeners(
    settings: &Settings,
    mut passed: PassedSockets,
) -> Result<Listening, Failure> {
    let are_shared = !passed.is_empty();
    // Before any is bound: a socket for a wider address would only be in the way of the right one.
    passed.refuse_others(&settings.own_addresses())?;
    let mut take_address = |port: &str, address: SocketAddr, whose: &str, way_out: &str| {
        let passed = passed.take_socket(port, address).map(Ok);
        let socket = passed.unwrap_or_else(|| bind_address(address));
        socket
            .and_then(prepare_socket)
            .map_err(|why| describe_failure(&why, address, whose, way_out))
    };
    let address = settings.http.listen;
    let all = take_address(
        MAIN_PORT,
        address,
        "",
        &format!("choose another with --listen {}:PORT", address.ip()),
    )?;
    let contexts = settings.compat_ports().into_iter().map(|(context, port)| {
        let whose = format!(", the port of {context},");
        let way_out = "move all of these ports with `compat.first_port`, or do without them: `compat.ports = false`";
        Ok((context, take_address(context, SocketAddr::new(address.ip(), port), &whose, way_out)?))
    });
    let contexts = contexts.collect::<Result<_, Failure>>()?;
    let way_out = "choose another with `http.probes`, or do without it";
    let probes = settings
        .http
        .probes
        .map(|address| take_address(PROBES_PORT, address, ", for probes,", way_out))
        .transpose()?;
    let way_out = "choose another with `ops.listen`, or do without it";
    let ops = settings.ops.listen;
    let ops = ops
        .map(|address| take_address(OPS_PORT, address, ", for operators,", way_out))
        .transpose()?;
    passed.refuse_others(&[])?;
    let local_address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_err(|why| Failure::Failed(format!("an address cannot be determined: {why}")))
    };
    let address = local_address(&all)?;
    let asked_at = probes.as_ref().map(local_address).transpose()?;
    let operated_at = ops.as_ref().map(local_address).transpose()?;
    Ok(Listening {
        listeners: Listeners { main: all, contexts, probes, ops, connections: Vec::new() },
        address,
        probes: asked_at,
        ops: operated_at,
        are_shared,
    })
}

fn bind_address(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn prepare_socket(listener: TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    // Accepted connections inherit it. Without it the kernel buffers megabytes for a client that does not read.
    if let Err(why) = rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER) {
        tracing::warn!(error = %why, "failed to set the send buffer of connections");
    }
    Ok(listener)
}

fn describe_failure(why: &io::Error, address: SocketAddr, whose: &str, way_out: &str) -> Failure {
    Failure::Failed(match why.kind() {
        ErrorKind::AddrInUse => {
            format!("{address}{whose} is taken: stop what listens there, or {way_out}")
        }
        ErrorKind::PermissionDenied => format!(
            "{address}{whose} may not be listened on by this user, who has the ports from 1024 on: {way_out}"
        ),
        _ => format!("cannot listen on {address}{whose}: {why}; {way_out}"),
    })
}
