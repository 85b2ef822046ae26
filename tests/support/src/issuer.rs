//! An OpenID provider of a test's own: keys, tokens that they sign, and the two documents that a server reads.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key that signs tokens.
pub struct TokenKey {
    pub kid: String,
    pair: Pair,
}

/// `bytes` in the base64 of tokens.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl TokenKey {
    /// A new key for `RS256`, `ES256` or `EdDSA`.
    pub fn generate(algorithm: &str, kid: &str) -> Self {
        let pair = match algorithm {
            "RS256" => Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
            "ES256" => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            "EdDSA" => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
            other => panic!("no keys for {other}"),
        };
        Self { kid: kid.to_owned(), pair }
    }

    /// Its algorithm, as tokens have it.
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    /// What is published of it.
    pub fn jwk(&self) -> Value {
        let kid = &self.kid;
        match &self.pair {
            Pair::Rsa(pair) => {
                // The sequence of two numbers: 256 bytes after a zero, and 65537.
                let numbers = pair.public_key().as_ref();
                let modulus = base64url(&numbers[9..265]);
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": modulus, "e": "AQAB" })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let x = base64url(&point[1..33]);
                let y = base64url(&point[33..65]);
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": x, "y": y })
            }
            Pair::Ed(pair) => {
                let x = base64url(pair.public_key());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
            }
        }
    }

    /// A token with this header and these claims, each as it is written.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                base64url(signature)
            }
            Pair::Ec(pair) => {
                base64url(pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap())
            }
            Pair::Ed(pair) => base64url(pair.sign(message.as_bytes())),
        };
        format!("{message}.{signature}")
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm(), "kid": self.kid, "typ": "at+jwt" })
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }
}

/// The second that it is now.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A login that was approved, until its code is redeemed.
struct Approved {
    challenge: String,
    redirect: String,
    client: String,
    token: String,
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    approved: HashMap<String, Approved>,
    codes: usize,
    /// The issuer that it says it is, where that is another.
    says: Option<String>,
    away: bool,
    read: usize,
}

/// A provider that listens on loopback.
pub struct TestIssuer {
    url: String,
    state: Arc<Mutex<State>>,
}

impl TestIssuer {
    /// One that publishes `keys`.
    pub fn start(keys: &[&TokenKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url: url.clone(), state: Arc::default() };
        issuer.publish(keys);
        let state = Arc::clone(&issuer.state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&state);
                let url = url.clone();
                thread::spawn(move || answer(client, &url, &state));
            }
        });
        issuer
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Publishes these keys instead of those before.
    pub fn publish(&self, keys: &[&TokenKey]) {
        self.state.lock().unwrap().keys = keys.iter().map(|key| key.jwk()).collect();
    }

    /// From now on it says that it is `issuer`.
    pub fn say(&self, issuer: &str) {
        self.state.lock().unwrap().says = Some(issuer.to_owned());
    }

    /// Whether it answers.
    pub fn set_away(&self, away: bool) {
        self.state.lock().unwrap().away = away;
    }

    /// How often its keys were read.
    pub fn read(&self) -> usize {
        self.state.lock().unwrap().read
    }

    /// Someone signs in at the page `url`, to which a server has sent a browser: returns where the browser is sent back to. The
    /// token is signed by `key`, with these claims and the nonce of the login, unless they have one.
    pub fn approve(&self, url: &str, key: &TokenKey, claims: &Value) -> String {
        let url = url.parse::<reqwest::Url>().unwrap();
        assert_eq!((url.origin().ascii_serialization(), url.path()), (self.url.clone(), "/auth"));
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let given = |name: &str| query.get(name).cloned().unwrap_or_default();
        assert_eq!(given("response_type"), "code");
        assert_eq!(given("code_challenge_method"), "S256");
        assert!(given("scope").split(' ').any(|word| word == "openid"));
        let mut claims = claims.clone();
        if claims.get("nonce").is_none() {
            claims["nonce"] = json!(given("nonce"));
        }
        let mut state = self.state.lock().unwrap();
        state.codes += 1;
        let code = format!("code{}", state.codes);
        let approved = Approved {
            challenge: given("code_challenge"),
            redirect: given("redirect_uri"),
            client: given("client_id"),
            token: key.sign(&claims),
        };
        state.approved.insert(code.clone(), approved);
        format!("{}?code={code}&state={}", given("redirect_uri"), given("state"))
    }

    /// The section of a configuration that trusts it.
    pub fn section(&self) -> String {
        format!(
            "[auth]\nmode = \"token\"\n[[auth.issuers]]\nurl = {:?}\naudience = \"holdfast\"\n",
            self.url
        )
    }

    /// The claims of a valid token for `subject` with these roles.
    pub fn claims(&self, subject: &str, roles: &[&str]) -> Value {
        let now = now();
        json!({
            "iss": self.url, "aud": "holdfast", "sub": subject, "roles": roles, "iat": now, "exp": now + 3600,
        })
    }
}

/// The head and the body of a request.
fn read_request(client: &mut TcpStream) -> Option<(String, String)> {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_owned();
            let lower = head.to_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some((head, body.to_owned()));
            }
        }
        match client.read(&mut part) {
            Ok(length @ 1..) => read.extend_from_slice(&part[..length]),
            _ => return None,
        }
    }
}

/// Answers one request.
fn answer(mut client: TcpStream, url: &str, state: &Mutex<State>) {
    let Some((head, body)) = read_request(&mut client) else { return };
    let answered = {
        let mut state = state.lock().unwrap();
        if state.away {
            return;
        }
        if head.starts_with("GET /keys ") {
            state.read += 1;
            Ok(json!({ "keys": state.keys }))
        } else if head.starts_with("POST /token ") {
            redeem(&mut state, &head, &body)
        } else {
            let says = state.says.as_deref().unwrap_or(url);
            Ok(json!({
                "issuer": says,
                "jwks_uri": format!("{url}/keys"),
                "authorization_endpoint": format!("{url}/auth"),
                "token_endpoint": format!("{url}/token"),
            }))
        }
    };
    let (status, body) = match answered {
        Ok(body) => ("200 OK", body),
        Err(error) => ("400 Bad Request", json!({ "error": error })),
    };
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close");
    let _ = write!(client, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
}

/// The token for a code, once, for the client that shows what it has begun the login with.
fn redeem(state: &mut State, head: &str, body: &str) -> Result<Value, &'static str> {
    let form = format!("form:?{body}").parse::<reqwest::Url>().unwrap();
    let form: HashMap<_, _> = form.query_pairs().into_owned().collect();
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let approved = state.approved.remove(given("code")).ok_or("invalid_grant")?;
    let challenge = base64url(digest(&SHA256, given("code_verifier").as_bytes()));
    let is_own = challenge == approved.challenge && given("redirect_uri") == approved.redirect;
    // `shop:a secret&`, each part as a form has it.
    let shown = "authorization: basic c2hvcdphk3nly3jldcuyng==";
    let is_client = head.to_lowercase().contains(shown) && approved.client == "shop";
    match (given("grant_type"), is_own, is_client) {
        ("authorization_code", true, true) => Ok(json!({ "id_token": approved.token })),
        ("authorization_code", true, false) => Err("invalid_client"),
        _ => Err("invalid_grant"),
    }
}
