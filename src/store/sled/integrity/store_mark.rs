//! Which store this is, and up to which commit all is in runs: a row inside sled. The
//! [watermark](crate::store::sled::watermark) lies beside it.

use crate::store::Commit;

/// Where the mark lies in sled's default tree.
pub const MARK: &[u8] = b"mark";
const MAGIC: [u8; 4] = *b"hfw1";
const LEN: usize = 4 + 16 + 8 + 4;

/// A store's identity and a commit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreMark {
    pub store: u128,
    pub commit: Commit,
}

impl StoreMark {
    pub fn to_bytes(self) -> [u8; LEN] {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.store.to_le_bytes());
        bytes.extend_from_slice(&self.commit.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let mut whole = [0; LEN];
        whole.copy_from_slice(&bytes);
        whole
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let rest = body.strip_prefix(&MAGIC)?;
        let (store, commit) = rest.split_first_chunk::<16>()?;
        let sound = crc32c::crc32c(body) == u32::from_le_bytes(*sum);
        let commit = Commit::from_le_bytes(commit.try_into().ok()?);
        sound.then_some(Self { store: u128::from_le_bytes(*store), commit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_every_flipped_bit_is_noticed() {
        let mark = StoreMark { store: 0x1234_5678_9abc_def0_1122_3344, commit: 77 };
        let bytes = mark.to_bytes();
        assert_eq!(StoreMark::from_bytes(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(StoreMark::from_bytes(&flipped), None, "bit {bit}");
        }
        (0..LEN).for_each(|len| assert_eq!(StoreMark::from_bytes(&bytes[..len]), None));
    }
}
