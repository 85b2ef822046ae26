//! What verifies the credentials of the outside world: API keys, tokens of OpenID providers, of development and of nodes.

mod api_key;
mod api_keys;
mod development;
mod identifiers;
mod key_file;
mod key_inquiry;
mod key_store;
mod node_key;
mod node_trust;
mod same_bytes;
mod session;
mod token;

pub use api_key::{ApiKey, BadKey, KeyId, KeyText, NewKey, parse_role};
pub use api_keys::ApiKeys;
pub use development::{ActAs, ActingAs, DevelopmentTokens, NoDevelopmentTokens, NotAnIdentity};
pub use identifiers::Identifiers;
pub use key_inquiry::{AskKeeper, KeyAnswer, KeyInquiry, KeyQuestion};
pub use key_store::{KeyStore, KeyStoreError};
pub use node_key::{NodeKey, NodePass};
pub use node_trust::{KnownNode, NodeRequest, NodeTrust, NotANode};
pub(crate) use same_bytes::same_bytes;
pub(crate) use session::find_cookie;
pub use session::{
    CookieNames, Login, LoginAnswer, LoginError, LoginSettings, SessionError, SessionStore,
    Sessions,
};
pub use token::{Issuer, ProviderTokens, RoleName, TokenAlgorithm, wrong_issuer};
