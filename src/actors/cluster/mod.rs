//! Contexts of other nodes: asking them, keeping replicas of their logs, and what could not be taken from outside.

pub mod dead_letters;
pub mod known_pasts;
mod read_event;
pub mod remote_context;
pub mod replica;
pub mod requests;
