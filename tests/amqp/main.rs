//! Events and commands over a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bridge;
mod broker_cluster;
mod canaries;
mod commands;
mod events;
mod moved_broker;
mod ownership;
mod problems;
mod tls;
mod traces;
