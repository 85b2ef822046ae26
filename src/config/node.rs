//! What is configured of the world beyond this process.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What this node is among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct NodeSection {
    /// What it is called, in the words of others; without a name, by the address that it listens on.
    pub name: Option<String>,
    /// The contexts that it hosts; without a list, all. `none` in the list: none, it is a gateway only.
    pub contexts: Option<Vec<String>>,
    /// What nodes show each other; at least 16 characters.
    pub credential: Option<Secret>,
    /// A file that holds it.
    pub credential_file: Option<PathBuf>,
    /// Contexts of other nodes whose past is believed anew, whatever was known of it.
    pub accept_history: Vec<String>,
    /// How many nodes may pass a request on.
    pub max_hops: usize,
    /// The largest answer of another node, in bytes.
    pub answer_limit: usize,
}

impl Default for NodeSection {
    fn default() -> Self {
        Self {
            name: None,
            contexts: None,
            credential: None,
            credential_file: None,
            accept_history: Vec::new(),
            max_hops: 4,
            answer_limit: 16 << 20,
        }
    }
}

/// The word for no context at all.
pub const NO_CONTEXTS: &str = "none";

/// What becomes of text messages to customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Messages {
    pub gateway: MessageGateway,
    /// Who takes them, for the webhook.
    pub url: Option<String>,
    /// What they are signed with: base64, with or without `whsec_` in front.
    pub secret: Option<Secret>,
    /// A file that holds the secret.
    pub secret_file: Option<PathBuf>,
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

/// Who sends text messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageGateway {
    /// Nobody: each is a line in the log.
    #[default]
    Log,
    /// Whoever answers at `messages.url`.
    Webhook,
}

/// A value that is shown to nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}
impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(secret)")
    }
}
