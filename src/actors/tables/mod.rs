//! What stands in a context's tree: a file a key space, the transaction that writes them, and the queries that read them.

pub mod audit;
#[cfg(test)]
pub mod counting;
pub mod gaps;
pub mod history;
pub mod indexes;
pub mod log;
pub mod query;
pub mod rebuild;
pub mod records;
pub mod sagas;
pub mod transaction;
