//! What is on disk: the store's contract, kills, damaged copies, full disks, and what earlier releases left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod adapters;
mod backups;
mod contract;
mod crash;
mod damaged_copies;
mod full_disk;
mod kill;
mod memory;
mod permissions;
mod release;
mod runs;
mod sled;
