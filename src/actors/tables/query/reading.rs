//! Reading for one list: what is read is counted, and ends.

use crate::{
    actors::{
        erased::EntityType,
        port::safeguard::Safeguard,
        tables::{transaction::ReadCommit, tree::Tree},
    },
    store::{Row, Scan, StoreError},
};

/// The most rows that are read at once.
pub const ROWS: usize = 512;

/// Reads rows until so many have been read.
pub struct Reading<'a> {
    tree: &'a Tree,
    generation: u32,
    left: isize,
    /// The highest commit that anything read was written by.
    pub judged: ReadCommit,
}

impl<'a> Reading<'a> {
    pub fn new(tree: &'a Tree, generation: u32) -> Self {
        Self { tree, generation, left: 0, judged: ReadCommit::default() }
    }

    /// The type of what is read.
    pub fn entity(&self) -> &'static dyn EntityType {
        self.tree.entity
    }

    /// Whether lists do what `safeguard` says.
    pub fn does(&self, safeguard: Safeguard) -> bool {
        self.tree.does(safeguard)
    }

    /// From now on so many rows may be read.
    pub fn allow_rows(&mut self, rows: usize) {
        self.left = isize::try_from(rows.max(1)).unwrap_or(isize::MAX);
    }

    /// Whether no more may be read. A reader in the middle of a small unit ends that first.
    pub fn is_spent(&self) -> bool {
        self.left <= 0
    }

    /// Whether more was read than may be, to end something small: then what was read ahead is left alone.
    pub fn is_overdrawn(&self) -> bool {
        self.left < 0
    }

    fn count_rows(&mut self, rows: usize) {
        self.left = self.left.saturating_sub_unsigned(rows);
    }

    /// A range of rows, which may be cut short by what is left.
    pub fn scan_rows(&mut self, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let rows = self.tree.scan_rows(scan)?;
        // A look at nothing is work too.
        self.count_rows(rows.len().max(1));
        rows.iter().for_each(|(_, row)| self.judged.observe_commit(row.commit));
        Ok(rows)
    }

    /// The rows under these keys.
    pub fn read_rows(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, StoreError> {
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        self.count_rows(keys.len());
        let rows = self.tree.store.read(self.tree.id, &keys)?;
        rows.iter().flatten().for_each(|row| self.judged.observe_commit(row.commit));
        Ok(rows)
    }

    /// Something that was to be read is damaged or missing.
    pub fn report_damage(&self, what: &str) {
        self.tree.report_shown_damage(self.generation, what);
    }

    /// The content of an index row; nothing where it cannot be read, which is reported.
    pub fn skip_damaged<T: Default>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        match read {
            Err(StoreError::Damaged(what)) => {
                self.report_damage(&format!(
                    "a list lacks the entries of a damaged index row: {what}"
                ));
                Ok(T::default())
            }
            read => read,
        }
    }

    /// How many rows to read next: twice as many as the last time, and no more than are left.
    pub fn next_limit(&self, last: &mut usize) -> usize {
        *last = (*last * 2).clamp(1, ROWS);
        (*last).min(usize::try_from(self.left).unwrap_or(1)).max(1)
    }
}

/// How a walk ended.
#[derive(Debug, PartialEq)]
pub enum Walked<P> {
    /// Everything was looked at.
    Through,
    /// The reader needs no more rows.
    Enough,
    /// No more may be read; everything up to here was looked at.
    Spent(P),
}
