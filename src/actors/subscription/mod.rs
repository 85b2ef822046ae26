//! Events of other contexts on their way in: their sources, how far each is read, and what is parked.

pub mod parking;
pub mod progress;
pub mod source;
pub mod source_log;
pub mod subscriptions;
