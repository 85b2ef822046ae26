//! A context that only reads events: a view.

mod behavior;
pub mod handle;
mod turn;
pub mod view;
