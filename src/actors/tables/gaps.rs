//! Walks over rows of which a part cannot be read: a block that is lost costs what was in it, and not what lies after it.

use super::tree::Tree;
use crate::store::{
    Row, Scan, StoreError,
    keys::key_after,
    keys::prefix_end,
    paging::{Pages, Rows},
};

/// Keys of most ranges differ in two numbers after their prefix.
const LEVELS: u32 = 2;
/// Keys with a name before their numbers differ within so many times eight bytes.
pub const NAMED: u32 = 6;

/// Ranges of rows of which a part may not be readable.
pub trait ReadRange {
    /// A range of rows.
    fn scan_rows(&self, scan: &Scan) -> Result<Rows, StoreError>;
    /// A part of it is damaged or missing.
    fn report_damage(&self, what: &str);
}

impl ReadRange for Tree {
    fn scan_rows(&self, scan: &Scan) -> Result<Rows, StoreError> {
        Self::scan_rows(self, scan)
    }
    fn report_damage(&self, what: &str) {
        Self::report_damage(self, what);
    }
}

impl Tree {
    /// The next page of a range, or `None` after the last one. Parts that cannot be read are reported and left out, as in
    /// [`Tree::scan_over`].
    pub fn next_readable_page(
        &self,
        pages: &mut Pages,
        prefix: usize,
    ) -> Result<Option<Rows>, StoreError> {
        next_page(self, pages, prefix, LEVELS)
    }
    /// As [`scan_over`], where the keys differ in the sixteen bytes after `prefix` others.
    pub fn scan_over(&self, scan: &Scan, prefix: usize) -> Result<(Rows, bool), StoreError> {
        scan_over(self, scan, prefix, LEVELS)
    }
    /// As [`last_before_a_gap`].
    pub fn last_before_a_gap(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Vec<u8>, Row)>, StoreError> {
        last_before_a_gap(self, from, to)
    }
}

/// The next page of a range, or `None` after the last one. Parts that cannot be read are reported and left out, as in
/// [`scan_over`].
pub fn next_page(
    rows: &impl ReadRange,
    pages: &mut Pages,
    prefix: usize,
    levels: u32,
) -> Result<Option<Rows>, StoreError> {
    pages.next_of_some(|scan| scan_over(rows, scan, prefix, levels))
}

/// The last row of a range; where the end of it cannot be read, that is reported, and it is the last before that.
pub fn last_row(rows: &impl ReadRange, range: Scan) -> Result<Option<(Vec<u8>, Row)>, StoreError> {
    let range = Scan { limit: 1, ..range }.from_the_end();
    match rows.scan_rows(&range) {
        Err(StoreError::Damaged(what)) => {
            rows.report_damage(&what);
            last_before_a_gap(rows, &range.from, &range.to)
        }
        found => Ok(found?.pop()),
    }
}

/// A range of rows, forwards. Where a part of it cannot be read, that is reported, and it returns the rows before that part,
/// or, where it begins with one, the first after it, as far as the eight bytes after `prefix` others, so many times over, tell
/// their keys apart. Says whether this is all that was asked for.
pub fn scan_over(
    range: &impl ReadRange,
    scan: &Scan,
    prefix: usize,
    levels: u32,
) -> Result<(Rows, bool), StoreError> {
    match range.scan_rows(scan) {
        Err(StoreError::Damaged(what)) => range.report_damage(&what),
        rows => return rows.map(|rows| (rows, true)),
    }
    let mut rows = Rows::new();
    let mut from = scan.from.clone();
    while rows.len() < scan.limit {
        match first_from(range, from.clone(), &scan.to)?.map(|mut found| found.pop()) {
            Some(Some((key, row))) => {
                from = key_after(&key);
                rows.push((key, row));
            }
            Some(None) => return Ok((rows, true)),
            None if rows.is_empty() => {
                return Ok((
                    first_after_a_gap(range, &from, &scan.to, prefix, levels.saturating_sub(1))?,
                    false,
                ));
            }
            None => break,
        }
    }
    Ok((rows, false))
}

/// The first row from a key on, if there is one; `None` where that cannot be read.
fn first_from(
    range: &impl ReadRange,
    from: Vec<u8>,
    to: &[u8],
) -> Result<Option<Rows>, StoreError> {
    match range.scan_rows(&Scan { from, to: to.to_vec(), backwards: false, limit: 1 }) {
        Err(StoreError::Damaged(_)) => Ok(None),
        rows => rows.map(Some),
    }
}

/// The first row after the part that `from` is in: looked for in larger and larger steps of the number after `prefix`
/// bytes, then between the last two, and then, if it may go `deeper`, in the same way among the keys that share the last
/// number with which nothing could be read.
fn first_after_a_gap(
    range: &impl ReadRange,
    from: &[u8],
    to: &[u8],
    prefix: usize,
    deeper: u32,
) -> Result<Rows, StoreError> {
    let (head, tail) = from.split_at(prefix.min(from.len()));
    let number = tail
        .iter()
        .copied()
        .chain([0; 8])
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(byte));
    let most = u64::MAX - number;
    let key = |step: u64| [head, &(number + step).to_be_bytes()].concat();
    let mut lost = 0;
    let mut step = 1.min(most);
    let mut rows = loop {
        match first_from(range, key(step), to)? {
            Some(rows) => break rows,
            None if step == most => (lost, step) = (step, step),
            None => (lost, step) = (step, step.saturating_mul(2).min(most)),
        }
        if lost == most {
            break Rows::new();
        }
    };
    while step - lost > 1 {
        let middle = lost + (step - lost) / 2;
        match first_from(range, key(middle), to)? {
            Some(found) => (rows, step) = (found, middle),
            None => lost = middle,
        }
    }
    if deeper > 0 {
        let within = key(lost);
        let to = prefix_end(&within).min(to.to_vec());
        let begin = within.max(from.to_vec());
        let found = first_after_a_gap(range, &begin, &to, prefix + 8, deeper - 1)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(rows)
}

/// The last row before `to` that can be read, where what follows it cannot.
pub fn last_before_a_gap(
    range: &impl ReadRange,
    from: &[u8],
    to: &[u8],
) -> Result<Option<(Vec<u8>, Row)>, StoreError> {
    let look = |number: u64| {
        let to = [from, &number.to_be_bytes()].concat();
        match range.scan_rows(&Scan { from: from.to_vec(), to, backwards: true, limit: 1 }) {
            Err(StoreError::Damaged(_)) => Ok(None),
            rows => rows.map(Some),
        }
    };
    let mut known = 0;
    let mut lost = u64::MAX;
    let mut last = None;
    if to <= from {
        return Ok(last);
    }
    while lost - known > 1 {
        let middle = known + (lost - known) / 2;
        match look(middle)? {
            Some(mut rows) => (known, last) = (middle, rows.pop().or(last)),
            None => lost = middle,
        }
    }
    Ok(last)
}
