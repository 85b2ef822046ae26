//! Reading the journal when a store is opened.
//!
//! A group is synced before the next is written, so only the last record can be torn. Whatever is
//! missing before a valid record was acknowledged: that is reported as damage.

use super::{
    journal_format::{
        HEAD, RECORD_MAGIC, RecoveredSegment, parse_header, parse_record, parse_writes,
    },
    journal_ring::{SegmentRing, UsedSegment, segment_path},
};
use crate::store::{
    Commit,
    varint::{take_bytes, take_varint},
};
use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

/// What was done when a store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// Batches that were taken from the journal, because no run had them.
    pub batches: u64,
    /// How long opening took.
    pub took: Duration,
}

/// What one batch wrote.
#[derive(Debug)]
pub struct RecoveredBatch {
    pub commit: Commit,
    pub tree: String,
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// What the journal holds.
#[derive(Debug, Default)]
pub struct JournalContents {
    /// Of which store; `None`: there is no journal.
    pub store: Option<u128>,
    /// The commit before the first.
    pub after: Commit,
    pub batches: Vec<RecoveredBatch>,
    /// The last commit.
    pub last: Commit,
    /// The highest commit that a head speaks of.
    pub highest: Commit,
    /// Where the records of the last segment end.
    end: usize,
    /// The highest number of a segment.
    pub segment: u64,
    pub ring: SegmentRing,
    /// What is wrong with it: from there on nothing has been read.
    pub damage: Option<String>,
}

/// The journal's files, as they are.
#[derive(Debug, Default)]
pub struct JournalFiles {
    /// In the order in which they were written.
    segments: Vec<RecoveredSegment>,
    ring: SegmentRing,
    unreadable: Option<String>,
}

impl JournalFiles {
    /// Reads those in `dir`.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        for slot in list_slots(dir)? {
            files.ring.slots = files.ring.slots.max(slot + 1);
            let content = fs::read(segment_path(dir, slot))?;
            match parse_header(slot, content) {
                Ok(Some(segment)) => files.segments.push(segment),
                Ok(None) => files.ring.free.push(slot),
                Err(damage) => files.unreadable = Some(damage),
            }
        }
        files.segments.sort_by_key(|segment| segment.number);
        Ok(files)
    }

    /// What they hold after commit `through`. Nothing is changed.
    pub fn contents_after(&self, through: Commit) -> JournalContents {
        let ring = SegmentRing {
            free: self.ring.free.clone(),
            slots: self.ring.slots,
            ..SegmentRing::default()
        };
        let mut contents = JournalContents { ring, ..JournalContents::default() };
        contents.highest = self.segments.iter().map(|segment| segment.after).max().unwrap_or(0);
        // Segments before the last one that begins early enough have been freed.
        let begin = self.segments.iter().rposition(|segment| segment.after <= through).unwrap_or(0);
        let (old, needed) = self.segments.split_at_checked(begin).unwrap_or_default();
        contents.ring.free.extend(old.iter().map(|segment| segment.slot));
        for (place, segment) in needed.iter().enumerate() {
            contents.add_segment(segment, place == 0);
        }
        contents.damage = contents.damage.or_else(|| self.unreadable.clone());
        contents
    }

    /// What a process wrote and did not live to sync can be read, and yet not be on the disk; or be there no more, after
    /// a sync that failed. Before it counts it is written once more.
    pub fn rewrite_last_segment(&self, dir: &Path, contents: &JournalContents) -> io::Result<()> {
        let (Some(segment), None) = (self.segments.last(), &contents.damage) else { return Ok(()) };
        let file = OpenOptions::new().write(true).open(segment_path(dir, segment.slot))?;
        file.write_all_at(segment.content.get(..contents.end).unwrap_or(&segment.content), 0)?;
        file.sync_data()
    }
}

fn list_slots(dir: &Path) -> io::Result<Vec<usize>> {
    let mut slots = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        slots.extend(
            name.to_str().and_then(|name| name.strip_prefix("journal.")?.parse::<usize>().ok()),
        );
    }
    slots.sort_unstable();
    Ok(slots)
}

impl JournalContents {
    fn add_segment(&mut self, segment: &RecoveredSegment, is_first: bool) {
        (self.segment, self.end) = (segment.number, HEAD);
        if is_first {
            (self.store, self.after, self.last) =
                (Some(segment.store), segment.after, segment.after);
        }
        if self.damage.is_none() {
            self.damage = self.read_records(segment).err();
        }
        self.ring.used.push(UsedSegment { slot: segment.slot, last: self.last });
    }

    fn read_records(&mut self, segment: &RecoveredSegment) -> Result<(), String> {
        if self.store != Some(segment.store) {
            return Err("the journal has files of two stores".into());
        }
        if segment.after != self.last {
            return Err(format!(
                "the journal lacks what is between commits {} and {}",
                self.last, segment.after
            ));
        }
        let mut at = HEAD;
        while let Some((payload, next)) = parse_record(segment, at) {
            self.read_payload(payload)
                .ok_or_else(|| format!("commit {} cannot be read", self.last + 1))?;
            at = next;
        }
        self.end = at;
        // Only the end can be torn. A valid record after it was written after it had been synced.
        let behind = segment.content.get(at + 1..).unwrap_or_default();
        let sound = |from: usize| parse_record(segment, at + 1 + from).is_some();
        let mut candidates = memchr::memmem::find_iter(behind, &RECORD_MAGIC);
        if candidates.any(sound) {
            Err(format!("the journal is damaged after commit {}", self.last))
        } else {
            Ok(())
        }
    }

    fn read_payload(&mut self, payload: &[u8]) -> Option<()> {
        let (first, mut rest) = payload.split_first_chunk::<8>()?;
        let mut commit = Commit::from_le_bytes(*first);
        if commit != self.last + 1 {
            return None;
        }
        while !rest.is_empty() {
            let len = take_varint(&mut rest)?;
            let tree = String::from_utf8(take_bytes(&mut rest, len as usize)?.to_vec()).ok()?;
            let len = take_varint(&mut rest)?;
            let writes = parse_writes(take_bytes(&mut rest, len as usize)?)?;
            self.batches.push(RecoveredBatch { commit, tree, writes });
            self.last = commit;
            commit += 1;
        }
        Some(())
    }
}
