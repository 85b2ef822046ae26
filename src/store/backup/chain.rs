//! A backup and the increments that were made after it, as one: the rows that they come to, in order.

use super::{
    contents::{BackupEnd, BackupHead, RowSum},
    error::BackupError,
    reader::BackupReader,
};
use crate::store::Row;
use std::{cmp::Ordering, io::Read};

/// A row with its key.
type KeyedRow = (Vec<u8>, Row);

/// A backup and its increments, the oldest first.
pub struct Chain<R> {
    layers: Vec<BackupReader<R>>,
}

impl<R: Read> Chain<R> {
    /// Opens them, and judges whether they belong together.
    pub fn open(files: impl IntoIterator<Item = R>) -> Result<Self, BackupError> {
        let layers = files.into_iter().map(BackupReader::open).collect::<Result<Vec<_>, _>>()?;
        for (below, above) in layers.iter().zip(layers.iter().skip(1)) {
            check_order(&below.head, &above.head)?;
        }
        Ok(Self { layers })
    }

    /// What it begins with.
    pub fn first_head(&self) -> Option<&BackupHead> {
        self.layers.first().map(|layer| &layer.head)
    }

    /// What the store is restored to.
    pub fn last_head(&self) -> Option<&BackupHead> {
        self.layers.last().map(|layer| &layer.head)
    }

    /// Refuses what begins with an increment.
    pub fn check_whole(&self) -> Result<(), BackupError> {
        let after = self.first_head().and_then(|head| head.since.as_ref());
        let Some(base) = after else { return Ok(()) };
        Err(BackupError::Unfit(format!(
            "it has only what was written after commit {}: name the backup that it was made after before it",
            base.commit
        )))
    }

    /// Goes on to the next tree, and gives its name.
    pub fn advance_tree(&mut self) -> Result<Option<String>, BackupError> {
        let Some((top, below)) = self.layers.split_last_mut() else { return Ok(None) };
        if !top.advance_tree()? {
            return Ok(None);
        }
        let name = top.tree().unwrap_or_default().to_owned();
        for layer in below {
            while layer.tree().is_none_or(|tree| tree < name.as_str()) && layer.advance_tree()? {}
        }
        Ok(Some(name))
    }

    /// The rows of the tree. After the last one their sum is compared.
    pub fn rows(&mut self) -> ChainRows<'_, R> {
        ChainRows { layers: &mut self.layers, sum: Some(RowSum::default()), count: 0 }
    }

    /// Reads the tree without the backups before, and gives how many rows the last one has of it.
    pub fn skip_tree(&mut self) -> Result<u64, BackupError> {
        let Some(top) = self.layers.last_mut() else { return Ok(0) };
        while top.next_entry()?.is_some() {}
        Ok(top.tree_end().map_or(0, |end| end.written))
    }

    /// Reads what is left, and gives head, end and length of each.
    pub fn into_ends(self) -> Result<Vec<(BackupHead, BackupEnd, u64)>, BackupError> {
        let ends = self.layers.into_iter().map(BackupReader::into_end);
        let ends = ends.collect::<Result<Vec<_>, _>>()?;
        for ((_, below, _), (above, ..)) in ends.iter().zip(ends.iter().skip(1)) {
            let expected = above.since.as_ref().and_then(|base| base.sum.as_ref());
            if expected.is_some_and(|sum| *sum != below.sum) {
                let what = "an increment was made after another backup than the one before it";
                return Err(BackupError::Unfit(what.into()));
            }
        }
        Ok(ends)
    }
}

fn check_order(below: &BackupHead, above: &BackupHead) -> Result<(), BackupError> {
    let wrong = |what: String| Err(BackupError::Unfit(what));
    if below.store != above.store {
        return wrong(format!(
            "these are backups of two stores, {} and {}",
            below.store, above.store
        ));
    }
    let Some(base) = &above.since else {
        return wrong(format!(
            "the backup at commit {} has everything: restore it alone",
            above.commit
        ));
    };
    if !(base.commit..=above.commit).contains(&below.commit) {
        return wrong(format!(
            "an increment from commit {} to {} does not follow a backup at commit {}: name them in the order in which they \
             were made",
            base.commit, above.commit, below.commit
        ));
    }
    Ok(())
}

/// The rows of one tree of a chain.
pub struct ChainRows<'a, R> {
    layers: &'a mut [BackupReader<R>],
    /// Of the rows so far; `None`: it has been compared.
    sum: Option<RowSum>,
    count: u64,
}

impl<R: Read> Iterator for ChainRows<'_, R> {
    type Item = Result<KeyedRow, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sum.as_ref()?;
        match next_row(self.layers) {
            Ok(Some((key, row))) => {
                self.sum.as_mut()?.add_row(&key, &row);
                self.count += 1;
                Some(Ok((key, row)))
            }
            Ok(None) => self.compare().err().map(Err),
            Err(error) => {
                self.sum = None;
                Some(Err(error))
            }
        }
    }
}

impl<R: Read> ChainRows<'_, R> {
    fn compare(&mut self) -> Result<(), BackupError> {
        let Some((sum, top)) = self.sum.take().zip(self.layers.last()) else { return Ok(()) };
        let sum = sum.finish();
        match top.tree_end() {
            Some(end) if (end.rows, &end.sum) == (self.count, &sum) => Ok(()),
            _ if self.layers.len() > 1 => Err(mismatch(top)),
            _ => Err(top.damaged("the sum of its rows is another one")),
        }
    }
}

/// The next row that the layers come to.
fn next_row<R: Read>(layers: &mut [BackupReader<R>]) -> Result<Option<KeyedRow>, BackupError> {
    let Some((top, below)) = layers.split_last_mut() else { return Ok(None) };
    let key = match top.next_entry()? {
        None => return Ok(None),
        Some((key, Some(row))) => return Ok(Some((key, row))),
        Some((key, None)) => key,
    };
    // It is as it was. What comes before it below has been replaced or removed since.
    let has_tree = below.last().is_some_and(|layer| layer.tree() == top.tree());
    while has_tree && let Some((found, row)) = next_row(below)? {
        match found.cmp(&key) {
            Ordering::Less => {}
            Ordering::Equal => return Ok(Some((key, row))),
            Ordering::Greater => break,
        }
    }
    Err(mismatch(top))
}

fn mismatch<R: Read>(top: &BackupReader<R>) -> BackupError {
    let tree = top.tree().unwrap_or_default();
    BackupError::Unfit(format!(
        "`{tree}` does not come to what the increment at commit {} says: it was made after another backup than the one \
         before it",
        top.head.commit
    ))
}
