//! The actor of a context: its mailbox, its turns, its status, and when it is restarted.

pub mod behavior;
pub mod context_actor;
pub mod handle;
pub mod mailbox;
pub mod restart_policy;
