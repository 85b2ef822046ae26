//! What verifies the credentials of the outside world: API keys, tokens of OpenID providers, of development and of nodes.

mod api_key;
mod api_keys;
mod development;
mod ended;
mod identifiers;
mod kept_answers;
mod key_file;
mod key_inquiry;
mod key_store;
mod node_key;
mod node_trust;
mod same_bytes;
mod seen_tokens;
mod session;
mod token;

pub use api_key::{ApiKey, BadKey, KeyId, KeyText, NewKey, parse_role};
pub use api_keys::ApiKeys;
pub use development::{ActAs, ActingAs, DevelopmentTokens, NoDevelopmentTokens, NotAnIdentity};
pub use ended::{Ended, EndedLog, EndedSince, ForgetEnded, LINGER, ReadEnded, follow_ended};
pub use identifiers::Identifiers;
pub use key_inquiry::{AskKeeper, KeyAnswer, KeyInquiry, KeyQuestion};
pub use key_store::{KeyStore, KeyStoreError};
pub use node_key::{NodeKey, NodePass};
pub use node_trust::{KnownNode, NodeRequest, NodeTrust, NotANode};
pub(crate) use same_bytes::same_bytes;
pub(crate) use session::find_cookie;
pub use session::{
    AskSessions, CookieNames, Login, LoginAnswer, LoginError, LoginSettings, NewSession, NotBegun,
    SessionAnswer, SessionDigest, SessionError, SessionInquiry, SessionQuestion, SessionStore,
    Sessions,
};
pub use token::{Issuer, ProviderTokens, RoleName, TokenAlgorithm, wrong_issuer};
