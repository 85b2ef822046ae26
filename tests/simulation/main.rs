//! The pure code of the systems under schedules and deliveries that a seed or a shuffle determines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use holdfast::domain;

mod catalogue;
mod deliveries;
mod runtime;
mod schedules;
mod shuffle;
mod simulator;
mod virtual_time;
