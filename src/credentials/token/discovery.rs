//! Reads the keys of a provider: its discovery document names where they are (OpenID Connect Discovery 1.0).

use super::{
    key_set::KeySet,
    provider::{Endpoints, KeySource, Published},
};
use crate::{bounded, client_errors::describe_error, tls::Trust};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{net::IpAddr, time::Duration};

/// The largest document, in bytes.
const LARGEST: usize = 256 * 1024;
/// How long a connection to the provider may take, and how long each answer.
const CONNECTING: Duration = Duration::from_secs(2);
const ANSWERING: Duration = Duration::from_secs(5);

/// Where the keys of one provider are read.
#[derive(Debug, Clone)]
pub struct Discovery {
    client: Client,
    issuer: String,
}

#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct PublishedKeys {
    keys: Vec<Value>,
}

impl Discovery {
    /// Reads those of the provider `issuer`; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(issuer: &str, trust: &Trust) -> Result<Self, String> {
        let client = trust.http_client().connect_timeout(CONNECTING).timeout(ANSWERING);
        let client = client.build().map_err(|why| why.to_string())?;
        Ok(Self { client, issuer: issuer.to_owned() })
    }

    async fn read_published(self) -> Result<Published, String> {
        let document =
            format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document: DiscoveryDocument = self.read(&document).await?;
        if document.issuer != self.issuer {
            return Err("its discovery document is that of another issuer".to_owned());
        }
        let DiscoveryDocument { jwks_uri, authorization_endpoint, token_endpoint, .. } = document;
        self.check_url("jwks_uri", &jwks_uri)?;
        for (name, url) in [
            ("authorization_endpoint", &authorization_endpoint),
            ("token_endpoint", &token_endpoint),
        ] {
            url.iter().try_for_each(|url| self.check_url(name, url))?;
        }
        let PublishedKeys { keys } = self.read(&jwks_uri).await?;
        let keys = KeySet::read(keys)?;
        let endpoints = Endpoints { authorization: authorization_endpoint, token: token_endpoint };
        Ok(Published { keys, endpoints })
    }

    /// Refuses a URL of the document that is not safe. A provider elsewhere has no business with this machine.
    fn check_url(&self, name: &str, url: &str) -> Result<(), String> {
        let is_here = |url: &str| url.parse::<Url>().is_ok_and(|url| url.scheme() == "http");
        if let Some(wrong) = wrong_target(url) {
            return Err(format!("its `{name}` {wrong}"));
        }
        if is_here(url) && !is_here(&self.issuer) {
            return Err(format!("its `{name}` does not begin with `https://`"));
        }
        Ok(())
    }

    async fn read<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let answer = self.client.get(url).header("accept", "application/json").send().await;
        let answer = answer.map_err(|why| describe_error(&why))?;
        // Redirects are not followed, so they are no answer either.
        match answer.status() {
            StatusCode::OK => bounded::read_json(answer, LARGEST, "the most that is read").await,
            status => Err(format!("the answer was {status}")),
        }
    }
}

impl KeySource for Discovery {
    fn fetch(&self) -> BoxFuture<'static, Result<Published, String>> {
        self.clone().read_published().boxed()
    }
}

/// What keeps documents of a provider from being read at `url`: they decide who is let in, so no one may change them under way.
fn wrong_target(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<Url>() else { return Some("is not a URL") };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = address.map_or(host == "localhost", |address| address.is_loopback());
    if !url.username().is_empty() || url.password().is_some() {
        return Some("has a user or a password");
    }
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    (!is_safe)
        .then_some("does not begin with `https://`, which only one on loopback may do without")
}

/// What keeps `url` from being the name of a provider.
pub fn wrong_issuer(url: &str) -> Option<&'static str> {
    let is_open = url.contains(['?', '#']);
    wrong_target(url).or_else(|| is_open.then_some("has a `?` or a `#`, which no path can follow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_asked_by_tls_or_on_this_machine() {
        for url in [
            "https://id.example",
            "https://id.example/realms/shop/",
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert_eq!(wrong_issuer(url), None, "{url}");
        }
        for url in [
            "http://id.example",
            "http://localhost.example",
            "http://10.0.0.7",
            "https://me:secret@id.example",
            "https://id.example/?a=b",
            "https://id.example/#a",
            "ftp://id.example",
            "id.example",
            "",
        ] {
            assert!(wrong_issuer(url).is_some(), "{url}");
        }
    }
}
