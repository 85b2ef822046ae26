//! Tokens that were verified: a signature is verified once, not with each request.

use crate::identity::Principal;
use aws_lc_rs::digest;
use std::{collections::HashMap, mem, sync::Arc};

/// So many tokens are kept in each half.
const HALF: usize = 4096;

/// A token by its SHA-256: the cache holds nothing that could be shown to a server.
pub type TokenHash = [u8; 32];

/// The hash of a token.
pub fn hash_token(token: &str) -> TokenHash {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let mut hash = TokenHash::default();
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// A token that was verified.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// Whose it is.
    pub principal: Arc<Principal>,
    /// The second in which it ends.
    pub until: i64,
    /// Which of the issuers vouches for it.
    pub issuer: usize,
    /// The set of that issuer's keys by which it was verified.
    pub generation: u64,
}

/// The tokens that were used last. When the younger half is full it becomes the older one, whose tokens are forgotten.
#[derive(Debug, Default)]
pub struct TokenCache {
    younger: HashMap<TokenHash, VerifiedToken>,
    older: HashMap<TokenHash, VerifiedToken>,
}

impl TokenCache {
    /// The token, unless it has ended by the second `now`.
    pub fn find(&mut self, hash: &TokenHash, now: i64) -> Option<VerifiedToken> {
        if let Some(found) = self.younger.get(hash) {
            return (now < found.until).then(|| found.clone());
        }
        let found = self.older.remove(hash).filter(|found| now < found.until)?;
        self.insert(*hash, found.clone());
        Some(found)
    }

    /// Keeps a token.
    pub fn insert(&mut self, hash: TokenHash, token: VerifiedToken) {
        if self.younger.len() >= HALF {
            self.older = mem::take(&mut self.younger);
        }
        self.younger.insert(hash, token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(until: i64) -> VerifiedToken {
        VerifiedToken { principal: Arc::default(), until, issuer: 0, generation: 1 }
    }

    #[test]
    fn a_token_is_found_until_it_ends() {
        let mut cache = TokenCache::default();
        let hash = hash_token("a");
        cache.insert(hash, token(100));
        assert!(cache.find(&hash, 99).is_some());
        assert!(cache.find(&hash, 100).is_none());
        assert!(cache.find(&hash_token("b"), 0).is_none());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut cache = TokenCache::default();
        let used = hash_token("used");
        cache.insert(used, token(100));
        for number in 0..5 * HALF {
            cache.insert(hash_token(&number.to_string()), token(100));
            assert!(cache.find(&used, 0).is_some(), "{number}");
            assert!(cache.younger.len() <= HALF && cache.older.len() <= HALF);
        }
        assert!(cache.find(&hash_token("0"), 0).is_none());
    }
}
