//! The store in PostgreSQL: its contract, what a server on it promises, and what happens when one of the two is killed.
//! The tests start a server of Debian's packages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod adapter;
#[path = "../store/contract.rs"]
mod contract;
mod faults;
mod refused;
mod servers;
mod standby;
