//! The seal of an event: that it comes from a node of this business, and as that node sent it.
//!
//! HMAC-SHA256 over every attribute that a receiver uses and over the data, each with its length before it, so that no two
//! events are the same to it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The attribute that carries it.
pub const SEAL: &str = "seal";
/// The header beside the attributes in which a node tells others the customer whose saga an event belongs to.
pub const OWNER: &str = "holdfast-owner";
/// What precedes everything else that is sealed, and the seal itself.
const VERSION: &str = "v1";
/// The attributes that a receiver uses, and the owner, in the order in which they are sealed. It never changes: a further one takes
/// another version.
const SEALED: [&str; 13] = [
    "source",
    "type",
    "id",
    "subject",
    "time",
    "aggregateversion",
    "correlationid",
    "cause",
    "causationid",
    "causationsource",
    "clientcorrelationid",
    "traceparent",
    OWNER,
];

/// The keys that events are sealed with. The first one seals; what any of them has sealed is right.
#[derive(Clone, Default)]
pub struct SealKeys(Vec<Vec<u8>>);

/// What is wrong with the seal of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is none.
    #[error("it has no seal (`events.key`)")]
    Missing,
    /// It is not that of this event, with none of the keys.
    #[error("its seal is wrong: it was altered, or sealed with another `events.key`")]
    Wrong,
}

impl SealKeys {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = String>) -> Self {
        Self(keys.into_iter().map(String::into_bytes).collect())
    }

    /// The seal of an event with these attributes and this data; none without a key.
    pub fn seal(&self, attribute: impl Fn(&str) -> Option<String>, data: &[u8]) -> Option<String> {
        let mac = sealing(self.0.first()?, attribute, data)?;
        let code = mac.finalize().into_bytes();
        Some(format!("{VERSION}.{}", hex(&code)))
    }

    /// Whether an event has the seal that is right for it. Without a key none is needed.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn check(
        &self,
        attribute: impl Fn(&str) -> Option<String>,
        data: &[u8],
    ) -> Result<(), SealError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let shown = attribute(SEAL).ok_or(SealError::Missing)?;
        let shown = shown.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('.'));
        let shown = shown.and_then(unhex).ok_or(SealError::Wrong)?;
        let is_right = |key: &Vec<u8>| {
            // Compares in a time that does not depend on how much is right.
            sealing(key, &attribute, data).is_some_and(|mac| mac.verify_slice(&shown).is_ok())
        };
        if self.0.iter().any(is_right) { Ok(()) } else { Err(SealError::Wrong) }
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeys({})", self.0.len())
    }
}

fn sealing(
    key: &[u8],
    attribute: impl Fn(&str) -> Option<String>,
    data: &[u8],
) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    let mut put = |bytes: &[u8]| {
        mac.update(&(bytes.len() as u64).to_be_bytes());
        mac.update(bytes);
    };
    put(VERSION.as_bytes());
    for name in SEALED {
        // An absent attribute is not an empty one.
        match attribute(name) {
            Some(value) => {
                put(b"+");
                put(value.as_bytes());
            }
            None => put(b"-"),
        }
    }
    put(data);
    Some(mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Attributes = BTreeMap<String, String>;

    fn keys(keys: &[&str]) -> SealKeys {
        SealKeys::new(keys.iter().map(|key| (*key).to_owned()))
    }

    fn seal(keys: &SealKeys, attributes: &Attributes, data: &[u8]) -> Attributes {
        let seal = keys.seal(|name| attributes.get(name).cloned(), data).unwrap();
        let mut sealed = attributes.clone();
        sealed.insert(SEAL.into(), seal);
        sealed
    }

    fn check(keys: &SealKeys, attributes: &Attributes, data: &[u8]) -> Result<(), SealError> {
        keys.check(|name| attributes.get(name).cloned(), data)
    }

    fn whole() -> Attributes {
        SEALED.iter().map(|name| ((*name).to_owned(), format!("{name}-1"))).collect()
    }

    #[test]
    fn what_is_altered_in_any_way_has_no_right_seal() {
        let keys = keys(&["a key of at least thirty-two letters"]);
        let sealed = seal(&keys, &whole(), b"{}");
        assert_eq!(check(&keys, &sealed, b"{}"), Ok(()));
        assert_eq!(check(&keys, &sealed, b"{ }"), Err(SealError::Wrong));
        for name in SEALED {
            let with = |value: Option<&str>| {
                let mut altered = sealed.clone();
                match value {
                    Some(value) => altered.insert(name.into(), value.into()),
                    None => altered.remove(name),
                };
                check(&keys, &altered, b"{}")
            };
            for value in [Some(""), Some("another"), None] {
                assert_eq!(with(value), Err(SealError::Wrong), "{name}: {value:?}");
            }
        }
        for wrong in ["", "v1.", "v1.00", "v2.00", "v1.zz", "v1.\u{e9}\u{e9}"] {
            let mut altered = sealed.clone();
            altered.insert(SEAL.into(), wrong.into());
            assert_eq!(check(&keys, &altered, b"{}"), Err(SealError::Wrong), "{wrong}");
        }
        assert_eq!(check(&keys, &whole(), b"{}"), Err(SealError::Missing));
    }

    #[test]
    fn while_a_key_is_changed_both_are_right_and_the_first_one_seals() {
        let old = keys(&["old"]);
        let both = keys(&["new", "old"]);
        let new = keys(&["new"]);
        for (sealing, reading, expected) in [
            (&old, &both, Ok(())),
            (&both, &both, Ok(())),
            (&both, &new, Ok(())),
            (&both, &old, Err(SealError::Wrong)),
            (&old, &new, Err(SealError::Wrong)),
            (&old, &keys(&[]), Ok(())),
        ] {
            assert_eq!(check(reading, &seal(sealing, &whole(), b"1"), b"1"), expected);
        }
        assert_eq!(keys(&[]).seal(|_| None, b""), None);
        assert!(!format!("{both:?}").contains("new"), "{both:?}");
    }

    proptest! {
        /// What moves from one attribute into its neighbour is another event.
        #[test]
        fn no_two_events_share_a_seal(
            one in proptest::collection::btree_map(proptest::sample::select(&SEALED), "[ab]{0,3}", 0..5),
            other in proptest::collection::btree_map(proptest::sample::select(&SEALED), "[ab]{0,3}", 0..5),
            data in "[ab]{0,2}",
            further in "[ab]{0,2}",
        ) {
            let keys = keys(&["key"]);
            let owned = |map: BTreeMap<&str, String>| -> Attributes {
                map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            };
            let one = owned(one);
            let other = owned(other);
            let is_same = one == other && data == further;
            let seal = |attributes: &Attributes, data: &str| {
                keys.seal(|name| attributes.get(name).cloned(), data.as_bytes())
            };
            prop_assert_eq!(seal(&one, &data) == seal(&other, &further), is_same);
        }
    }
}
