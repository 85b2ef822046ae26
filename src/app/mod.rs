//! The composition root: settings become parts, and the parts a running server.

mod broker;
mod connection_budget;
pub mod exit;
mod listening;
mod outbound;
mod server;

pub use listening::{Listening, bind};
pub use server::{
    announce, api_document, async_document, banner, machine_now, run, serve, told_to_stop,
};
