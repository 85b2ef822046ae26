//! A log of another node that does not go on with what this node knows of it.
use crate::domain::Timestamp;
use serde::Serialize;

/// Two pasts of one context, which an operator has to resolve.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    /// Whose past it is.
    pub context: String,
    /// Since when, on the machine's clock.
    pub since: Timestamp,
    /// What was found, and what to do.
    pub detail: String,
}

impl Dispute {
    /// Found at `since`.
    pub fn new(context: &str, since: Timestamp, detail: String) -> Self {
        Self { context: context.to_owned(), since, detail }
    }
}

/// What to do about two pasts of `context`.
pub fn describe_remedy(context: &str) -> String {
    format!(
        "Either a second node decides for {context}, or its data was put back from a copy. End the wrong one, or give it \
         its latest data again, and start this node anew; to go on with what there is now, start it once with \
         `--accept-history {context}`"
    )
}
