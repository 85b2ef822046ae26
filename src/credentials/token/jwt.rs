//! The form of a token: a JWT (RFC 7519) in the compact form of JWS (RFC 7515). Nothing is verified here.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// The longest token, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a token says of itself.
#[derive(Debug, Deserialize)]
pub struct Header {
    /// The algorithm of the signature.
    pub alg: String,
    /// Which key has signed.
    pub kid: Option<String>,
    /// What kind of token it is.
    pub typ: Option<String>,
    /// Where its key would be.
    #[serde(default)]
    jku: Present,
    /// The same, as a certificate.
    #[serde(default)]
    x5u: Present,
    /// The key itself.
    #[serde(default)]
    jwk: Present,
    /// What its reader must know.
    #[serde(default)]
    crit: Present,
}

impl Header {
    /// Whether it names or brings a key of its own, or demands what is not known here.
    pub fn asks_for_trust(&self) -> bool {
        [&self.jku, &self.x5u, &self.jwk, &self.crit].iter().any(|present| present.0)
    }
}

/// Whether a member is there, with whichever value.
#[derive(Debug, Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// An object that names no member twice: two readers of one that does may see different values.
#[derive(Debug, Default)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// A claim by its name, or by a JSON Pointer such as `/realm_access/roles`.
    pub fn find(&self, name: &str) -> Option<&Value> {
        let Some(path) = name.strip_prefix('/') else { return self.0.get(name) };
        let mut parts = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        let first = self.0.get(&parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Object(members) => members.get(&part),
            _ => None,
        })
    }

    /// The text of a claim.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Claims;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
                let mut all = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if all.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim is there twice"));
                    }
                }
                Ok(Claims(all))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A token of which nothing has been verified.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    /// What it says of itself.
    pub header: Header,
    /// What it claims.
    pub claims: Claims,
    /// What is signed.
    pub message: &'a str,
    /// The signature of that, in base64.
    pub signature: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Whether `text` is meant as a token: it has three parts, and the first is an object.
    pub fn is_meant(text: &str) -> bool {
        let mut parts = text.split('.');
        let first = parts.next().filter(|first| first.len() <= LONGEST);
        parts.count() == 2 && first.and_then(read_part::<Map<String, Value>>).is_some()
    }

    /// Reads a token.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("the token is longer than 8 KiB");
        }
        let wrong = "the token is no JWT with a signature";
        let (message, signature) = text.rsplit_once('.').ok_or(wrong)?;
        let (header, claims) = message.split_once('.').ok_or(wrong)?;
        // What decodes to the same signature in several spellings would be several tokens.
        BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong)?;
        let header = read_part(header).ok_or("the header of the token cannot be read")?;
        let claims = read_part(claims).ok_or("the claims of the token cannot be read")?;
        Ok(Self { header, claims, message, signature })
    }
}

fn read_part<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_name_or_by_a_pointer() {
        let claims = r#"{"https://a/roles":1,"a":{"b":{"c/d~":2}},"list":[3]}"#;
        let claims: Claims = serde_json::from_str(claims).unwrap();
        let found = |name| claims.find(name).and_then(Value::as_u64);
        assert_eq!(found("https://a/roles"), Some(1));
        assert_eq!(found("/a/b/c~1d~0"), Some(2));
        for none in ["", "/", "/list/0", "/a/b/c", "a/b", "/a/b/c~1d~0/e"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        assert!(serde_json::from_str::<Claims>(r#"{"sub":"a","sub":"b"}"#).is_err());
        assert!(serde_json::from_str::<Header>(r#"{"alg":"RS256","kid":"a","kid":"b"}"#).is_err());
        assert!(
            serde_json::from_str::<Header>(r#"{"alg":"RS256","crit":null}"#)
                .unwrap()
                .asks_for_trust()
        );
        assert!(serde_json::from_str::<Claims>("[]").is_err());
    }
}
