//! `[alerts]`: the webhook that is notified when a saga is stuck.

use super::{
    check::{Invalid, require_setting},
    messages::decode_signing_key,
    secret::Secret,
    url::wrong_target,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The webhook that is notified when a saga is stuck, and when it goes on again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsSection {
    /// URL of the webhook that is notified; without it, none.
    #[schemars(extend("x-expected" = "a URL such as `https://pager.internal/holdfast`"))]
    pub url: Option<String>,
    /// Key of the webhook's signatures, in base64 (`openssl rand -base64 32`), with or without the prefix `whsec_`.
    pub secret: Option<Secret>,
    /// File that contains the key.
    pub secret_file: Option<PathBuf>,
    /// How long the webhook may take to answer.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u64,
    /// How often the sagas are looked at.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub every_ms: u64,
}

impl Default for AlertsSection {
    fn default() -> Self {
        Self { url: None, secret: None, secret_file: None, timeout_ms: 5000, every_ms: 1000 }
    }
}

impl AlertsSection {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let Some(url) = &self.url else { return Ok(()) };
        let wrong = wrong_target(url);
        require_setting(wrong.is_none(), "alerts.url", || {
            let wrong = wrong.unwrap_or_default();
            format!("`{url}` {wrong}; expected a URL such as `https://pager.internal/holdfast`")
        })?;
        require_setting(self.secret.is_some(), "alerts.secret", || {
            "this or `alerts.secret_file` is required with `alerts.url`".into()
        })?;
        require_setting(self.signing_key().is_some(), "alerts.secret", || {
            "expected base64, for example from `openssl rand -base64 32`".into()
        })
    }

    /// The key of the webhook's signatures.
    pub fn signing_key(&self) -> Option<Vec<u8>> {
        decode_signing_key(self.secret.as_ref()?)
    }
}
