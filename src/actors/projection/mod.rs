//! A context that only reads events: a view.

pub mod behavior;
pub mod handle;
