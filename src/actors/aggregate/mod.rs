//! Aggregate contexts: their messages, the turn that handles them, and what follows from it.

mod answers;
mod asks;
mod behavior;
mod claims;
pub mod context;
mod decide;
pub mod enter;
mod expire;
mod expiry;
pub mod handle;
mod intake;
pub mod message;
mod output;
mod policies;
mod progress;
pub mod prospects;
mod recording;
mod responses;
mod run_timers;
mod settling;
mod timers;
mod turn;
