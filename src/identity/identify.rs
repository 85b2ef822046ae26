//! From what a request shows to who sends it.

use super::Principal;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What a request shows of its sender.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `Cookie`.
    pub cookie: Option<&'a str>,
    /// The header `X-Holdfast-As`, which development alone reads.
    pub acting_as: Option<&'a str>,
    /// Whether they are only looked at again while a stream lasts, which is no use of a session.
    pub is_glance: bool,
}

impl<'a> Credentials<'a> {
    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&'a str> {
        let (scheme, token) = self.authorization?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// One way of identifying the sender of a request. Several are tried in turn.
pub trait Identify: Send + Sync {
    /// Who it is; `None` where `credentials` are not of a kind that this way knows.
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>>;
}

/// Why credentials of a known kind are of no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// What names an identity names none: 400.
    #[error("{0}")]
    Malformed(&'static str),
    /// They are not valid: 401.
    #[error("the credentials are not valid: {0}")]
    Invalid(&'static str),
    /// They cannot be judged at present, such as while the provider is away and its keys were never read: 503.
    #[error("the credentials cannot be verified at present: {0}")]
    Unavailable(&'static str),
}
