//! `[messages]`: text messages to customers.

use super::{
    check::{Invalid, require_setting},
    secret::Secret,
    url::wrong_target,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Text messages to customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessagesSection {
    /// What sends them: `log` writes each to the log, `webhook` posts each to `messages.url`.
    pub gateway: GatewayKind,
    /// URL of the webhook.
    #[schemars(extend("x-expected" = "a URL such as `http://texts.internal/send`"))]
    pub url: Option<String>,
    /// Key of the webhook's signatures, in base64 (`openssl rand -base64 32`), with or without the prefix `whsec_`.
    pub secret: Option<Secret>,
    /// File that contains the key.
    pub secret_file: Option<PathBuf>,
    /// How long the webhook may take to answer.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u64,
    /// How many text messages one telephone gets in a day (UTC). Those beyond are `REFUSED` with the reason `capped`; their
    /// orders go on.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[schemars(extend("x-default" = "any number"))]
    pub daily_per_telephone: Option<u32>,
}

impl Default for MessagesSection {
    fn default() -> Self {
        Self {
            gateway: GatewayKind::Log,
            url: None,
            secret: None,
            secret_file: None,
            timeout_ms: 5000,
            daily_per_telephone: None,
        }
    }
}

/// What sends text messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GatewayKind {
    /// Nothing: each message is a line of the log.
    #[default]
    Log,
    /// The webhook at `messages.url`.
    Webhook,
}

impl MessagesSection {
    pub(super) fn check_url(&self) -> Result<(), Invalid> {
        let is_needed = self.gateway == GatewayKind::Webhook;
        let Some(url) = &self.url else {
            return require_setting(!is_needed, "messages.url", || {
                "required with `messages.gateway = \"webhook\"`".into()
            });
        };
        let wrong = wrong_target(url);
        require_setting(wrong.is_none(), "messages.url", || {
            let wrong = wrong.unwrap_or_default();
            format!("`{url}` {wrong}; expected a URL such as `http://texts.internal/send`")
        })
    }

    pub(super) fn check_secret(&self) -> Result<(), Invalid> {
        let is_needed = self.gateway == GatewayKind::Webhook;
        require_setting(!is_needed || self.secret.is_some(), "messages.secret", || {
            "this or `messages.secret_file` is required with `messages.gateway = \"webhook\"`"
                .into()
        })?;
        require_setting(
            self.secret.is_none() || self.signing_key().is_some(),
            "messages.secret",
            || "expected base64, for example from `openssl rand -base64 32`".into(),
        )
    }

    /// The key of the webhook's signatures.
    pub fn signing_key(&self) -> Option<Vec<u8>> {
        decode_signing_key(self.secret.as_ref()?)
    }
}

/// The key of a webhook's signatures, if a secret is one.
pub(super) fn decode_signing_key(secret: &Secret) -> Option<Vec<u8>> {
    let secret = secret.reveal();
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    (!key.is_empty()).then_some(key)
}
