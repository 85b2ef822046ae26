//! The HTTP server: REST for every context, events, health, metrics and administration.

mod call;
mod document;
mod drain;
mod forwarded;
mod forwarded_headers;
mod forwarder;
mod handlers;
mod host_list;
mod inner;
mod leader;
mod metrics;
mod middleware;
mod nodes;
pub mod openapi;
mod outage;
mod probes;
mod read_pool;
mod response;
mod route;
mod router;
mod routes;
mod server;
mod settings;
mod standby;
mod state;
mod stream_permits;
#[cfg(test)]
mod tests;
mod workers;

pub use drain::{Drain, IdleConnections, MAIN_PORT, OPS_PORT, PassedConnection};
pub use host_list::HostList;
pub use leader::{Leader, Standby};
pub(crate) use metrics::table::{BUILD, METRICS, REQUEST_DURATION};
pub(crate) use openapi::operations::Deployment;
pub(crate) use routes::ROUTES;
pub use server::{Listeners, serve_http};
pub use settings::{HttpSettings, MAX_CONNECTIONS, RemoteTarget, connection_headroom};
