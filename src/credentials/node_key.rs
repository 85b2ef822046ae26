//! The key of a node, and the tokens that it signs with it: each for one request, and for a minute.

use super::{key_file::open_key, seen_tokens::TokenNumber};
use crate::actors::Machine;
use aws_lc_rs::{
    error::KeyRejected,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The header in which a node shows its token.
pub const NODE_TOKEN: &str = "holdfast-node";
/// What all tokens of nodes begin with: one algorithm, and a type that no other issuer uses.
pub(super) const HEADER: &str = r#"{"alg":"EdDSA","typ":"holdfast-node+jwt"}"#;
/// How long a token is good for, in seconds.
pub(super) const LIFETIME: i64 = 60;
/// The file of the data directory that has the key.
const KEY_FILE: &str = "identity.key";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeClaims {
    /// The public half of the key that signed it.
    pub iss: String,
    /// When it was made, in seconds.
    pub iat: i64,
    /// When it ends, in seconds.
    pub exp: i64,
    /// The method of the request that it is for.
    pub htm: String,
    /// The path of the request that it is for.
    pub htu: String,
    /// What no other token of the node has.
    pub jti: TokenNumber,
}

/// The key of this node.
#[derive(Clone)]
pub struct NodeKey {
    pair: Arc<Ed25519KeyPair>,
    machine: Machine,
    /// What tells the tokens of this process from those of others with the same key.
    run: u64,
    sent: Arc<AtomicU64>,
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.public_half())
    }
}

impl NodeKey {
    /// Reads the key of the data directory `dir`, which is made if there is none. Tokens have the time of `machine`.
    ///
    /// # Errors
    /// The key cannot be read or made.
    pub fn open(dir: &Path, machine: Machine) -> io::Result<Self> {
        let seed = open_key(dir, KEY_FILE)?;
        let unusable = |why: KeyRejected| io::Error::new(io::ErrorKind::InvalidData, why);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(unusable)?;
        let mut run = [0; 8];
        aws_lc_rs::rand::fill(&mut run).map_err(|_| io::Error::other("no random bytes"))?;
        let run = u64::from_ne_bytes(run);
        Ok(Self { pair: Arc::new(pair), machine, run, sent: Arc::default() })
    }

    /// Whether there is a key in the data directory `dir`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn is_in(dir: &Path) -> io::Result<bool> {
        dir.join(KEY_FILE).try_exists()
    }

    /// What other nodes know it by.
    pub fn public_half(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// A token for one request. For another one, also if it is the same again, another token is needed.
    pub fn sign(&self, method: &str, path: &str) -> String {
        let now = self.machine.now().micros().div_euclid(1_000_000);
        let claims = NodeClaims {
            iss: self.public_half(),
            iat: now,
            exp: now + LIFETIME,
            htm: method.to_owned(),
            htu: path.to_owned(),
            jti: TokenNumber { run: self.run, sequence: self.sent.fetch_add(1, Relaxed) },
        };
        let claims = serde_json::json!(claims).to_string();
        let signed = [HEADER, &claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// How this node shows others that it is one of them: by the credential that all share, by its own key, or by both while some
/// know one and some the other.
#[derive(Clone, Default)]
pub struct NodePass {
    /// The credential that all nodes share.
    pub credential: Option<Arc<str>>,
    /// The key of this node.
    pub key: Option<NodeKey>,
}

impl fmt::Debug for NodePass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodePass").field("key", &self.key).finish_non_exhaustive()
    }
}

impl NodePass {
    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.credential.is_none() && self.key.is_none()
    }

    /// What shows in a request that is passed on for a client that a node with a key does so. It is no credential of the client.
    pub fn passing_on(&self, method: &str, path: &str) -> Option<(&'static str, String)> {
        Some((NODE_TOKEN, self.key.as_ref()?.sign(method, path)))
    }

    /// The headers of a request to another node.
    pub fn headers(&self, method: &str, path: &str) -> Vec<(&'static str, String)> {
        let credential = self.credential.as_ref().map(|shared| format!("Bearer {shared}"));
        let token = self.key.as_ref().map(|key| key.sign(method, path));
        let shown = [("authorization", credential), (NODE_TOKEN, token)];
        shown.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
