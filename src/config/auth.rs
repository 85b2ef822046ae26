//! `[auth]`: who may call.

use super::{
    check::{Invalid, require_setting},
    url::is_host,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Who may call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How callers authenticate. `open`, the only mode so far: they do not.
    pub mode: AuthMode,
    /// Allows `http.listen` to be reachable from other machines although authentication is open.
    pub allow_open_beyond_loopback: bool,
    /// Names and addresses, without port, that requests may be for; 421 for others. The names of loopback and the host of
    /// `http.public_url` are always among them where the server listens on loopback.
    #[schemars(extend(
        "x-default" = "those of loopback where the server listens there and has no trusted proxy, else any",
        "x-expected" = "a list of hosts such as `rent.example`"
    ))]
    pub hosts: Vec<String>,
}

/// How callers authenticate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// They do not; for development.
    #[default]
    Open,
}

impl Auth {
    pub(super) fn check(&self, listen: SocketAddr) -> Result<(), Invalid> {
        let is_open = self.mode == AuthMode::Open && !self.allow_open_beyond_loopback;
        require_setting(!is_open || listen.ip().is_loopback(), "http.listen", || {
            format!(
                "{listen} is reachable from other machines while authentication is open; listen on 127.0.0.1, or add \
                 `auth.allow_open_beyond_loopback = true`"
            )
        })?;
        let wrong = self.hosts.iter().find(|host| !is_host(host));
        require_setting(wrong.is_none(), "auth.hosts", || {
            let wrong = wrong.map(String::as_str).unwrap_or_default();
            format!(
                "`{wrong}` is no host as clients write it, such as `rent.example`: without scheme, port, path and `*`"
            )
        })
    }
}
