//! The metrics, declared in one table.

pub mod format;
pub mod process;
pub mod requests;
pub mod samples;
mod sampling;
pub mod snapshot;
pub mod table;
