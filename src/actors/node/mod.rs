//! A node: its contexts are built, started and watched here.

pub mod accept_history;
pub mod builder;
pub mod declarations;
pub mod declared;
pub mod local_node;
mod saved_clock;
pub mod settings;
pub mod watchdog;
