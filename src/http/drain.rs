//! How a server stops, and what it leaves to the process that comes after it.

use std::{
    net::TcpStream,
    sync::{Arc, Mutex},
};

/// What the main port is called where its socket and its connections are passed on.
pub const MAIN_PORT: &str = "main";
/// What the port for operators is called there.
pub const OPS_PORT: &str = "ops";

/// A connection on which no request is under way, and the name of the port where it was accepted.
#[derive(Debug)]
pub struct PassedConnection {
    /// `main`, `ops`, or the name of a context.
    pub port: String,
    /// The connection.
    pub stream: TcpStream,
}

/// Where a server that hands over leaves its idle connections.
pub type IdleConnections = Arc<Mutex<Vec<PassedConnection>>>;

/// How a server stops.
#[derive(Debug)]
pub enum Drain {
    /// First it goes on accepting for `drain_delay`, not ready: what balances between servers has to see it.
    Announced,
    /// It accepts no more at once: another process, or the manager of services, has its listeners too, and what comes
    /// meanwhile waits there.
    Shared,
    /// The same, and the other process gets the connections that are idle.
    HandedOver(IdleConnections),
}
