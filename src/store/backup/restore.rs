//! Verifying backups, and restoring them.

use super::{
    chain::Chain,
    contents::{BackupHead, Base},
    error::BackupError,
};
use crate::store::{Commit, Row};
use serde::Serialize;
use std::io::Read;

/// Takes the rows of a backup into a store that has none.
pub trait Loader {
    /// Takes all rows of a tree, in the order of their keys, with their commits. Trees come in the order of their names.
    ///
    /// # Errors
    /// That of the rows, or [`BackupError::Store`].
    fn load_tree(
        &mut self,
        name: &str,
        rows: &mut dyn Iterator<Item = Result<(Vec<u8>, Row), BackupError>>,
    ) -> Result<(), BackupError>;

    /// Makes it a store: until then it cannot be opened.
    ///
    /// # Errors
    /// [`BackupError::Store`].
    fn finish(&mut self) -> Result<(), BackupError>;
}

/// What a backup has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// Of which store it is.
    pub store: String,
    /// The last commit.
    pub commit: Commit,
    /// When it was made.
    pub made: String,
    /// The version of the software that made it.
    pub version: String,
    /// What the first file was made after, where that is not there.
    pub since: Option<Base>,
    /// How many files it is in.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// Its rows, by tree. Those of an increment alone are the rows that it has.
    pub trees: Vec<TreeReport>,
    /// The sum of the last file, which tells it from others.
    pub sum: String,
}

/// A tree of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeReport {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
}

/// Reads a backup and its increments, the oldest first, completely. Increments alone are verified as far as that is possible:
/// that they are as they were written.
///
/// # Errors
/// [`BackupError`]: what is wrong, and where.
pub fn verify<R: Read>(files: impl IntoIterator<Item = R>) -> Result<BackupReport, BackupError> {
    let chain = Chain::open(files)?;
    read_all(chain, |_, rows| {
        for row in rows {
            row?;
        }
        Ok(())
    })
}

/// Restores a backup and its increments, the oldest first. `files` opens them, twice: they are verified before anything is
/// made.
///
/// # Errors
/// [`BackupError`]: what is wrong, and where.
pub fn restore<R: Read, F: IntoIterator<Item = R>>(
    files: impl Fn() -> Result<F, BackupError>,
    begin: impl FnOnce(&BackupHead) -> Result<Box<dyn Loader>, BackupError>,
) -> Result<BackupReport, BackupError> {
    Chain::open(files()?)?.check_whole()?;
    verify(files()?)?;
    let chain = Chain::open(files()?)?;
    let no_files = || BackupError::Unfit("no backup is named".into());
    let mut loader = begin(chain.last_head().ok_or_else(no_files)?)?;
    let report = read_all(chain, |name, rows| loader.load_tree(name, rows))?;
    loader.finish()?;
    Ok(report)
}

/// Gives all rows to `take`, tree by tree.
fn read_all<R: Read>(
    mut chain: Chain<R>,
    mut take: impl FnMut(
        &str,
        &mut dyn Iterator<Item = Result<(Vec<u8>, Row), BackupError>>,
    ) -> Result<(), BackupError>,
) -> Result<BackupReport, BackupError> {
    let since = chain.first_head().and_then(|head| head.since.clone());
    let mut trees = Vec::new();
    while let Some(name) = chain.advance_tree()? {
        let mut rows = 0;
        if since.is_none() {
            let mut counted = chain.rows().inspect(|_| rows += 1);
            take(&name, &mut counted)?;
        } else {
            rows = chain.skip_tree()?;
        }
        trees.push(TreeReport { name, rows });
    }
    let ends = chain.into_ends()?;
    let files = ends.len();
    let bytes = ends.iter().map(|(_, _, bytes)| bytes).sum();
    let last = ends.into_iter().next_back();
    let (head, end, _) = last.ok_or_else(|| BackupError::Unfit("no backup is named".into()))?;
    let BackupHead { store, commit, made, version, .. } = head;
    Ok(BackupReport { store, commit, made, version, since, files, bytes, trees, sum: end.sum })
}
