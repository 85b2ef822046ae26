//! A login that is under way. The browser keeps it, sealed, so that no number of logins that are begun fills any memory.

use super::session_id::random_text;
use crate::credentials::api_key::NoRandomness;
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a person may take to sign in, in seconds.
const PATIENCE: i64 = 10 * 60;

/// A login that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLogin {
    /// What the provider sends back: the login was begun by this browser.
    pub state: String,
    /// What the provider writes into the token: the token is for this login.
    pub nonce: String,
    /// What proves to the provider that the code is for this server (RFC 7636).
    pub verifier: String,
    /// The path that the browser goes to afterwards.
    pub to: String,
    /// The second in which it ends.
    pub until: i64,
}

impl PendingLogin {
    /// One that leads to the path `to`, begun in the second `now`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn begin(to: &str, now: i64) -> Result<Self, NoRandomness> {
        Ok(Self {
            state: random_text()?,
            nonce: random_text()?,
            verifier: random_text()?,
            to: to.to_owned(),
            until: now + PATIENCE,
        })
    }

    /// What the provider is shown of the verifier.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// Seals logins with a key that lasts as long as the process.
pub struct LoginSeal(hmac::Key);

impl LoginSeal {
    /// One with a new key.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new() -> Result<Self, NoRandomness> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new());
        key.map(Self).map_err(|_| NoRandomness)
    }

    /// It as the cookie has it.
    pub fn seal(&self, login: &PendingLogin) -> String {
        let login = serde_json::to_vec(login).unwrap_or_default();
        let login = BASE64_URL_SAFE_NO_PAD.encode(login);
        let seal = hmac::sign(&self.0, login.as_bytes());
        format!("{login}.{}", BASE64_URL_SAFE_NO_PAD.encode(seal))
    }

    /// The login in a cookie, if it was sealed here and goes on in the second `now`.
    pub fn open(&self, cookie: &str, now: i64) -> Option<PendingLogin> {
        let (login, seal) = cookie.split_once('.')?;
        let seal = BASE64_URL_SAFE_NO_PAD.decode(seal).ok()?;
        hmac::verify(&self.0, login.as_bytes(), &seal).ok()?;
        let login = BASE64_URL_SAFE_NO_PAD.decode(login).ok()?;
        let login: PendingLogin = serde_json::from_slice(&login).ok()?;
        (now < login.until).then_some(login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_opened_by_its_own_seal_until_it_ends() {
        let seal = LoginSeal::new().unwrap();
        let login = PendingLogin::begin("/books", 1000).unwrap();
        let cookie = seal.seal(&login);
        assert_eq!(seal.open(&cookie, 1599), Some(login));
        assert_eq!(seal.open(&cookie, 1600), None);
        assert_eq!(LoginSeal::new().unwrap().open(&cookie, 1000), None);
        for changed in ["", ".", &cookie[1..], &cookie[..cookie.len() - 1], &format!("a{cookie}")] {
            assert_eq!(seal.open(changed, 1000), None, "{changed}");
        }
        assert_ne!(cookie, seal.seal(&PendingLogin::begin("/books", 1000).unwrap()));
    }
}
