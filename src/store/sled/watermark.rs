//! The watermark: a small file beside the store that records how far the store had got. It is
//! written after what it records has been synced, and so is never ahead: a store older than its
//! watermark has lost something.
//!
//! `hfw2`, store u128, last commit u64, commit up to which all is in runs u64, generation u64 and
//! checksum u32 of the [roots](super::integrity::roots), crc32c u32. Before there were roots it was
//! `hfw1`, store, last commit, crc32c.

use super::integrity::roots::Root;
use crate::{store::Commit, sync};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Mutex,
};

pub const FILE: &str = "watermark";
const MAGIC: [u8; 4] = *b"hfw2";
const MAGIC_V1: [u8; 4] = *b"hfw1";
const LEN: usize = 4 + 16 + 8 + 8 + 8 + 4 + 4;

/// How far a store had got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatermarkRecord {
    pub store: u128,
    /// The last durable commit.
    pub commit: Commit,
    /// The commit up to which all was in runs, and may have left the journal.
    pub through: Commit,
    /// The roots of its trees; of generation 0 before there were any.
    pub roots: Root,
}

impl WatermarkRecord {
    fn to_bytes(self) -> [u8; LEN] {
        let mut stored = Vec::with_capacity(LEN);
        stored.extend_from_slice(&MAGIC);
        stored.extend_from_slice(&self.store.to_le_bytes());
        stored.extend_from_slice(&self.commit.to_le_bytes());
        stored.extend_from_slice(&self.through.to_le_bytes());
        stored.extend_from_slice(&self.roots.generation.to_le_bytes());
        stored.extend_from_slice(&self.roots.sum.to_le_bytes());
        stored.extend_from_slice(&crc32c::crc32c(&stored).to_le_bytes());
        let mut whole = [0; LEN];
        whole.copy_from_slice(&stored);
        whole
    }

    fn from_bytes(stored: &[u8]) -> Option<Self> {
        let (body, sum) = stored.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (magic, rest) = body.split_first_chunk::<4>()?;
        let (store, rest) = rest.split_first_chunk::<16>()?;
        let (commit, rest) = rest.split_first_chunk::<8>()?;
        let store = u128::from_le_bytes(*store);
        let commit = Commit::from_le_bytes(*commit);
        match *magic {
            MAGIC_V1 => rest.is_empty().then_some(Self { store, commit, ..Self::default() }),
            MAGIC => {
                let (through, rest) = rest.split_first_chunk::<8>()?;
                let (generation, sum) = rest.split_first_chunk::<8>()?;
                let sum = u32::from_le_bytes(sum.try_into().ok()?);
                let roots = Root { generation: u64::from_le_bytes(*generation), sum };
                Some(Self { store, commit, through: Commit::from_le_bytes(*through), roots })
            }
            _ => None,
        }
    }

    /// Reads the file beside the store in `dir`. `Ok(None)`: there is none. An unreadable one counts as an error.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        match fs::read(dir.join(FILE)) {
            Ok(stored) => Self::from_bytes(&stored).map(Some).ok_or_else(|| {
                bad("its checksum does not match, or a newer version of the software wrote it")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the file beside the store in `dir` is in the format before this one.
    pub fn is_old(dir: &Path) -> bool {
        fs::read(dir.join(FILE)).is_ok_and(|stored| stored.starts_with(&MAGIC_V1))
    }

    /// Writes it over what is in the file.
    fn write_into(self, file: &File) -> io::Result<()> {
        file.write_all_at(&self.to_bytes(), 0)?;
        file.sync_data()
    }

    /// Writes the file beside the store in `dir`: whole or not at all. It stays open, to be written again and again.
    fn write(self, dir: &Path) -> io::Result<File> {
        let path = dir.join(FILE);
        // It lies in one sector, which a disk writes as a whole. Replacing the file would make the file system write its
        // own journal, and with that all else that waits to be written.
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) if file.metadata()?.len() == LEN as u64 => {
                self.write_into(&file)?;
                return Ok(file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let temporary = dir.join("watermark.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        fs::rename(temporary, path)?;
        Ok(file)
    }
}

/// The watermark of an open store. Each thread that syncs something moves it.
#[derive(Debug)]
pub struct Watermark {
    file: File,
    written: Mutex<WatermarkRecord>,
}

impl Watermark {
    /// Writes the first one.
    pub fn create(dir: &Path, reached: WatermarkRecord) -> io::Result<Self> {
        Ok(Self { file: reached.write(dir)?, written: Mutex::new(reached) })
    }

    /// Commits up to this one are durable.
    pub fn advance_durable(&self, commit: Commit) {
        self.update_record(|reached| reached.commit = reached.commit.max(commit));
    }

    /// These roots are durable, and commits up to `through` are in the runs that they lead to. Says
    /// whether that has been written: nothing may be removed before it is, for the next start
    /// begins there.
    pub fn advance_roots(&self, roots: Root, through: Commit) -> bool {
        self.update_record(|reached| {
            if roots.generation > reached.roots.generation {
                reached.roots = roots;
            }
            reached.through = reached.through.max(through);
        })
    }

    fn update_record(&self, change: impl FnOnce(&mut WatermarkRecord)) -> bool {
        let mut reached = sync::lock(&self.written);
        let mut changed = *reached;
        change(&mut changed);
        if changed == *reached {
            return true;
        }
        match changed.write_into(&self.file) {
            Ok(()) => {
                *reached = changed;
                true
            }
            // The store itself is sound without it, only less watched.
            Err(error) => {
                tracing::warn!(%error, "the watermark could not be written");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_reads_back_and_every_flipped_bit_is_noticed() {
        let roots = Root { generation: 12, sum: 0xdead_beef };
        let reached = WatermarkRecord {
            store: 0x1234_5678_9abc_def0_1122_3344,
            commit: 77,
            through: 60,
            roots,
        };
        let bytes = reached.to_bytes();
        assert_eq!(WatermarkRecord::from_bytes(&bytes), Some(reached));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(WatermarkRecord::from_bytes(&flipped), None, "bit {bit}");
        }
        (0..LEN).for_each(|len| assert_eq!(WatermarkRecord::from_bytes(&bytes[..len]), None));
    }

    #[test]
    fn one_from_before_there_were_roots_is_read() {
        let mut old = b"hfw1".to_vec();
        old.extend_from_slice(&5_u128.to_le_bytes());
        old.extend_from_slice(&77_u64.to_le_bytes());
        old.extend_from_slice(&crc32c::crc32c(&old).to_le_bytes());
        assert_eq!(
            WatermarkRecord::from_bytes(&old),
            Some(WatermarkRecord { store: 5, commit: 77, ..WatermarkRecord::default() })
        );
    }
}
