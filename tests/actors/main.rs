//! The runtime, on a store in memory: sagas run, answers come, crashes and conflicts change nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use holdfast::domain;

/// The example, which knows the crate's `domain` only.
#[path = "../../examples/seventh_system/carshare/mod.rs"]
#[allow(dead_code)]
mod carshare;

mod answers;
mod asks;
mod bench;
mod bookrent_failures;
mod causes;
mod counting_store;
mod damage;
mod ebook_failures;
mod event_source;
mod event_versions;
mod every_system_failures;
mod gbike_failures;
mod growth;
mod guards;
mod idempotency;
mod lost_questions;
mod lost_rows;
mod movie_failures;
mod movie_open_asks;
mod old_rows;
mod outflows;
mod owed;
mod owners;
mod purifier_failures;
mod records;
mod sagas;
mod step_failures;
mod tables;
mod test_system;
mod test_system_behavior;
mod ticketing_failures;
mod timers;
mod unique_keys;
mod unpublished;
mod upgrades;
mod versioned_system;
mod versions;
mod watchdog;
