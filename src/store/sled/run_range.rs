//! Reading a run block after block, in either direction. Each block records the first key of the
//! next, so that a missing block is noticed, wherever it was.

use super::{
    integrity::seal::damaged_block,
    panic::catch_panic_silently,
    sorted_run::{BLOCK, SortedRun, first_key, run_key},
};
use crate::store::{
    Scan, StoreError,
    row_block::{BlockRows, Entry},
};
use sled::{IVec, Tree};

/// Blocks of a run, or their rows.
pub struct RunRange<'a> {
    run: &'a SortedRun,
    tree: &'a Tree,
    blocks: sled::Iter,
    /// Where the blocks begin that are read.
    lowest: Vec<u8>,
    /// The first key that is wanted, and the first that is not any more.
    from: &'a [u8],
    to: Option<&'a [u8]>,
    backwards: bool,
    /// Of the block that was read last: its first key, and that of the next.
    seen: Option<(Vec<u8>, Option<Vec<u8>>)>,
    rows: std::vec::IntoIter<Entry>,
}

/// A block: how many bytes it has, its sum, and those of its rows that are wanted.
pub type Block = (usize, u32, Vec<Entry>);

impl<'a> RunRange<'a> {
    /// A run's part of a scan, in the scan's direction; `None` where it can hold nothing of it.
    pub fn over(
        run: &'a SortedRun,
        tree: &'a Tree,
        scan: &'a Scan,
    ) -> Result<Option<Self>, StoreError> {
        if !run.may_hold(&scan.from, &scan.to) {
            return Ok(None);
        }
        // The block before may reach into the range.
        let before = run.find_block(tree, &scan.from)?.map(|(place, _)| first_key(&place).to_vec());
        let lowest = before.unwrap_or_default();
        let to = Some(scan.to.as_slice());
        Self::from_block(run, tree, lowest, (&scan.from, to), scan.backwards).map(Some)
    }

    /// All of a run, in order.
    pub fn whole(run: &'a SortedRun, tree: &'a Tree) -> Result<Self, StoreError> {
        Self::from_block(run, tree, Vec::new(), (&[], None), false)
    }

    /// From the block that begins with `lowest`.
    fn from_block(
        run: &'a SortedRun,
        tree: &'a Tree,
        lowest: Vec<u8>,
        (from, to): (&'a [u8], Option<&'a [u8]>),
        backwards: bool,
    ) -> Result<Self, StoreError> {
        let end = range_end(run, to);
        let blocks =
            catch_panic_silently(|| Ok(tree.range(run_key(BLOCK, run.number, &lowest)..end)))?;
        Ok(Self {
            run,
            tree,
            blocks,
            lowest,
            from,
            to,
            backwards,
            seen: None,
            rows: Vec::new().into_iter(),
        })
    }

    /// The next block.
    pub fn next_block(&mut self) -> Result<Option<Block>, StoreError> {
        let first = self.step_block().and_then(|found| self.check_block(found));
        match first {
            // Looked up once more: an iterator that stops while pages are split is not damage.
            Err(StoreError::Damaged(_)) => {
                self.restart_at_key()?;
                let found = self.step_block()?;
                self.check_block(found)
            }
            other => other,
        }
    }

    fn step_block(&mut self) -> Result<Option<(IVec, IVec)>, StoreError> {
        catch_panic_silently(|| {
            if self.backwards {
                self.blocks.next_back().transpose()
            } else {
                self.blocks.next().transpose()
            }
        })
    }

    fn restart_at_key(&mut self) -> Result<(), StoreError> {
        let mut from = run_key(BLOCK, self.run.number, &self.lowest);
        let mut to = range_end(self.run, self.to);
        match &self.seen {
            None => {}
            Some((first, _)) if self.backwards => to = run_key(BLOCK, self.run.number, first),
            Some((_, Some(next))) => from = run_key(BLOCK, self.run.number, next),
            Some((_, None)) => from = to.clone(),
        }
        self.blocks = catch_panic_silently(|| Ok(self.tree.range(from..to)))?;
        Ok(())
    }

    /// Judges what has been found where the next block should be.
    fn check_block(&mut self, found: Option<(IVec, IVec)>) -> Result<Option<Block>, StoreError> {
        let Some((place, block)) = found else { return self.check_end().map(|()| None) };
        let first = first_key(&place);
        let opened = self.run.verify_block(self.tree, &place, &block)?;
        let mut sum = 0;
        let mut next = None;
        if let Some((ordinal, behind, block_sum)) = opened.seal {
            let fits = match (&self.seen, self.backwards) {
                (Some((_, expected)), false) => expected.as_deref() == Some(first),
                (Some((last, _)), true) => behind == Some(last.as_slice()),
                // The first that is read is the one before the range, or else the first of all.
                (None, false) => ordinal == 0 || first <= self.from,
                (None, true) => behind.is_none_or(|next| self.to.is_some_and(|to| next >= to)),
            };
            if !fits {
                return Err(self.missing_block(first));
            }
            sum = block_sum;
            next = behind.map(<[u8]>::to_vec);
        }
        let is_inside = |key: &[u8]| key >= self.from && self.to.is_none_or(|to| key < to);
        let mut rows = rows_of(&place, opened.rows, is_inside)?;
        if self.backwards {
            rows.reverse();
        }
        self.seen = Some((first.to_vec(), next));
        Ok(Some((block.len(), sum, rows)))
    }

    /// Judges that there is nothing more.
    fn check_end(&self) -> Result<(), StoreError> {
        let Some(seal) = &self.run.seal else { return Ok(()) };
        let wanted = |key: &[u8]| self.to.is_none_or(|to| key < to);
        let is_missing = match &self.seen {
            None => wanted(&seal.first),
            Some((_, next)) if !self.backwards => next.as_deref().is_some_and(wanted),
            Some((first, _)) => first.as_slice() > self.from && *first != seal.first,
        };
        if is_missing { Err(self.missing_block(b"")) } else { Ok(()) }
    }

    fn missing_block(&self, found: &[u8]) -> StoreError {
        let behind = self.seen.as_ref().map_or(&b""[..], |(first, _)| first);
        let what = if self.backwards {
            format!("a block is missing between {} and {}", display_key(found), display_key(behind))
        } else {
            format!("a block is missing between {} and {}", display_key(behind), display_key(found))
        };
        damaged_block(self.tree, self.run.number, &what)
    }
}

/// A key, for messages.
fn display_key(key: &[u8]) -> String {
    match key {
        [] => "its end".into(),
        key => format!("`{}`", key.escape_ascii()),
    }
}

fn range_end(run: &SortedRun, to: Option<&[u8]>) -> Vec<u8> {
    match to {
        Some(to) => run_key(BLOCK, run.number, to),
        None => run_key(BLOCK, run.number + 1, &[]),
    }
}

impl Iterator for RunRange<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.rows.next() {
                return Some(Ok(entry));
            }
            match self.next_block() {
                Ok(Some((_, _, rows))) => self.rows = rows.into_iter(),
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// How much of a run has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    pub blocks: u64,
    pub rows: u64,
}

/// Reads all of a run and compares it with its seal. `on_block` gets the size of each block, and
/// returns whether to go on.
pub fn verify_run(
    run: &SortedRun,
    tree: &Tree,
    mut on_block: impl FnMut(usize) -> bool,
) -> Result<RunCounts, StoreError> {
    let mut counted = RunCounts::default();
    let mut sum = 0;
    let mut goes_on = true;
    let mut range = RunRange::whole(run, tree)?;
    while goes_on && let Some((size, block_sum, rows)) = range.next_block()? {
        counted.blocks += 1;
        counted.rows += rows.len() as u64;
        sum = crc32c::crc32c_append(sum, &block_sum.to_le_bytes());
        goes_on = on_block(size);
    }
    match &run.seal {
        Some(seal)
            if goes_on
                && (seal.blocks, seal.rows, seal.sum) != (counted.blocks, counted.rows, sum) =>
        {
            let what = format!(
                "it should have {} rows in {} blocks and has {} in {}",
                seal.rows, seal.blocks, counted.rows, counted.blocks
            );
            Err(damaged_block(tree, run.number, &what))
        }
        _ => Ok(counted),
    }
}

/// The rows of the block at `place`, without those that are not wanted.
fn rows_of(
    run_key: &[u8],
    rows: &[u8],
    is_inside: impl Fn(&[u8]) -> bool,
) -> Result<Vec<Entry>, StoreError> {
    let inside =
        |entry: &Result<Entry, StoreError>| entry.as_ref().map_or(true, |(key, _)| is_inside(key));
    BlockRows::in_block(first_key(run_key), rows).filter(inside).collect()
}
