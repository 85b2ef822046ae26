//! From a token to whose it is.

use super::{issuer::Issuer, jwt::UnverifiedToken, provider::Provider};
use crate::identity::{Principal, Unidentified};
use std::sync::Arc;

/// What a verified token says.
#[derive(Debug)]
pub struct Verified {
    /// Whose it is.
    pub principal: Principal,
    /// The second in which it ends.
    pub until: i64,
    /// The set of the issuer's keys by which it was verified.
    pub generation: u64,
}

/// Verifies that `token` is one of `issuer`, in the second `now`.
///
/// # Errors
/// [`Unidentified`]
pub async fn verify_token(
    issuer: &Issuer,
    provider: &Arc<Provider>,
    token: &UnverifiedToken<'_>,
    now: i64,
) -> Result<Verified, Unidentified> {
    let (kid, algorithm) = issuer.key_of(&token.header).map_err(Unidentified::Invalid)?;
    let (key, generation) = provider.find_key(kid, algorithm).await?;
    if !key.verifies(token.message, token.signature) {
        return Err(Unidentified::Invalid("the signature of the token is wrong"));
    }
    let (principal, until) = issuer.judge(&token.claims, now).map_err(Unidentified::Invalid)?;
    Ok(Verified { principal, until, generation })
}
