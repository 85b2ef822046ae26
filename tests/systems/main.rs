//! The six systems over HTTP as their customers see them, what they store, and one from outside the crate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bookrent;
mod catalogue;
mod early_values;
mod ebook;
mod gbike;
mod golden;
mod movie;
mod owners;
mod purifier;
mod seventh_system;
mod texts;
mod ticketing;
mod transcripts;
