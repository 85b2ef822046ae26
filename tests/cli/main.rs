//! The command line, the files that are delivered, and the shape of the sources.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commands;
mod consumers;
mod deployment;
mod doctor;
mod documents;
mod examples;
mod imports;
mod kubernetes;
mod lab;
mod languages;
mod monitoring;
mod names_in_documents;
mod new_system;
mod output;
mod refusal_codes;
mod refusals;
mod repeatable;
mod rooms;
mod tidy;
mod wording;
