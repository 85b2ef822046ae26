//! The id of a session, which the browser has in a cookie.

use crate::credentials::api_key::NoRandomness;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::fmt;

const BYTES: usize = 32;
/// So many characters they are in base64.
const LENGTH: usize = 43;

/// What is kept of the id of a session, and sent between nodes: its SHA-256, as text in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionDigest(pub(super) [u8; 32]);

impl Serialize for SessionDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for SessionDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(de::Error::custom)?;
        let digest = bytes.try_into().map_err(|_| de::Error::custom("no digest of an id"))?;
        Ok(Self(digest))
    }
}

/// The id of a session. It can be printed by [`SessionId::reveal`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(secret)")
    }
}

/// Random bytes, as text.
pub fn random_text() -> Result<String, NoRandomness> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

impl SessionId {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        random_text().map(Self)
    }

    /// The id that `text` is, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
        (text.len() == LENGTH && text.bytes().all(is_letter)).then(|| Self(text.to_owned()))
    }

    /// It as the cookie has it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> SessionDigest {
        SessionDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// What a page of this server sends with a command: another origin can send the cookie, and cannot know this.
    pub fn form_token(&self) -> String {
        let digest = Sha256::digest(format!("form token of {}", self.0).as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }
}
