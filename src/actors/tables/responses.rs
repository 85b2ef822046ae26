//! Keys of stored responses.

use crate::{
    domain::Refusal,
    store::keys::{KeyBuf, Space},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

/// What became of a request that came with an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyRow {
    /// A sum of the payload.
    pub fingerprint: u64,
    /// The aggregate that the command went to.
    pub number: u64,
    /// The machine's second of the first request.
    pub at: u64,
    /// The answer, once it is settled.
    pub answer: Option<StoredResponse>,
}

/// An answer as it is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StoredResponse {
    /// It went well.
    Done {
        /// The aggregate's version.
        version: u64,
        /// How it looked.
        body: ByteBuf,
    },
    /// The business said no.
    Refused(Refusal),
}

/// How much of a response's body one row holds. A full row is continued in the next one.
pub(crate) const PART: usize = 5 * 1024;

/// The key of a response. No idempotency key begins with these two bytes; version 1 had keys
/// without them.
pub fn request_key(scope: &str) -> Vec<u8> {
    KeyBuf::new(Space::Idempotency).bytes(&[0, 1]).bytes(&Sha256::digest(scope.as_bytes())).build()
}

/// The key of a continuation row.
pub fn part_key(key: &[u8], part: u64) -> Vec<u8> {
    [key, &part.to_be_bytes()].concat()
}
