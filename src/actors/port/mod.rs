//! What other rooms see of the runtime: contexts and nodes without their types, and the values that go with them.

pub mod backoff;
pub mod clock;
pub mod context;
pub mod fault;
pub mod health;
