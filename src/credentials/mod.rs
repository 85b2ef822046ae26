//! What verifies the credentials of the outside world: API keys, tokens of OpenID providers and of development.

mod api_key;
mod api_keys;
mod development;
mod identifiers;
mod key_store;
mod same_bytes;
mod token;

pub use api_key::{ApiKey, BadKey, KeyId, KeyText, NewKey};
pub use api_keys::ApiKeys;
pub use development::{ActAs, ActingAs, DevelopmentTokens, NotAnIdentity};
pub use identifiers::Identifiers;
pub use key_store::{KeyStore, KeyStoreError};
pub(crate) use same_bytes::same_bytes;
pub use token::{Issuer, ProviderTokens, RoleName, TokenAlgorithm, wrong_issuer};
