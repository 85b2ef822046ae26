//! A node: its contexts are built, started and watched here.

pub mod builder;
pub mod local_node;
pub mod settings;
pub mod watchdog;
