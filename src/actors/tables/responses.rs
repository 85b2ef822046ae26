//! Keys of stored responses.

use crate::store::keys::{KeyBuf, Space};
use sha2::{Digest, Sha256};

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
