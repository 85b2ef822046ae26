//! The journal: accepted batches in the order of their commits, group after group, each synced
//! before it counts.

use super::{
    commit_queue::{LogWriter, QueuedBatch},
    disk_space::{self, DiskSpace},
    integrity::store_mark::StoreMark,
    journal_format::{self, HEAD, RECORD_HEAD, RECORD_MAGIC, SEGMENT},
    journal_ring::{
        ENOUGH_SEGMENTS, SharedRing, UsedSegment, create_segment, segment_path, write_zeros,
    },
    watermark::Watermark,
};
use crate::{
    store::{Commit, StoreError},
    sync,
};
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// The watermark beside the store costs a sync of its own, so it moves at most this often.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(1);

/// Free space is measured after so many bytes.
const SPACE_CHECK_BYTES: u64 = 256 << 10;
/// How long it waits for room or for a descriptor before it tries again, at first and in the end.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// The writing end of the journal.
#[derive(Debug)]
pub struct Journal {
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
    /// The journal of a store in `dir`, which continues after `mark.commit` and segment `segment`.
    pub fn new(
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
    pub fn with_skip_sync(self, unsynced: bool) -> Self {
        Self { with_skip_sync: unsynced, ..self }
    }

    fn append_group(&mut self, group: &[QueuedBatch]) -> io::Result<()> {
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
            open.seed = journal_format::put_segment_header(
                &mut record,
                self.store,
                self.segment,
                self.last,
            );
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
        let free = sync::lock(&self.ring).free.pop();
        let slot = match free {
            Some(slot) => slot,
            None => create_segment(&self.dir, &self.ring)?,
        };
        // All that can fail comes before anything has changed, so that it can be tried again.
        let (file, size) = self
            .open_segment_file(slot, needed.max(SEGMENT))
            .inspect_err(|_| sync::lock(&self.ring).free.push(slot))?;
        sync::lock(&self.ring)
            .used
            .extend(self.open.take().map(|open| UsedSegment { slot: open.slot, last: self.last }));
        self.segment += 1;
        self.open = Some(Segment { slot, file, at: 0, size, seed: 0 });
        Ok(())
    }

    /// The file in `slot`, grown to at least `wanted` bytes; and its size.
    fn open_segment_file(&self, slot: usize, wanted: u64) -> io::Result<(Arc<File>, u64)> {
        let known = sync::lock(&self.ring).files.get(&slot).cloned();
        let file = match known {
            Some(file) => file,
            None => {
                let file =
                    Arc::new(OpenOptions::new().write(true).open(segment_path(&self.dir, slot))?);
                sync::lock(&self.ring).files.insert(slot, file.clone());
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
            match self.append_group(group) {
                Ok(()) => {
                    if waits {
                        tracing::info!("the journal can be written again");
                        self.space.set_journal_wait(None);
                    }
                    return Ok(());
                }
                Err(error) if !disk_space::is_transient(&error) => return Err(write_failed(error)),
                Err(error) if self.space.closing.load(Relaxed) => {
                    return Err(disk_space::closed_while_waiting(&error));
                }
                Err(error) => {
                    if !waits {
                        tracing::error!(%error, "the journal cannot be written; nothing is acknowledged until it can");
                    }
                    waits = true;
                    self.space.set_journal_wait(Some(error.to_string()));
                    self.space.measure_again();
                    thread::sleep(pause);
                    pause = (pause * 2).min(RETRY_DELAYS.1);
                }
            }
        }
    }
}

impl LogWriter for Journal {
    /// A group is one record.
    fn write_group(&mut self, group: &[QueuedBatch]) -> Result<(), StoreError> {
        self.append_with_retry(group)?;
        self.bytes_since_space_check +=
            group.iter().map(|batch| batch.encoded.len() as u64).sum::<u64>();
        if self.bytes_since_space_check > SPACE_CHECK_BYTES {
            self.bytes_since_space_check = 0;
            self.space.measure_again();
        }
        Ok(())
    }

    fn sync_writes(&mut self) -> Result<(), StoreError> {
        match &self.open {
            Some(open) if !self.with_skip_sync => open.file.sync_data().map_err(write_failed),
            _ => Ok(()),
        }
    }

    fn needs_maintenance(&self) -> bool {
        let ring = sync::lock(&self.ring);
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

pub fn write_failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the journal cannot be written: {error}"))
}
