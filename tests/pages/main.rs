//! The pages, in a real browser and as plain requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accessible;
mod browser;
mod console;
mod customers;
mod pictures;
mod plain;
mod seventh;
mod staff;
