//! The journal: accepted batches in the order of their commits, group after group, each synced before it counts.
//!
//! It is a ring of files of one size, which are written over once all that they hold is in runs. A file begins with a
//! head; each group is a record:
//!
//! | | |
//! |---|---|
//! | head | `hfj1`, store u128, number of the segment u64, commit before its first u64, crc32c u32 |
//! | record | `hfjr`, length of the payload u32, crc32c u32 of the payload, begun with the sum of the head, payload |
//! | payload | first commit u64, then for each batch: name of the tree, length of the writes, writes |
//! | write | length of the key, key, 0 for a removal or length of the record + 1 and the record |
//!
//! The head is in each sum, so that what a file held before is never taken for a record, nor what a client has sent.
//! Numbers of fixed length are little-endian, lengths LEB128.

use super::{
    block::put,
    mark::Mark,
    open::sync_dir,
    pipe::{Accepted, Medium},
};
use crate::store::{Commit, StoreError, lock};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Files are made full of zeros at this size, because growing a file makes each sync dearer (measured: 118 against
/// 87 µs), and larger ones make a pause when they are made.
pub(super) const SEGMENT: u64 = 4 << 20;
pub(super) const HEAD: usize = 4 + 16 + 8 + 8 + 4;
pub(super) const RECORD_HEAD: usize = 4 + 4 + 4;
pub(super) const SEGMENT_MAGIC: [u8; 4] = *b"hfj1";
pub(super) const RECORD_MAGIC: [u8; 4] = *b"hfjr";

/// So many files that hold something are enough: then trees that have long kept rows in memory write them.
const CROWDED: usize = 12;

/// The watermark beside the store costs a sync of its own, so it moves at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(1);

pub(super) fn path(dir: &Path, slot: usize) -> PathBuf {
    dir.join(format!("journal.{slot:04}"))
}

/// A file of the ring that holds something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) slot: usize,
    /// The last commit in it.
    pub(super) last: Commit,
}

/// Which files of the ring hold what; the one that is being written is in neither list.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// The oldest first.
    pub(super) used: Vec<Used>,
    pub(super) free: Vec<usize>,
    /// How many files there are.
    pub(super) slots: usize,
}

/// The ring, as the committer and whoever frees its files share it.
pub(super) type Slots = Arc<Mutex<Ring>>;

/// Frees the files that hold nothing after `through`.
pub(super) fn trim(slots: &Slots, through: Commit) {
    let mut ring = lock(slots);
    let kept = ring.used.iter().position(|used| used.last > through).unwrap_or(ring.used.len());
    let freed: Vec<usize> = ring.used.drain(..kept).map(|used| used.slot).collect();
    ring.free.extend(freed);
}

/// How many times over the journal holds what is enough.
pub(super) fn crowds(slots: &Slots) -> usize {
    lock(slots).used.len() / (CROWDED + 1)
}

/// Removes all files, the newest first: everything that they hold is in runs, or has been given up.
pub(super) fn wipe(dir: &Path, slots: &Slots) -> io::Result<()> {
    let mut ring = lock(slots);
    let used: Vec<usize> = ring.used.iter().rev().map(|used| used.slot).collect();
    for slot in used.into_iter().chain(0..ring.slots) {
        match fs::remove_file(path(dir, slot)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    *ring = Ring::default();
    sync_dir(dir)
}

/// The writing end of the journal.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    store: u128,
    slots: Slots,
    segment: u64,
    open: Option<Segment>,
    /// The last commit in it.
    last: Commit,
    record: Vec<u8>,
    noted: (Commit, Instant),
    /// Left out by a test of the tests.
    unsynced: bool,
    /// The directory is ours as long as this writes.
    _lock: Arc<File>,
}

#[derive(Debug)]
struct Segment {
    slot: usize,
    file: File,
    at: u64,
    size: u64,
    /// The sum of its head, with which those of its records begin.
    seed: u32,
}

impl Journal {
    /// The journal of a store in `dir`, which goes on behind `mark.commit` and segment `segment`.
    pub(super) fn new(dir: &Path, mark: Mark, slots: Slots, segment: u64, unsynced: bool, lock: Arc<File>) -> Self {
        Self {
            dir: dir.to_owned(),
            store: mark.store,
            slots,
            segment,
            open: None,
            last: mark.commit,
            record: Vec::new(),
            noted: (mark.commit, Instant::now()),
            unsynced,
            _lock: lock,
        }
    }

    fn append(&mut self, group: &[Accepted]) -> io::Result<()> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(()) };
        let len = 8 + group.iter().map(|batch| batch.encoded.len()).sum::<usize>();
        let fits = |open: &Segment| open.at + (RECORD_HEAD + len) as u64 <= open.size;
        if !self.open.as_ref().is_some_and(fits) {
            self.begin_segment((HEAD + RECORD_HEAD + len) as u64)?;
        }
        let Some(open) = &mut self.open else { return Err(io::Error::other("no segment is open")) };
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        if open.at == 0 {
            open.seed = head(&mut record, self.store, self.segment, self.last);
        }
        let begin = record.len();
        record.extend_from_slice(&RECORD_MAGIC);
        record.extend_from_slice(&(len as u32).to_le_bytes());
        record.extend_from_slice(&[0; 4]);
        record.extend_from_slice(&first.commit.to_le_bytes());
        group.iter().for_each(|batch| record.extend_from_slice(&batch.encoded));
        let sum = crc32c::crc32c_append(open.seed, record.get(begin + RECORD_HEAD..).unwrap_or_default());
        if let Some(place) = record.get_mut(begin + 8..begin + RECORD_HEAD) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        open.file.write_all_at(&record, open.at)?;
        open.at += record.len() as u64;
        self.last = last.commit;
        self.record = record;
        Ok(())
    }

    fn begin_segment(&mut self, needed: u64) -> io::Result<()> {
        let free = {
            let mut ring = lock(&self.slots);
            // Taken first: the one that is closed now may be freed at once, and is the one to be used last.
            let free = ring.free.pop();
            ring.used.extend(self.open.take().map(|open| Used { slot: open.slot, last: self.last }));
            free
        };
        let slot = match free {
            Some(slot) => slot,
            None => make(&self.dir, &self.slots)?,
        };
        let file = OpenOptions::new().write(true).open(path(&self.dir, slot))?;
        let size = file.metadata()?.len();
        let wanted = needed.max(SEGMENT);
        if size < wanted {
            fill(&file, size, wanted)?;
            file.sync_all()?;
        }
        self.segment += 1;
        self.open = Some(Segment { slot, file, at: 0, size: size.max(wanted), seed: 0 });
        Ok(())
    }
}

impl Medium for Journal {
    /// A group is one record.
    fn write(&mut self, group: &[Accepted]) -> Result<(), StoreError> {
        self.append(group).map_err(failed)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        match &self.open {
            Some(open) if !self.unsynced => open.file.sync_data().map_err(failed),
            _ => Ok(()),
        }
    }

    fn wants_care(&self) -> bool {
        let ring = lock(&self.slots);
        ring.used.len() > CROWDED || ring.free.is_empty()
    }

    fn note(&mut self, durable: Commit, closing: bool) -> Option<Duration> {
        let (noted, at) = self.noted;
        if noted == durable {
            return None;
        }
        let waited = at.elapsed();
        if waited < NOTE_EVERY && !closing {
            return Some(NOTE_EVERY - waited);
        }
        // The store itself is sound without it, only less watched.
        if let Err(error) = (Mark { store: self.store, commit: durable }).write(&self.dir) {
            tracing::warn!(%error, "the watermark could not be written");
        }
        self.noted = (durable, Instant::now());
        None
    }
}

pub(super) fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the journal cannot be written: {error}"))
}

/// Makes sure that a file is free, so that nobody has to wait until one is made.
pub(super) fn make_spare(dir: &Path, slots: &Slots) -> io::Result<()> {
    if lock(slots).free.is_empty() {
        let slot = make(dir, slots)?;
        lock(slots).free.push(slot);
    }
    Ok(())
}

/// Makes another file.
fn make(dir: &Path, slots: &Slots) -> io::Result<usize> {
    let slot = {
        let mut ring = lock(slots);
        ring.slots += 1;
        ring.slots - 1
    };
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path(dir, slot))?;
    fill(&file, file.metadata()?.len(), SEGMENT)?;
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(slot)
}

/// Zeros from `from` to `to`, written and not only reserved.
fn fill(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; 256 * 1024];
    let mut at = from;
    while at < to {
        let part = zeros.get(..((to - at) as usize).min(zeros.len())).unwrap_or(&zeros);
        file.write_all_at(part, at)?;
        at += part.len() as u64;
    }
    Ok(())
}

/// Appends the head of a segment; gives its sum.
fn head(record: &mut Vec<u8>, store: u128, segment: u64, after: Commit) -> u32 {
    let begin = record.len();
    record.extend_from_slice(&SEGMENT_MAGIC);
    record.extend_from_slice(&store.to_le_bytes());
    record.extend_from_slice(&segment.to_le_bytes());
    record.extend_from_slice(&after.to_le_bytes());
    let sum = crc32c::crc32c(record.get(begin..).unwrap_or_default());
    record.extend_from_slice(&sum.to_le_bytes());
    sum
}

/// What a batch writes into the tree called `name`, as it stands in a record.
pub(super) fn encode(name: &str, writes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Vec<u8> {
    let len = |(key, record): &(Vec<u8>, Option<Vec<u8>>)| 6 + key.len() + record.as_ref().map_or(0, Vec::len);
    let room = writes.iter().map(len).sum::<usize>();
    let mut body = Vec::with_capacity(room);
    for (key, record) in writes {
        put(&mut body, key.len() as u64);
        body.extend_from_slice(key);
        match record {
            None => put(&mut body, 0),
            Some(record) => {
                put(&mut body, record.len() as u64 + 1);
                body.extend_from_slice(record);
            }
        }
    }
    let mut encoded = Vec::with_capacity(body.len() + name.len() + 8);
    put(&mut encoded, name.len() as u64);
    encoded.extend_from_slice(name.as_bytes());
    put(&mut encoded, body.len() as u64);
    encoded.extend_from_slice(&body);
    encoded
}
