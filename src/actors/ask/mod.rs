//! Asking another context: whom, behind which guard, and for how long.

pub mod breaker;
pub mod directory;
pub mod guard;
pub mod over_network;
