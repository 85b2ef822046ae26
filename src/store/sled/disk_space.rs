//! The room that is left on the disk: a full disk is foreseen and never met.
//!
//! sled refuses everything after one write that failed, and a journal that cannot grow acknowledges
//! nothing. So new commands are refused while there is still room for all that has been accepted:
//!
//! | free | what is done |
//! |---|---|
//! | the reserve and more | everything |
//! | less than the reserve | the store is *full*: no new commands; accepted work goes on, and no
//! larger merge begins |
//! | less than half of it | batches are refused too, and retried; rows are still flushed |
//! | less than a quarter | rows stay in memory, and the journal has what is left |
//!
//! The data directory also has a file of the size of the reserve. A store that is opened on a full
//! disk removes it, because opening writes; it is created again when there is room for it, and
//! until then the store counts as full.
use super::journal_format::SEGMENT;
use crate::{store::StoreError, sync};
use rustix::{fs::StatVfs, io::Errno};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

/// The reserve of a large file system.
const MAX_AUTO_RESERVE: u64 = 64 << 20;
/// The file that is given up.
const FILE: &str = "reserve";
/// How much room sled always has ahead of the end of its file: more than it writes between two looks.
const AHEAD: u64 = 4 << 20;

/// How much of the disk is kept free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reserve {
    /// Nothing: the store is never full, and waits where the disk is.
    #[default]
    None,
    /// 64 MiB or a tenth of the file system, whichever is less, and at least two journal files.
    Auto,
    /// This many bytes, and at least two journal files.
    Bytes(u64),
}

impl Reserve {
    pub(crate) fn bytes_of(self, dir: &Path) -> u64 {
        match self {
            Self::None => 0,
            Self::Bytes(bytes) => bytes.max(2 * SEGMENT),
            Self::Auto => {
                let size = stat_filesystem(dir)
                    .map_or(u64::MAX, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
                (size / 10).clamp(2 * SEGMENT, MAX_AUTO_RESERVE)
            }
        }
    }
}

fn stat_filesystem(dir: &Path) -> Option<StatVfs> {
    rustix::fs::statvfs(dir)
        .inspect_err(|error| tracing::warn!(%error, "the disk cannot be asked for its room"))
        .ok()
}

pub fn free_bytes(dir: &Path) -> Option<u64> {
    stat_filesystem(dir).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Before a store is opened: gives up the file that is kept for this, where there is not enough room without it.
pub fn release_reserve_file(dir: &Path, reserve: Reserve) -> io::Result<()> {
    let reserve = reserve.bytes_of(dir);
    let path = dir.join(FILE);
    let Ok(kept) = path.metadata() else { return Ok(()) };
    let scarce = free_bytes(dir).is_some_and(|free| free < reserve);
    if scarce {
        tracing::warn!(dir = %dir.display(), "the disk is full: the file `reserve` is given up to open the store");
    }
    // One of another size was kept for another setting.
    if scarce || kept.len() != reserve { fs::remove_file(path) } else { Ok(()) }
}

/// Whether an error goes away once there is room again, or a free descriptor.
pub fn is_transient(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOSPC | Errno::DQUOT | Errno::MFILE | Errno::NFILE)
    )
}

/// What is known of the room on the disk of one store.
#[derive(Debug)]
pub struct DiskSpace {
    dir: PathBuf,
    pub reserve: u64,
    free: AtomicU64,
    full: AtomicBool,
    /// Whether the file is there.
    has_reserve_file: AtomicBool,
    /// What the journal waits for, while it does.
    waits_for: Mutex<Option<String>>,
    /// The store is closing: waiting for room ends.
    pub closing: AtomicBool,
}

impl DiskSpace {
    pub fn new(dir: &Path, reserve: Reserve) -> Self {
        let space = Self {
            dir: dir.to_owned(),
            reserve: reserve.bytes_of(dir),
            free: AtomicU64::new(u64::MAX),
            full: AtomicBool::new(false),
            has_reserve_file: AtomicBool::new(dir.join(FILE).exists()),
            waits_for: Mutex::default(),
            closing: AtomicBool::new(false),
        };
        space.measure_again();
        space.create_reserve_file();
        space
    }

    /// Asks the file system how much room there is.
    pub fn measure_again(&self) {
        let Some(free) = free_bytes(&self.dir) else { return };
        self.free.store(free, Relaxed);
        let was = self.full.load(Relaxed);
        let needed =
            if self.has_reserve_file.load(Relaxed) { self.reserve } else { 2 * self.reserve };
        // Hysteresis, so that it does not change with every small file.
        let full = free < if was { needed + self.reserve / 16 } else { needed };
        if full != was && self.full.swap(full, Relaxed) != full {
            let dir = self.dir.display();
            let free_mb = free >> 20;
            let needed_mb = (needed + self.reserve / 16).div_ceil(1 << 20);
            if full {
                tracing::error!(
                    %dir, free_mb, needed_mb,
                    "the disk is full: new commands are refused until so much is free"
                )
            } else {
                tracing::info!(%dir, free_mb, "there is room again: commands are taken")
            }
        }
    }

    /// Makes the file that is given up on a full disk, if there is room for it and for the reserve.
    pub fn create_reserve_file(&self) {
        let room = self.free.load(Relaxed) >= 2 * self.reserve;
        if self.reserve == 0 || !room || self.has_reserve_file.load(Relaxed) {
            return;
        }
        let path = self.dir.join(FILE);
        let made = OpenOptions::new().write(true).create(true).truncate(true).open(&path).and_then(
            |file| {
                allocate_range(&file, 0, self.reserve, false)?;
                file.sync_all()
            },
        );
        match made {
            Ok(()) => self.has_reserve_file.store(true, Relaxed),
            Err(error) => {
                let _ = fs::remove_file(path);
                tracing::warn!(%error, "cannot reserve room for opening the store on a full disk");
            }
        }
        self.measure_again();
    }

    /// Whether new commands are to be refused.
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }

    /// Whether the reserve is used up as far as batches may use it.
    pub fn refuses_batches(&self) -> bool {
        self.free.load(Relaxed) < self.reserve / 2
    }

    /// How many bytes are free, if the file system knows.
    pub fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(Relaxed)).filter(|free| *free != u64::MAX)
    }

    /// Reserves room for sled's writes after the end of its `file`; false where that would leave
    /// less than `least` free.
    pub fn ensure_room_ahead(&self, file: &File, least: u64) -> bool {
        self.measure_again();
        let free = self.free.load(Relaxed);
        let Ok(end) = file.metadata().map(|about| about.len()) else { return false };
        let laid = || match allocate_range(file, end, AHEAD, true) {
            Err(error) if is_transient(&error) => false,
            Err(error) => {
                tracing::debug!(%error, "cannot reserve room on this file system; using the free space that it reports");
                free >= least.saturating_add(AHEAD)
            }
            Ok(()) => true,
        };
        free >= least && laid()
    }

    /// What the journal waits for; `None`: nothing.
    pub fn set_journal_wait(&self, what: Option<String>) {
        *sync::lock(&self.waits_for) = what;
    }

    /// What it waits for now.
    pub fn waits_for(&self) -> Option<String> {
        sync::lock(&self.waits_for).clone()
    }
}

/// Has the file system reserve room, inside the file or after its end. Where a file system cannot,
/// its figure of free space is believed.
pub fn allocate_range(file: &File, from: u64, len: u64, beyond_end: bool) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = if beyond_end { FallocateFlags::KEEP_SIZE } else { FallocateFlags::empty() };
    match fallocate(file, flags, from, len) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let free = rustix::fs::fstatvfs(file)
                .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))?;
            if free >= len { Ok(()) } else { Err(Errno::NOSPC.into()) }
        }
        other => Ok(other?),
    }
}

/// The error of waiting for room until the store was closed.
pub fn closed_while_waiting(error: &io::Error) -> StoreError {
    StoreError::Failed(format!("it was closed while the journal could not be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_two_journal_files_at_the_least_and_64_mib_at_the_most() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(Reserve::None.bytes_of(dir.path()), 0);
        assert_eq!(Reserve::Bytes(1).bytes_of(dir.path()), 2 * SEGMENT);
        let usual = Reserve::Auto.bytes_of(dir.path());
        assert!((2 * SEGMENT..=MAX_AUTO_RESERVE).contains(&usual), "{usual}");
    }

    #[test]
    fn what_is_kept_is_given_up_only_when_there_is_no_room() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let reserve = Reserve::Bytes(2 * SEGMENT);
        let file = dir.path().join(FILE);
        let space = DiskSpace::new(dir.path(), reserve);
        assert_eq!(file.metadata().expect("it is kept").len(), 2 * SEGMENT);
        assert!(!space.is_full() && !space.refuses_batches());
        release_reserve_file(dir.path(), reserve).expect("may be removed");
        assert!(file.exists(), "there is room");
        // More than any disk has.
        release_reserve_file(dir.path(), Reserve::Bytes(1 << 60)).expect("may be removed");
        assert!(!file.exists());
        assert!(DiskSpace::new(dir.path(), Reserve::Bytes(1 << 60)).is_full());
    }

    #[test]
    fn temporary_errors_are_distinguished_from_lasting_ones() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE] {
            assert!(is_transient(&errno.into()));
        }
        assert!(!is_transient(&Errno::IO.into()) && !is_transient(&io::Error::other("no")));
    }
}
