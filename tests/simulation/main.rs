//! The systems under schedules and deliveries that a seed or a shuffle determines: their real actors in virtual time, and their
//! pure code alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use holdfast::domain;

mod catalogue;
mod deliveries;
mod shuffle;
mod simulator;
mod virtual_time;
