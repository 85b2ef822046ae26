//! What other rooms see of the runtime: contexts and nodes without their types, and the values that go with them.

pub mod admission;
pub mod backoff;
pub mod changes;
pub mod clock;
pub mod context;
pub mod declaration;
pub mod dispute;
pub mod event_log;
pub mod fault;
pub mod health;
pub mod history;
pub mod machine;
pub mod message;
pub mod network;
pub mod owed;
pub mod peers;
pub mod prospect;
pub mod reads;
pub mod replica;
pub mod retention;
pub mod safeguard;
pub mod saga;
pub mod sink;
pub mod status;
