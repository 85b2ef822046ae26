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

pub(super) use super::ring::{
    SegmentRing, SharedRing, UsedSegment, ensure_spare, free_through, pressure, remove_all,
    segment_path,
};

use super::{
    block::put_varint,
    mark::StoreMark,
    pipe::{LogWriter, QueuedBatch},
    ring::{ENOUGH_SEGMENTS, create_segment, write_zeros},
    space::{self, DiskSpace},
    watermark::Watermark,
};
use crate::store::{Commit, StoreError, lock};
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// Files are made full of zeros at this size, because growing a file makes each sync dearer (measured: 118 against
/// 87 µs), and larger ones make a pause when they are made.
pub(super) const SEGMENT: u64 = 4 << 20;
pub(super) const HEAD: usize = 4 + 16 + 8 + 8 + 4;
pub(super) const RECORD_HEAD: usize = 4 + 4 + 4;
pub(super) const SEGMENT_MAGIC: [u8; 4] = *b"hfj1";
pub(super) const RECORD_MAGIC: [u8; 4] = *b"hfjr";

/// The watermark beside the store costs a sync of its own, so it moves at most this often.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(1);

/// After so much the disk is asked how much room it has left.
const SPACE_CHECK_BYTES: u64 = 256 << 10;
/// How long it waits for room or for a descriptor before it tries again, at first and in the end.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// The writing end of the journal.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    store: u128,
    ring: SharedRing,
    space: Arc<DiskSpace>,
    /// Written since the disk was last asked for its room.
    bytes_since_space_check: u64,
    segment: u64,
    open: Option<Segment>,
    /// The last commit in it.
    last: Commit,
    record: Vec<u8>,
    last_watermark: (Commit, Instant),
    watermark: Arc<Watermark>,
    /// Left out by a test of the tests.
    with_skip_sync: bool,
    /// The directory is ours as long as this writes.
    _lock: Arc<File>,
}

#[derive(Debug)]
struct Segment {
    slot: usize,
    file: Arc<File>,
    at: u64,
    size: u64,
    /// The sum of its head, with which those of its records begin.
    seed: u32,
}

impl Journal {
    /// The journal of a store in `dir`, which goes on behind `mark.commit` and segment `segment`.
    pub(super) fn new(
        dir: &Path,
        mark: StoreMark,
        ring: SharedRing,
        space: Arc<DiskSpace>,
        segment: u64,
        watermark: Arc<Watermark>,
        lock: Arc<File>,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            store: mark.store,
            ring,
            space,
            bytes_since_space_check: 0,
            segment,
            open: None,
            last: mark.commit,
            record: Vec::new(),
            last_watermark: (mark.commit, Instant::now()),
            watermark,
            with_skip_sync: false,
            _lock: lock,
        }
    }

    /// Whether it leaves out the sync, for a test of the tests.
    pub(super) fn with_skip_sync(self, unsynced: bool) -> Self {
        Self { with_skip_sync: unsynced, ..self }
    }

    fn append(&mut self, group: &[QueuedBatch]) -> io::Result<()> {
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
            open.seed = put_segment_header(&mut record, self.store, self.segment, self.last);
        }
        let begin = record.len();
        record.extend_from_slice(&RECORD_MAGIC);
        record.extend_from_slice(&(len as u32).to_le_bytes());
        record.extend_from_slice(&[0; 4]);
        record.extend_from_slice(&first.commit.to_le_bytes());
        group.iter().for_each(|batch| record.extend_from_slice(&batch.encoded));
        let sum =
            crc32c::crc32c_append(open.seed, record.get(begin + RECORD_HEAD..).unwrap_or_default());
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
        // Taken first: the one that is closed now may be freed at once, and is the one to be used last.
        let free = lock(&self.ring).free.pop();
        let slot = match free {
            Some(slot) => slot,
            None => create_segment(&self.dir, &self.ring)?,
        };
        // All that can fail comes before anything has changed, so that it can be tried again.
        let (file, size) = self
            .open_segment_file(slot, needed.max(SEGMENT))
            .inspect_err(|_| lock(&self.ring).free.push(slot))?;
        lock(&self.ring)
            .used
            .extend(self.open.take().map(|open| UsedSegment { slot: open.slot, last: self.last }));
        self.segment += 1;
        self.open = Some(Segment { slot, file, at: 0, size, seed: 0 });
        Ok(())
    }

    /// The file in `slot`, with room for so much; and how much it has.
    fn open_segment_file(&self, slot: usize, wanted: u64) -> io::Result<(Arc<File>, u64)> {
        let known = lock(&self.ring).files.get(&slot).cloned();
        let file = match known {
            Some(file) => file,
            None => {
                let file =
                    Arc::new(OpenOptions::new().write(true).open(segment_path(&self.dir, slot))?);
                lock(&self.ring).files.insert(slot, file.clone());
                file
            }
        };
        let size = file.metadata()?.len();
        if size < wanted {
            write_zeros(&file, size, wanted)?;
            file.sync_all()?;
        }
        Ok((file, size.max(wanted)))
    }

    /// Tries until it can be written: a full disk or a lack of descriptors passes, and what was accepted waits for it.
    fn append_with_retry(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError> {
        let mut pause = RETRY_DELAYS.0;
        let mut waits = false;
        loop {
            match self.append(group) {
                Ok(()) => {
                    if waits {
                        tracing::info!("the journal can be written again");
                        self.space.set_journal_wait(None);
                    }
                    return Ok(());
                }
                Err(error) if !space::is_transient(&error) => return Err(write_failed(error)),
                Err(error) if self.space.closing.load(Relaxed) => {
                    return Err(space::closed_while_waiting(&error));
                }
                Err(error) => {
                    if !waits {
                        tracing::error!(%error, "the journal cannot be written; nothing is acknowledged until it can");
                    }
                    waits = true;
                    self.space.set_journal_wait(Some(error.to_string()));
                    self.space.refresh();
                    thread::sleep(pause);
                    pause = (pause * 2).min(RETRY_DELAYS.1);
                }
            }
        }
    }
}

impl LogWriter for Journal {
    /// A group is one record.
    fn write(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError> {
        self.append_with_retry(group)?;
        self.bytes_since_space_check +=
            group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
        if self.bytes_since_space_check > SPACE_CHECK_BYTES {
            self.bytes_since_space_check = 0;
            self.space.refresh();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        match &self.open {
            Some(open) if !self.with_skip_sync => open.file.sync_data().map_err(write_failed),
            _ => Ok(()),
        }
    }

    fn needs_maintenance(&self) -> bool {
        let ring = lock(&self.ring);
        ring.used.len() > ENOUGH_SEGMENTS || ring.free.is_empty()
    }

    fn write_watermark(&mut self, durable: Commit, closing: bool) -> Option<Duration> {
        let (noted, at) = self.last_watermark;
        if noted == durable {
            return None;
        }
        let waited = at.elapsed();
        if waited < WATERMARK_INTERVAL && !closing {
            return Some(WATERMARK_INTERVAL - waited);
        }
        self.watermark.advance_durable(durable);
        self.last_watermark = (durable, Instant::now());
        None
    }
}

pub(super) fn write_failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the journal cannot be written: {error}"))
}

/// Appends the head of a segment; gives its sum.
fn put_segment_header(record: &mut Vec<u8>, store: u128, segment: u64, after: Commit) -> u32 {
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
pub(super) fn encode_batch(name: &str, writes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Vec<u8> {
    let len = |(key, record): &(Vec<u8>, Option<Vec<u8>>)| {
        6 + key.len() + record.as_ref().map_or(0, Vec::len)
    };
    let room = writes.iter().map(len).sum::<usize>();
    let mut body = Vec::with_capacity(room);
    for (key, record) in writes {
        put_varint(&mut body, key.len() as u64);
        body.extend_from_slice(key);
        match record {
            None => put_varint(&mut body, 0),
            Some(record) => {
                put_varint(&mut body, record.len() as u64 + 1);
                body.extend_from_slice(record);
            }
        }
    }
    let mut encoded = Vec::with_capacity(body.len() + name.len() + 8);
    put_varint(&mut encoded, name.len() as u64);
    encoded.extend_from_slice(name.as_bytes());
    put_varint(&mut encoded, body.len() as u64);
    encoded.extend_from_slice(&body);
    encoded
}
