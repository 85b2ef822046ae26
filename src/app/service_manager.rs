//! Notifies the manager of services, where it asks for that (`Type=notify`).

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{ffi::OsStrExt, net::SocketAddr, net::UnixDatagram},
    },
};

/// The server accepts connections.
pub const READY: &str = "READY=1";
/// The server stops.
pub const STOPPING: &str = "STOPPING=1";

/// Notifies the manager of services that the server is in that state, if one has started this process and asks for it.
pub fn notify_service_manager(state: &str) {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send_state(address.as_bytes(), state) {
        tracing::warn!(%error, state, "failed to notify the manager of services");
    }
}

fn send_state(address: &[u8], state: &str) -> io::Result<()> {
    // A name that begins with `@` is in no file system.
    let address = match address.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(address))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}
