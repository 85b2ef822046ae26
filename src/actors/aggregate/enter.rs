//! From the body of a request to a command.

use crate::actors::{erased::Command, port::fault::Fault, subscription::source::Recipient};

/// Turns a request body into a command for one of a context's aggregates; with its fingerprint, if that is wanted.
pub type Enter = Box<dyn Fn(serde_json::Value, bool) -> Result<Entered, Fault> + Send + Sync>;

/// What a request body has become.
pub struct Entered {
    pub target: Recipient,
    pub command: Command,
    /// The sum that tells the body from others.
    pub fingerprint: u64,
}
