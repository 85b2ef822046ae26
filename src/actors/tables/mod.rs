//! What stands in a context's tree: a file a key space, the transaction that writes them, and the queries that read them.

pub mod answers;
pub mod audit;
pub mod claims;
#[cfg(test)]
pub mod counting;
pub mod expiry;
pub mod gaps;
pub mod history;
pub mod indexes;
pub mod log;
pub mod query;
pub mod questions;
pub mod rebuild;
pub mod records;
pub mod responses;
pub mod sagas;
pub mod timers;
pub mod transaction;
pub mod tree;
