//! An OpenID provider of a test's own: keys, tokens that they sign, and the two documents that a server reads.

use aws_lc_rs::{
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

#[derive(Default)]
struct State {
    keys: Vec<Value>,
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

/// Answers one request.
fn answer(mut client: TcpStream, url: &str, state: &Mutex<State>) {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut part) {
            Ok(length @ 1..) => head.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let body = {
        let mut state = state.lock().unwrap();
        if state.away {
            return;
        }
        if head.starts_with("GET /keys ") {
            state.read += 1;
            json!({ "keys": state.keys })
        } else {
            let says = state.says.as_deref().unwrap_or(url);
            json!({ "issuer": says, "jwks_uri": format!("{url}/keys") })
        }
    };
    let body = body.to_string();
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let _ = write!(client, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
}
