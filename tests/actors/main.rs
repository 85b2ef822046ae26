//! The runtime, on a store in memory: sagas run, answers come, crashes and conflicts change nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod asking;
mod bench;
mod counting;
mod damage;
mod ebook_goes_wrong;
mod gaps;
mod gbike_goes_wrong;
mod growth;
mod guardian;
mod kiosk;
mod kiosk_works;
mod lockers;
mod movie_goes_wrong;
mod movie_waits;
mod old_rows;
mod protection;
mod purifier_goes_wrong;
mod records;
mod repeats;
mod sagas;
mod sagas_go_wrong;
mod steps;
mod tables;
mod ticketing_goes_wrong;
mod timers;
mod upgrades;
mod versions;
