//! The addresses that a server listens on.

use crate::{app::failure::Failure, config::Settings, http::Listeners};
use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

/// The send buffer of a connection, in bytes. The kernel doubles it for its own needs.
const SEND_BUFFER: usize = 128 * 1024;

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
}

/// Binds all addresses of the configuration.
///
/// # Errors
/// [`Failure::Failed`] if one cannot be bound, with what to do.
pub fn bind_listeners(settings: &Settings) -> Result<Listening, Failure> {
    let address = settings.http.listen;
    let all =
        take_address(address, "", &format!("choose another with --listen {}:PORT", address.ip()))?;
    let contexts = settings.compat_ports().into_iter().map(|(context, port)| {
        let whose = format!(", the port of {context},");
        let way_out = "move all of these ports with `compat.first_port`, or do without them: `compat.ports = false`";
        Ok((context, take_address(SocketAddr::new(address.ip(), port), &whose, way_out)?))
    });
    let contexts = contexts.collect::<Result<_, Failure>>()?;
    let way_out = "choose another with `http.probes`, or do without it";
    let probes = settings
        .http
        .probes
        .map(|address| take_address(address, ", for probes,", way_out))
        .transpose()?;
    let way_out = "choose another with `ops.listen`, or do without it";
    let ops = settings.ops.listen;
    let ops = ops.map(|address| take_address(address, ", for operators,", way_out)).transpose()?;
    let local_address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_err(|why| Failure::Failed(format!("an address cannot be determined: {why}")))
    };
    let address = local_address(&all)?;
    let asked_at = probes.as_ref().map(local_address).transpose()?;
    let operated_at = ops.as_ref().map(local_address).transpose()?;
    Ok(Listening {
        listeners: Listeners { main: all, contexts, probes, ops },
        address,
        probes: asked_at,
        ops: operated_at,
    })
}

fn take_address(address: SocketAddr, whose: &str, way_out: &str) -> Result<TcpListener, Failure> {
    let failed = |why: std::io::Error| {
        Failure::Failed(match why.kind() {
            ErrorKind::AddrInUse => {
                format!("{address}{whose} is taken: stop what listens there, or {way_out}")
            }
            ErrorKind::PermissionDenied => {
                format!(
                    "{address}{whose} may not be listened on by this user, who has the ports from 1024 on: {way_out}"
                )
            }
            _ => format!("cannot listen on {address}{whose}: {why}; {way_out}"),
        })
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    // Accepted connections inherit it. Without it the kernel buffers megabytes for a client that does not read.
    if let Err(why) = rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER) {
        tracing::warn!(error = %why, "failed to set the send buffer of connections");
    }
    Ok(listener)
}
