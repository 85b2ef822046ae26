//! What answers, a file for each resource.

pub mod admin;
pub mod body;
pub mod collections;
pub mod documents;
pub mod event_cursor;
pub mod event_reader;
pub mod events;
pub mod forward;
pub mod internal;
pub mod list;
pub mod metrics;
pub mod operations;
pub mod parked;
pub mod sagas;
