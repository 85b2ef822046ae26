//! Events on their way out of the node: logs, and the sinks that take from them.

pub mod event_log;
pub mod message_queue;
pub mod pump;
pub mod refused_messages;
mod telephones;
