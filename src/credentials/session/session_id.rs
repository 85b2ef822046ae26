//! The id of a session, which the browser has in a cookie.

use crate::credentials::api_key::NoRandomness;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;

const BYTES: usize = 32;
/// So many characters they are in base64.
const LENGTH: usize = 43;

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
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What a page of this server sends with a command: another origin can send the cookie, and cannot know this.
    pub fn form_token(&self) -> String {
        let digest = Sha256::digest(format!("form token of {}", self.0).as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }
}
