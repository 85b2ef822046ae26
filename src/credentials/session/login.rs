//! Signing in with a browser: the authorization code flow of OpenID Connect, with PKCE, by the server itself.

use super::{
    cookie::{CookieNames, find_cookie},
    pending_login::{LoginSeal, PendingLogin},
    session_id::SessionId,
    session_inquiry::NewSession,
    session_store::SessionError,
    sessions::Sessions,
};
use crate::{
    actors::Machine,
    bounded,
    credentials::{
        api_key::NoRandomness,
        same_bytes,
        token::{Issuer, Provider, UnverifiedToken, verify_token},
    },
    identity::{Principal, Unidentified},
    tls::Trust,
};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// The largest answer of the provider, in bytes.
const LARGEST: usize = 256 * 1024;
const CONNECTING: Duration = Duration::from_secs(2);
const ANSWERING: Duration = Duration::from_secs(10);
/// The longest path that a login leads to.
const LONGEST_PATH: usize = 1024;

/// How browsers sign in.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The provider. Its tokens for browsers are for the client, not for the audience of other tokens.
    pub issuer: Issuer,
    /// The name of this server as a client of the provider.
    pub client_id: String,
    /// What it shows to the provider, if it has anything.
    pub client_secret: Option<String>,
    /// What it asks for, in words.
    pub scope: String,
}

/// Why no one has signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The provider is away.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The answer of the provider is for no login of this browser, or for one that took too long.
    #[error("no login is under way in this browser, or it took longer than ten minutes")]
    Unknown,
    /// The provider let no one in.
    #[error("the provider has refused the login")]
    Refused,
    /// The token of the provider is wrong.
    #[error("{0}")]
    Invalid(&'static str),
    /// No session can be kept.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There are no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<Unidentified> for LoginError {
    fn from(why: Unidentified) -> Self {
        match why {
            Unidentified::Invalid(what) | Unidentified::Malformed(what) => Self::Invalid(what),
            Unidentified::Unavailable(what) => Self::Unavailable(what),
        }
    }
}

/// What the provider sends back by the browser.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LoginAnswer {
    /// What stands for the login, once.
    pub code: Option<String>,
    /// The state that it was sent.
    pub state: Option<String>,
    /// Who it is (RFC 9207).
    pub iss: Option<String>,
    /// Why it let no one in.
    pub error: Option<String>,
}

/// A login that the browser is to go on with at the provider.
#[derive(Debug)]
pub struct LoginRequest {
    /// Where it is to go.
    pub url: String,
    /// The cookie that it is to keep meanwhile.
    pub cookie: String,
}

/// A login that has succeeded.
#[derive(Debug)]
pub struct SignedIn {
    /// The session that has begun.
    pub session: SessionId,
    /// Whose it is.
    pub principal: Principal,
    /// The path that the browser is to go to.
    pub to: String,
}

/// Signs browsers in and out.
pub struct Login {
    settings: LoginSettings,
    provider: Arc<Provider>,
    client: Client,
    seal: LoginSeal,
    sessions: Sessions,
    machine: Machine,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.settings.issuer.url)
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

impl Login {
    /// Signs in at `provider`, and keeps who has in `sessions`.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(
        settings: LoginSettings,
        provider: Arc<Provider>,
        trust: &Trust,
        sessions: Sessions,
        machine: Machine,
    ) -> Result<Self, String> {
        let client = trust.http_client().connect_timeout(CONNECTING).timeout(ANSWERING);
        let client = client.build().map_err(|why| why.to_string())?;
        let seal = LoginSeal::new().map_err(|why| why.to_string())?;
        Ok(Self { settings, provider, client, seal, sessions, machine })
    }

    /// The names of the cookies.
    pub fn names(&self) -> CookieNames {
        self.sessions.names()
    }

    fn now(&self) -> i64 {
        self.machine.now().micros().div_euclid(1_000_000)
    }

    /// Begins a login that leads to the path `to`; the provider sends the browser back to `callback`.
    ///
    /// # Errors
    /// [`LoginError`]
    pub async fn begin(&self, to: &str, callback: &str) -> Result<LoginRequest, LoginError> {
        let endpoints = self.provider.endpoints().await?;
        let endpoint = endpoints.authorization.as_deref().and_then(|url| url.parse::<Url>().ok());
        let mut url =
            endpoint.ok_or(LoginError::Unavailable("the provider names no page for logins"))?;
        let login = PendingLogin::begin(own_path(to), self.now())?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", callback)
            .append_pair("scope", &self.settings.scope)
            .append_pair("state", &login.state)
            .append_pair("nonce", &login.nonce)
            .append_pair("code_challenge", &login.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(LoginRequest { url: url.into(), cookie: self.seal.seal(&login) })
    }

    /// Ends a login that the provider has answered, and begins a session.
    ///
    /// # Errors
    /// [`LoginError`]
    pub async fn finish(
        &self,
        answer: &LoginAnswer,
        cookies: &str,
        callback: &str,
    ) -> Result<SignedIn, LoginError> {
        let cookie = find_cookie(cookies, self.names().login).ok_or(LoginError::Unknown)?;
        let login = self.seal.open(cookie, self.now()).ok_or(LoginError::Unknown)?;
        let state = answer.state.as_deref().unwrap_or_default();
        if !same_bytes(state.as_bytes(), login.state.as_bytes()) {
            return Err(LoginError::Unknown);
        }
        if answer.iss.as_deref().is_some_and(|issuer| issuer != self.settings.issuer.url) {
            return Err(LoginError::Invalid("the login was answered by another provider"));
        }
        let code = answer.code.as_deref().filter(|_| answer.error.is_none());
        let code = code.ok_or(LoginError::Refused)?;
        let token = self.redeem(code, &login.verifier, callback).await?;
        let principal = self.verify(&token, &login.nonce).await?;
        // A new id for each login: one that someone else has put into the browser is worth nothing.
        let session = self.sessions.begin(&principal, token, login.nonce.clone()).await?;
        Ok(SignedIn { session, principal, to: login.to })
    }

    /// Begins a session of a browser that has signed in at another node, after its token has been judged here too.
    ///
    /// # Errors
    /// [`LoginError`]
    pub async fn begin_for_node(&self, session: NewSession) -> Result<(), LoginError> {
        let NewSession { digest, token, nonce } = session;
        let principal = self.verify(&token, &nonce).await?;
        Ok(self.sessions.own().begin(digest, &principal).await?)
    }

    /// Takes `code` to the provider; returns the token that it stands for.
    async fn redeem(
        &self,
        code: &str,
        verifier: &str,
        callback: &str,
    ) -> Result<String, LoginError> {
        let away = LoginError::Unavailable("the provider does not answer");
        let endpoints = self.provider.endpoints().await?;
        let url = endpoints.token.as_deref().ok_or(LoginError::Unavailable(
            "the provider does not say where logins are completed",
        ))?;
        let LoginSettings { client_id, client_secret, .. } = &self.settings;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback),
            ("code_verifier", verifier),
        ];
        let mut request = self.client.post(url).header("accept", "application/json");
        match client_secret {
            Some(secret) => {
                request = request.basic_auth(form_text(client_id), Some(form_text(secret)));
            }
            None => fields.push(("client_id", client_id)),
        }
        let form = form_of(&fields);
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let asked = self.provider.runtime().spawn(async move {
            let answer = request.send().await.ok()?;
            let status = answer.status();
            if status.is_client_error() {
                return Some(Err(LoginError::Refused));
            }
            if status != StatusCode::OK {
                return None;
            }
            let read = bounded::read_json::<TokenAnswer>(answer, LARGEST, "the most that is read");
            let wrong = LoginError::Invalid("the provider has sent no token");
            Some(read.await.map(|answer| answer.id_token).map_err(|_| wrong))
        });
        asked.await.ok().flatten().unwrap_or(Err(away))
    }

    /// Whose `token` is, if it is for the login with this nonce.
    async fn verify(&self, token: &str, nonce: &str) -> Result<Principal, LoginError> {
        let LoginSettings { issuer, client_id, .. } = &self.settings;
        let token = UnverifiedToken::read(token).map_err(LoginError::Invalid)?;
        let verified = verify_token(issuer, &self.provider, &token, self.now()).await?;
        let shown = token.claims.text("nonce").unwrap_or_default();
        if !same_bytes(shown.as_bytes(), nonce.as_bytes()) {
            return Err(LoginError::Invalid("the token is for another login"));
        }
        if token.claims.find("azp").is_some_and(|party| party.as_str() != Some(client_id)) {
            return Err(LoginError::Invalid("the token is for another client"));
        }
        Ok(verified.principal)
    }
}

/// `to`, if it is a path of this server; browsers take `//` and `/\` for the beginning of another one's address.
fn own_path(to: &str) -> &str {
    let is_path = to.starts_with('/') && !to.starts_with("//") && to.len() <= LONGEST_PATH;
    let is_plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { to } else { "/" }
}

/// The fields of a form, as it is sent.
fn form_of(fields: &[(&str, &str)]) -> String {
    let Ok(mut url) = "form:".parse::<Url>() else { return String::new() };
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// One value of a form: so names and secrets of clients are written in their header (RFC 6749, 2.3.1).
fn form_text(text: &str) -> String {
    form_of(&[("", text)]).trim_start_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_paths_of_this_server_alone() {
        for path in ["/", "/books?status=true", "/docs/", "/a%20b"] {
            assert_eq!(own_path(path), path);
        }
        let long = format!("/{}", "a".repeat(LONGEST_PATH));
        for other in [
            "",
            "books",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\nb",
            "/a b",
            "/책",
            &long,
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(form_of(&[("a", "b c"), ("d", "&=é")]), "a=b+c&d=%26%3D%C3%A9");
        assert_eq!(form_text("a=b&c"), "a%3Db%26c");
    }
}
