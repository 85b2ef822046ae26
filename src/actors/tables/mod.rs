//! What is in a context's tree: a file a key space, the transaction that writes them, and the queries that read them.

pub mod answers;
pub mod audit;
pub mod claims;
pub mod clipping;
pub mod counters;
#[cfg(test)]
pub mod counting;
pub mod expiry;
pub mod gaps;
pub mod history;
pub mod indexes;
pub mod key_pages;
pub mod log;
pub mod node_tree;
pub mod owed;
pub mod parked;
pub mod query;
pub mod questions;
pub mod rebuild;
pub mod responses;
pub mod sagas;
pub mod states;
#[cfg(test)]
mod stored_bytes;
pub mod timers;
pub mod transaction;
pub mod tree;
pub mod version;
