//! Which store this is and how far it got: a row inside the store, and the same in a small file beside it.
//!
//! sled drops a damaged tail without a word. The file is written after the sync and so never ahead of it: a store that
//! is behind its file has lost something.

use crate::store::Commit;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
};

const FILE: &str = "watermark";
const MAGIC: [u8; 4] = *b"hfw1";
const LEN: usize = 4 + 16 + 8 + 4;

/// Opens the file beside the store in `dir`, to be written again and again.
pub(super) fn open(dir: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(dir.join(FILE))
}

/// A store's identity and a commit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) store: u128,
    pub(super) commit: Commit,
}

impl Mark {
    pub(super) fn to_bytes(self) -> [u8; LEN] {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.store.to_le_bytes());
        bytes.extend_from_slice(&self.commit.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let mut whole = [0; LEN];
        whole.copy_from_slice(&bytes);
        whole
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let rest = body.strip_prefix(&MAGIC)?;
        let (store, commit) = rest.split_first_chunk::<16>()?;
        let sound = crc32c::crc32c(body) == u32::from_le_bytes(*sum);
        let commit = Commit::from_le_bytes(commit.try_into().ok()?);
        sound.then_some(Self { store: u128::from_le_bytes(*store), commit })
    }

    /// Reads the file beside the store in `dir`. `Ok(None)`: there is none. An unreadable one counts as an error.
    pub(super) fn read(dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => Self::from_bytes(&bytes)
                .map(Some)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it over what is in the file.
    pub(super) fn write_into(self, file: &File) -> io::Result<()> {
        file.write_all_at(&self.to_bytes(), 0)?;
        file.sync_data()
    }

    /// Writes the file beside the store in `dir`: whole or not at all.
    pub(super) fn write(self, dir: &Path) -> io::Result<()> {
        let path = dir.join(FILE);
        // It lies in one sector, which a disk writes as a whole. Replacing the file would make the file system write its
        // own journal, and with that whatever else waits to be written.
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) if file.metadata()?.len() == LEN as u64 => {
                return self.write_into(&file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let temporary = dir.join("watermark.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        fs::rename(temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_every_flipped_bit_is_noticed() {
        let mark = Mark { store: 0x1234_5678_9abc_def0_1122_3344, commit: 77 };
        let bytes = mark.to_bytes();
        assert_eq!(Mark::from_bytes(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::from_bytes(&flipped), None, "bit {bit}");
        }
        (0..LEN).for_each(|len| assert_eq!(Mark::from_bytes(&bytes[..len]), None));
    }
}
