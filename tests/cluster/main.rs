//! Several nodes that are one server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod gateway;
mod histories;
mod keys;
mod moved_peer;
mod nodes;
mod sagas;
mod script;
mod tls;
mod transcripts;
mod zero_downtime;
