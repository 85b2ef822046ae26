//! Walks over rows of which a part cannot be read: a block that is lost costs what was in it, and not what lies after it.

use super::tree::Tree;
use crate::store::{
    Row, Scan, StoreError,
    keys::key_after,
    keys::prefix_end,
    paging::{Pages, Rows},
};

impl Tree {
    /// The next page of a range, or `None` after the last one. Parts that cannot be read are reported and left out, as in
    /// [`Tree::scan_over`].
    pub fn next_readable_page(
        &self,
        pages: &mut Pages,
        prefix: usize,
    ) -> Result<Option<Rows>, StoreError> {
        pages.next_of_some(|scan| self.scan_over(scan, prefix))
    }
    /// A range of rows, forwards. Where a part of it cannot be read, that is reported, and it returns the rows before that part,
    /// or, where it begins with one, the first after it, as far as the sixteen bytes after `prefix` others tell their
    /// keys apart. Says whether this is all that was asked for.
    pub fn scan_over(&self, scan: &Scan, prefix: usize) -> Result<(Rows, bool), StoreError> {
        match self.scan_rows(scan) {
            Err(StoreError::Damaged(what)) => self.report_damage(&what),
            rows => return rows.map(|rows| (rows, true)),
        }
        let mut rows = Rows::new();
        let mut from = scan.from.clone();
        while rows.len() < scan.limit {
            match self.first_from(from.clone(), &scan.to)?.map(|mut found| found.pop()) {
                Some(Some((key, row))) => {
                    from = key_after(&key);
                    rows.push((key, row));
                }
                Some(None) => return Ok((rows, true)),
                None if rows.is_empty() => {
                    return Ok((self.behind_a_gap(&from, &scan.to, prefix, true)?, false));
                }
                None => break,
            }
        }
        Ok((rows, false))
    }

    /// The first row from a key on, if there is one; `None` where that cannot be read.
    fn first_from(&self, from: Vec<u8>, to: &[u8]) -> Result<Option<Rows>, StoreError> {
        match self.scan_rows(&Scan { from, to: to.to_vec(), backwards: false, limit: 1 }) {
            Err(StoreError::Damaged(_)) => Ok(None),
            rows => rows.map(Some),
        }
    }

    /// The first row behind the part that `from` is in: looked for in larger and larger steps of the number after `prefix`
    /// bytes, then between the last two, and then, if it may go `deeper`, in the same way among the keys that share the last
    /// number with which nothing could be read.
    fn behind_a_gap(
        &self,
        from: &[u8],
        to: &[u8],
        prefix: usize,
        deeper: bool,
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
            match self.first_from(key(step), to)? {
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
            match self.first_from(key(middle), to)? {
                Some(found) => (rows, step) = (found, middle),
                None => lost = middle,
            }
        }
        if deeper {
            let within = key(lost);
            let to = prefix_end(&within).min(to.to_vec());
            let begin = within.max(from.to_vec());
            let found = self.behind_a_gap(&begin, &to, prefix + 8, false)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(rows)
    }

    /// The last row before `to` that can be read, where what follows it cannot.
    pub fn last_before_a_gap(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Vec<u8>, Row)>, StoreError> {
        let look = |number: u64| {
            let to = [from, &number.to_be_bytes()].concat();
            match self.scan_rows(&Scan { from: from.to_vec(), to, backwards: true, limit: 1 }) {
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
}
