//! `[auth]`: who may call.

use super::{
    check::{Invalid, require_setting},
    http::Http,
    issuer::{IssuerSection, check_issuers},
    login::LoginSection,
    url::{is_host, wrong_peer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How callers authenticate. `open`: they do not, and may do everything. `token`: by a token of one of `auth.issuers`, or by an
    /// API key.
    pub mode: AuthMode,
    /// OpenID providers whose tokens are taken, each a table `[[auth.issuers]]`. The variable has them as TOML writes a list:
    /// `[{ url = "https://id.example", audience = "holdfast" }]`.
    pub issuers: Vec<IssuerSection>,
    /// `[auth.login]`
    pub login: LoginSection,
    /// Allows `http.listen` to be reachable from other machines although authentication is open.
    pub allow_open_beyond_loopback: bool,
    /// URL of the node that keeps the API keys and the sessions of browsers: what this node does not keep itself is asked for there,
    /// and a yes is kept for 30 seconds, or until what it is about is revoked or ends there.
    #[schemars(extend("x-default" = "this node", "x-expected" = "a URL such as `http://book:8088`"))]
    pub keys_from: Option<String>,
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
    /// By a token or a key.
    Token,
}

impl Auth {
    /// All that is wrong with it, beside who may reach the server: see [`Auth::check_listener`].
    pub(super) fn check(&self, http: &Http) -> Vec<Result<(), Invalid>> {
        let mut checks = check_issuers(&self.issuers);
        checks.push(self.login.check(&self.issuers, http));
        checks.push(self.check_mode());
        checks.push(self.check_names());
        checks
    }

    fn check_mode(&self) -> Result<(), Invalid> {
        let is_open = self.mode == AuthMode::Open;
        require_setting(!is_open || self.issuers.is_empty(), "auth.mode", || {
            "authentication is open although there are `auth.issuers`: set `auth.mode = \"token\"`"
                .into()
        })
    }

    /// Who may reach the server at the address of `http`.
    pub(super) fn check_listener(&self, http: &Http) -> Result<(), Invalid> {
        let listen = http.listen;
        let is_open = self.mode == AuthMode::Open;
        let may_listen = listen.ip().is_loopback() || self.allow_open_beyond_loopback;
        require_setting(!is_open || may_listen, "http.listen", || {
            format!(
                "{listen} is reachable from other machines while authentication is open; listen on 127.0.0.1, or add \
                 `auth.allow_open_beyond_loopback = true`"
            )
        })?;
        // Who reads a token on its way can act with it.
        let is_private = http.tls.cert.is_some()
            || !http.trusted_proxies.is_empty()
            || http.public_url.as_deref().is_some_and(|url| url.starts_with("https:"));
        require_setting(is_open || listen.ip().is_loopback() || is_private, "http.listen", || {
            format!(
                "tokens would pass the network unencrypted to {listen}: set `http.tls.cert`, or, where a proxy encrypts, name it in \
                 `http.trusted_proxies` or set `http.public_url` to its `https://` URL"
            )
        })
    }

    fn check_names(&self) -> Result<(), Invalid> {
        let wrong = self.keys_from.as_deref().and_then(wrong_peer);
        require_setting(wrong.is_none(), "auth.keys_from", || {
            let url = self.keys_from.as_deref().unwrap_or_default();
            let wrong = wrong.unwrap_or_default();
            format!("`{url}` {wrong}; expected the URL of a node such as `http://book:8088`")
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
