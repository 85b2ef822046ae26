//! Several nodes that are one server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod gateway;
mod histories;
mod keys;
mod moved_peer;
mod node_lines;
mod nodes;
mod sagas;
mod script;
mod sessions;
mod tls;
mod transcripts;
mod zero_downtime;
