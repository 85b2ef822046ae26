//! The composition root: settings become parts, and the parts a running server.

mod banner;
mod broker;
mod clock;
mod connection_budget;
mod documents;
mod failure;
mod hand_over;
mod lifecycle;
mod listening;
mod node_identity;
mod open_store;
mod outbound;
mod passed_sockets;
mod run;
mod server;
mod service_manager;
mod settings;
mod signals;
mod standby;
#[cfg(test)]
mod tests;
mod ways_in;

pub use banner::{announce_server, write_banner};
pub use clock::machine_now;
pub use documents::{api_document, async_document};
pub use failure::{Failure, print_text};
pub use listening::{Listening, bind_listeners};
pub use node_identity::check_own_key;
pub(crate) use open_store::{OpenedStore, examine_database, open_store};
pub use passed_sockets::PassedSockets;
pub use run::run_server;
pub use server::serve_system;
pub(crate) use settings::store_options;
pub use signals::stop_signal;
