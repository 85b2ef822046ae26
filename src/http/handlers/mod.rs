//! What answers a request, a file for each resource.

pub mod admin;
pub mod audit;
pub mod body;
pub mod collections;
pub mod documents;
pub mod event_cursor;
pub mod event_filter;
pub mod event_reader;
pub mod event_stream;
pub mod events;
pub mod forward;
pub mod health;
pub mod internal;
pub mod keys;
pub mod list;
pub mod log_reader;
pub mod metrics;
pub mod node_reports;
pub mod parked;
pub mod parked_anywhere;
pub mod problems;
pub mod query;
pub mod root;
pub mod saga_parts;
pub mod sagas;
pub mod swagger_ui;
