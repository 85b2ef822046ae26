//! Keys of claims.

use crate::store::keys::{KeyBuf, Space};
use sha2::{Digest, Sha256};

/// A claim longer than this is stored under its checksum: what is long in it (the title of a movie) would be written once for each
/// seat.
pub(crate) const LONGEST_CLAIM: usize = 160;

/// Who holds a key.
pub fn claim_key(key: &str) -> Vec<u8> {
    if key.len() <= LONGEST_CLAIM {
        KeyBuf::new(Space::Claim).text(key).build()
    } else {
        KeyBuf::new(Space::Claim).bytes(&SUMMED).bytes(&Sha256::digest(key)).build()
    }
}

/// The bytes in front cannot begin a key either.
pub(crate) const SUMMED: [u8; 2] = [0, 2];

/// All who claim a key, where they are several. The bytes in front cannot begin a key.
pub fn contested_key(key: &str) -> Vec<u8> {
    KeyBuf::new(Space::Claim).bytes(&CONTESTED).text(key).build()
}

pub(crate) const CONTESTED: [u8; 2] = [0, 1];
