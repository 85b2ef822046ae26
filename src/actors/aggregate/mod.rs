//! A context that decides: its messages, the turn that handles them, and what follows from it.

pub mod answers;
pub mod asks;
pub mod behavior;
pub mod claims;
pub mod expiry;
pub mod handle;
pub mod intake;
pub mod message;
pub mod progress;
pub mod recording;
pub mod responses;
pub mod timers;
pub mod turn;
