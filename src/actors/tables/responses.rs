//! Keys of stored responses.

use crate::{
    domain::Refusal,
    store::keys::{KeyBuf, Space},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;
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
    /// The business refused it.
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

/// The sum that tells a body from others. It is stored, so it must not change: members count in the order of their names,
/// and those without a value do not count, so that a body may get further ones.
pub fn fingerprint_body(body: &impl Serialize) -> u64 {
    let mut body = serde_json::to_value(body).unwrap_or_default();
    body.sort_all_objects();
    drop_nulls(&mut body);
    let digest: [u8; 32] = Sha256::digest(body.to_string().as_bytes()).into();
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_fingerprint_of_a_body_stays_as_it_was_stored() {
        let body =
            json!({ "bookId": 1, "userId": 2, "address": "분당", "more": [{ "b": 1, "a": null }] });
        assert_eq!(fingerprint_body(&body), FINGERPRINT);
        let other_order =
            json!({ "more": [{ "b": 1 }], "address": "분당", "x": null, "userId": 2, "bookId": 1 });
        assert_eq!(fingerprint_body(&other_order), FINGERPRINT);
        assert_ne!(fingerprint_body(&json!({ "bookId": 1 })), FINGERPRINT);
    }

    const FINGERPRINT: u64 = 16_911_427_874_030_587_884;
}
