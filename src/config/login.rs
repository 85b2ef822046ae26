//! `[auth.login]`: how browsers sign in.

use super::{
    check::{Invalid, require_setting},
    http::Http,
    issuer::IssuerSection,
    secret::Secret,
};
use crate::credentials::{CookieNames, Issuer, LoginSettings};
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, path::PathBuf};

/// How browsers sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoginSection {
    /// Name of this server as a client of the provider. With it browsers sign in at `/login`; the provider has to know
    /// `/callback` below the server's URL.
    pub client_id: Option<String>,
    /// What the server shows to the provider beside its name, if anything.
    pub client_secret: Option<Secret>,
    /// File with that.
    pub client_secret_file: Option<PathBuf>,
    /// The issuer in `auth.issuers` at which they sign in, by its URL.
    #[schemars(extend("x-default" = "the first"))]
    pub issuer: Option<String>,
    /// Scopes that are asked for, with spaces between them.
    pub scope: String,
}

impl Default for LoginSection {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            issuer: None,
            scope: "openid".to_owned(),
        }
    }
}

impl LoginSection {
    /// The issuer, of these.
    fn issuer<'a>(&self, issuers: &'a [IssuerSection]) -> Option<&'a IssuerSection> {
        match &self.issuer {
            Some(url) => issuers.iter().find(|issuer| issuer.url == *url),
            None => issuers.first(),
        }
    }

    /// How browsers sign in at one of `issuers`, if they do.
    pub fn login(&self, issuers: &[IssuerSection]) -> Option<LoginSettings> {
        let client_id = self.client_id.clone()?;
        let issuer = self.issuer(issuers)?.issuer();
        let client_secret = self.client_secret.as_ref().map(|secret| secret.reveal().to_owned());
        let issuer = Issuer { audience: client_id.clone(), ..issuer };
        Some(LoginSettings { issuer, client_id, client_secret, scope: self.scope.clone() })
    }

    pub(super) fn check(&self, issuers: &[IssuerSection], http: &Http) -> Result<(), Invalid> {
        let signs_in = self.client_id.is_some();
        let has_more = self.client_secret.is_some() || self.issuer.is_some();
        require_setting(signs_in || !has_more, "auth.login.client_id", || {
            "required with the other settings of `auth.login`: the name of this server at the provider".into()
        })?;
        require_setting(!signs_in || !issuers.is_empty(), "auth.issuers", || {
            "`auth.login` needs an issuer at which browsers sign in".into()
        })?;
        let is_known = !signs_in || self.issuer(issuers).is_some();
        require_setting(is_known, "auth.login.issuer", || {
            let url = self.issuer.as_deref().unwrap_or_default();
            format!("`{url}` is the URL of none of `auth.issuers`")
        })?;
        let asks = self.scope.split_ascii_whitespace().any(|word| word == "openid");
        require_setting(asks, "auth.login.scope", || {
            "without `openid` the provider does not say who has signed in".into()
        })?;
        let is_secure = http.cookie_names().is_secure;
        let plain = http.public_url.as_deref().filter(|url| !is_secure && !is_on_loopback(url));
        require_setting(!signs_in || plain.is_none(), "http.public_url", || {
            let url = plain.unwrap_or_default();
            format!(
                "browsers that sign in would send their session unencrypted to `{url}`: give its `https://` URL"
            )
        })?;
        let is_private = http.listen.ip().is_loopback() || is_secure;
        require_setting(!signs_in || is_private, "auth.login.client_id", || {
            "browsers keep a session for a server that they reach by TLS: set `http.tls.cert`, or `http.public_url` to the \
             `https://` URL of a proxy that encrypts"
                .into()
        })
    }
}

/// Whether `url` leads to the machine that reads it.
fn is_on_loopback(url: &str) -> bool {
    let url = url.parse::<Url>().ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_name = host == "localhost" || host.ends_with(".localhost");
    is_name || address.is_ok_and(|address| address.is_loopback())
}

impl Http {
    /// The names of the cookies of sessions.
    pub fn cookie_names(&self) -> CookieNames {
        let is_public = self.public_url.as_deref().is_some_and(|url| url.starts_with("https:"));
        if self.tls.cert.is_some() || is_public { CookieNames::SECURE } else { CookieNames::PLAIN }
    }
}
