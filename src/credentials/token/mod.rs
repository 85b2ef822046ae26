//! Tokens of OpenID providers: JWTs that a provider has signed, verified by the keys that it publishes.

mod cache;
mod discovery;
mod issuer;
mod jwt;
mod key_set;
mod provider;
mod provider_tokens;
mod verification;

pub use discovery::wrong_issuer;
pub use issuer::{Issuer, RoleName};
pub use jwt::UnverifiedToken;
pub use key_set::TokenAlgorithm;
pub use provider::Provider;
pub use provider_tokens::ProviderTokens;
pub use verification::verify_token;
