//! The server over HTTP: its conventions, what it refuses, what it bears, and what operators see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod backups;
mod bad_input;
mod beyond_loopback;
mod bodies;
mod context_ports;
mod conventions;
mod event_filters;
mod events;
mod keys;
mod languages;
mod lifecycle;
mod limits;
mod live;
mod openapi;
mod operations;
mod ops_port;
mod outcomes;
mod personal;
mod problem_pages;
mod process;
mod races;
mod representations;
mod saga_list;
mod sessions;
mod shutdown;
mod strangers;
mod subjects;
mod tls;
mod tokens;
mod zero_downtime;
