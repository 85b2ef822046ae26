//! `[messages]`: text messages to customers.

use super::{
    check::{Invalid, in_range},
    secret::Secret,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Text messages to customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Messages {
    /// What sends them: `log` writes each to the log, `webhook` posts each to `messages.url`.
    pub gateway: MessageGateway,
    /// URL of the webhook.
    pub url: Option<String>,
    /// Key of the webhook's signatures, in base64 (`openssl rand -base64 32`), with or without the prefix `whsec_`.
    pub secret: Option<Secret>,
    /// File that contains the key.
    pub secret_file: Option<PathBuf>,
    /// How long the webhook may take to answer.
    pub timeout_ms: u64,
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            gateway: MessageGateway::Log,
            url: None,
            secret: None,
            secret_file: None,
            timeout_ms: 5000,
        }
    }
}

/// What sends text messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageGateway {
    /// Nothing: each message is a line of the log.
    #[default]
    Log,
    /// The webhook at `messages.url`.
    Webhook,
}

impl Messages {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        in_range("messages.timeout_ms", self.timeout_ms, 1, 600_000)
    }
}
