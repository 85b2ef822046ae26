//! The keys that a provider publishes (RFC 7517), as far as tokens may be signed with them.

use jsonwebtoken::{Algorithm, DecodingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// So many keys a provider may publish.
const MOST: usize = 32;

/// An algorithm that tokens may be signed with.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum TokenAlgorithm {
    /// RSA (PKCS #1 v1.5) with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl TokenAlgorithm {
    fn for_verification(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::ES256 => Algorithm::ES256,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct TokenKey {
    key: DecodingKey,
    algorithm: TokenAlgorithm,
    /// The public numbers of the key, as they were published.
    numbers: [String; 2],
}

impl TokenKey {
    /// Whether `signature` is one of `message` by this key.
    pub fn verifies(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.for_verification();
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, algorithm);
        verified.unwrap_or(false)
    }
}

impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        (self.algorithm, &self.numbers) == (other.algorithm, &other.numbers)
    }
}

/// What is published of a key.
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    for_use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Published {
    /// The key, if tokens may be signed with it.
    fn into_key(self) -> Option<(String, TokenKey)> {
        let signs = self.for_use.as_deref().is_none_or(|this| this == "sig");
        let verifies = self.key_ops.is_none_or(|all| all.iter().any(|one| one == "verify"));
        let kid = self.kid.filter(|kid| signs && verifies && !kid.is_empty())?;
        let (algorithm, numbers) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => (TokenAlgorithm::RS256, [self.n?, self.e?]),
            ("EC", Some("P-256")) => (TokenAlgorithm::ES256, [self.x?, self.y?]),
            ("OKP", Some("Ed25519")) => (TokenAlgorithm::EdDSA, [self.x?, String::new()]),
            _ => return None,
        };
        let own: &str = algorithm.into();
        // `Ed25519` is the newer name of what tokens call `EdDSA` (RFC 9864).
        let is_own =
            |alg: &str| alg == own || (algorithm == TokenAlgorithm::EdDSA && alg == "Ed25519");
        if !self.alg.as_deref().is_none_or(is_own) {
            return None;
        }
        let [first, second] = &numbers;
        let key = match algorithm {
            TokenAlgorithm::RS256 => DecodingKey::from_rsa_components(first, second),
            TokenAlgorithm::ES256 => DecodingKey::from_ec_components(first, second),
            TokenAlgorithm::EdDSA => DecodingKey::from_ed_components(first),
        };
        Some((kid, TokenKey { key: key.ok()?, algorithm, numbers }))
    }
}

/// The keys of one provider: a key is for one algorithm, however a token names it.
#[derive(Debug, Default, PartialEq)]
pub struct KeySet(HashMap<(String, TokenAlgorithm), Arc<TokenKey>>);

impl KeySet {
    /// The usable ones of those that are published. Of two with one name and algorithm the first counts.
    ///
    /// # Errors
    /// There are too many.
    pub fn read(published: Vec<Value>) -> Result<Self, String> {
        let count = published.len();
        if count > MOST {
            return Err(format!("it publishes {count} keys, and at most {MOST} are read"));
        }
        let published = published.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        let mut all = HashMap::new();
        for (kid, key) in published.filter_map(Published::into_key) {
            all.entry((kid, key.algorithm)).or_insert_with(|| Arc::new(key));
        }
        Ok(Self(all))
    }

    /// The key with this name for this algorithm.
    pub fn find(&self, kid: &str, algorithm: TokenAlgorithm) -> Option<Arc<TokenKey>> {
        self.0.get(&(kid.to_owned(), algorithm)).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn keys_that_sign_no_tokens_are_left_out_and_the_others_stay() {
        let usable = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": X });
        let with = |name: &str, value: Value| {
            let mut key = usable.clone();
            key[name] = value;
            key
        };
        let read = |keys: Vec<Value>| KeySet::read(keys).unwrap();
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
            ("kid", json!("")),
            ("kid", json!(null)),
            ("kid", json!(7)),
            ("alg", json!("ES256")),
            ("alg", json!("HS256")),
            ("kty", json!("oct")),
            ("kty", json!("RSA")),
            ("kty", json!("EC")),
            ("crv", json!("X25519")),
            ("x", json!("!")),
            ("x", json!(null)),
        ] {
            let set = read(vec![with(name, value.clone()), json!(7), usable.clone()]);
            assert_eq!(set, read(vec![usable.clone()]), "{name} {value}");
            let alone = read(vec![with(name, value.clone())]);
            assert_eq!(alone.len(), 0, "{name} {value}");
        }
        for (name, value) in [
            ("use", json!("sig")),
            ("alg", json!("EdDSA")),
            ("alg", json!("Ed25519")),
            ("key_ops", json!(["verify"])),
        ] {
            assert_eq!(read(vec![with(name, value)]).len(), 1, "{name}");
        }
        assert_ne!(read(vec![with("kid", json!("b"))]), read(vec![usable.clone()]));
        assert!(KeySet::read(vec![usable.clone(); MOST]).is_ok());
        assert!(KeySet::read(vec![usable; MOST + 1]).is_err());
    }

    #[test]
    fn a_key_is_for_one_algorithm() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": X });
        let set = KeySet::read(vec![key]).unwrap();
        assert!(set.find("a", TokenAlgorithm::EdDSA).is_some());
        assert!(set.find("a", TokenAlgorithm::RS256).is_none());
        assert!(set.find("b", TokenAlgorithm::EdDSA).is_none());
    }
}
