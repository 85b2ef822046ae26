//! The way in for tokens of OpenID providers.

use super::{
    cache::{TokenCache, VerifiedToken, hash_token},
    discovery::Discovery,
    issuer::Issuer,
    jwt::UnverifiedToken,
    provider::{KeySource, Provider},
    verification::{Verified, verify_token},
};
use crate::{
    actors::Machine,
    identity::{Credentials, Identify, Principal, Unidentified},
    sync,
    tls::Trust,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;

struct TrustedIssuer {
    issuer: Issuer,
    provider: Arc<Provider>,
}

/// Verifies tokens of the issuers that are trusted.
pub struct ProviderTokens {
    issuers: Vec<TrustedIssuer>,
    cache: Mutex<TokenCache>,
    machine: Machine,
}

impl ProviderTokens {
    /// Verifies those of `issuers`, whose keys are read on `runtime`.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(
        issuers: Vec<Issuer>,
        trust: &Trust,
        runtime: &Handle,
        machine: Machine,
    ) -> Result<Self, String> {
        let mut with_sources = Vec::new();
        for issuer in issuers {
            let source = Discovery::new(&issuer.url, trust)?;
            with_sources.push((issuer, source));
        }
        Ok(Self::with_sources(with_sources, runtime, machine))
    }

    /// The same, with the source of each issuer's keys.
    fn with_sources<S: KeySource>(
        issuers: Vec<(Issuer, S)>,
        runtime: &Handle,
        machine: Machine,
    ) -> Self {
        let trusted = issuers.into_iter().map(|(issuer, source)| {
            let provider = Provider::new(&issuer.url, source, runtime.clone());
            TrustedIssuer { issuer, provider }
        });
        Self { issuers: trusted.collect(), cache: Mutex::default(), machine }
    }

    /// The provider whose URL is `issuer`.
    pub fn provider(&self, issuer: &str) -> Option<Arc<Provider>> {
        let found = self.issuers.iter().find(|trusted| trusted.issuer.url == issuer);
        found.map(|trusted| Arc::clone(&trusted.provider))
    }

    /// Begins to read the keys of all issuers, so that the first request need not wait.
    pub fn read_keys(&self) {
        self.issuers.iter().for_each(|trusted| trusted.provider.read_keys());
    }

    /// Whose `text` is, of those that were verified before.
    fn recall(&self, hash: &[u8; 32], now: i64) -> Option<Arc<Principal>> {
        let found = sync::lock(&self.cache).find(hash, now)?;
        let trusted = self.issuers.get(found.issuer)?;
        trusted.provider.is_current(found.generation).then_some(found.principal)
    }

    /// Whose the token `text` is; `None` where it is not meant as one.
    async fn find(&self, text: &str) -> Result<Option<Arc<Principal>>, Unidentified> {
        let now = self.machine.now().micros().div_euclid(1_000_000);
        let hash = hash_token(text);
        if let Some(principal) = self.recall(&hash, now) {
            return Ok(Some(principal));
        }
        if !UnverifiedToken::is_meant(text) {
            return Ok(None);
        }
        let token = UnverifiedToken::read(text).map_err(Unidentified::Invalid)?;
        let named = token.claims.text("iss");
        let found = self.issuers.iter().enumerate();
        let found = found
            .into_iter()
            .find(|(_, trusted)| named == Some(trusted.issuer.url.as_str()))
            .ok_or(Unidentified::Invalid("the token is of an issuer that is not trusted here"));
        let (at, TrustedIssuer { issuer, provider }) = found?;
        let Verified { principal, until, generation } =
            verify_token(issuer, provider, &token, now).await?;
        let principal = Arc::new(principal);
        let verified =
            VerifiedToken { principal: Arc::clone(&principal), until, issuer: at, generation };
        sync::lock(&self.cache).insert(hash, verified);
        Ok(Some(principal))
    }
}

impl Identify for ProviderTokens {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        async move {
            match credentials.bearer() {
                Some(bearer) => self.find(bearer).await,
                None => Ok(None),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
