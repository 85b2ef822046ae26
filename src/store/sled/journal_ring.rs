//! The files of the journal: which of them hold what, and how another one is created.

use super::{data_dir::sync_dir, disk_space, journal_format::SEGMENT};
use crate::{store::Commit, sync};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// With so many segments in use, trees that have long kept rows in memory flush them.
pub const ENOUGH_SEGMENTS: usize = 12;

pub fn segment_path(dir: &Path, slot: usize) -> PathBuf {
    dir.join(format!("journal.{slot:04}"))
}

/// A file of the ring that holds something.
#[derive(Debug, Clone, Copy)]
pub struct UsedSegment {
    pub slot: usize,
    /// The last commit in it.
    pub last: Commit,
}

/// Which files of the ring hold what; the one that is being written is in neither list.
#[derive(Debug, Default)]
pub struct SegmentRing {
    /// The oldest first.
    pub used: Vec<UsedSegment>,
    pub free: Vec<usize>,
    /// How many files there are.
    pub slots: usize,
    /// Those that have been opened, and stay so: later there may be no descriptor left for them.
    pub files: HashMap<usize, Arc<File>>,
    /// Numbers of files that could not be made.
    pub missing: Vec<usize>,
}

/// The ring, shared by the committer and by maintenance.
pub type SharedRing = Arc<Mutex<SegmentRing>>;

/// Frees the files that hold nothing after `through`.
pub fn free_through(slots: &SharedRing, through: Commit) {
    let mut ring = sync::lock(slots);
    let kept = ring.used.iter().position(|used| used.last > through).unwrap_or(ring.used.len());
    let freed: Vec<usize> = ring.used.drain(..kept).map(|used| used.slot).collect();
    ring.free.extend(freed);
}

/// How many times over the journal holds what is enough.
pub fn journal_pressure(slots: &SharedRing) -> usize {
    sync::lock(slots).used.len() / (ENOUGH_SEGMENTS + 1)
}

/// Removes all files, the newest first: everything that they hold is in runs, or has been given up.
pub fn remove_all(dir: &Path, slots: &SharedRing) -> io::Result<()> {
    let mut ring = sync::lock(slots);
    let used: Vec<usize> = ring.used.iter().rev().map(|used| used.slot).collect();
    for slot in used.into_iter().chain(0..ring.slots) {
        match fs::remove_file(segment_path(dir, slot)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    *ring = SegmentRing::default();
    sync_dir(dir)
}

/// Keeps one segment free, so that the committer does not wait for one to be created.
pub fn ensure_spare(dir: &Path, slots: &SharedRing) -> io::Result<()> {
    if sync::lock(slots).free.is_empty() {
        let slot = create_segment(dir, slots)?;
        sync::lock(slots).free.push(slot);
    }
    Ok(())
}

/// Makes another file. One that cannot be made whole is removed: what it has taken is wanted elsewhere.
pub fn create_segment(dir: &Path, slots: &SharedRing) -> io::Result<usize> {
    let slot = {
        let mut ring = sync::lock(slots);
        ring.missing.pop().unwrap_or_else(|| {
            ring.slots += 1;
            ring.slots - 1
        })
    };
    let path = segment_path(dir, slot);
    let make = || {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        // Reserved first, so that a full disk is noticed before anything is written.
        disk_space::allocate_range(&file, 0, SEGMENT, false)?;
        write_zeros(&file, 0, SEGMENT)?;
        file.sync_all()?;
        sync_dir(dir)?;
        Ok(file)
    };
    let made: io::Result<File> = make();
    let mut ring = sync::lock(slots);
    match made {
        Ok(file) => {
            ring.files.insert(slot, Arc::new(file));
            Ok(slot)
        }
        Err(error) => {
            let _ = fs::remove_file(&path);
            ring.missing.push(slot);
            Err(error)
        }
    }
}

/// Zeros from `from` to `to`, written and not only reserved.
pub fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; 256 * 1024];
    let mut at = from;
    while at < to {
        let part = zeros.get(..((to - at) as usize).min(zeros.len())).unwrap_or(&zeros);
        file.write_all_at(part, at)?;
        at += part.len() as u64;
    }
    Ok(())
}
