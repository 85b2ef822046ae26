//! What can be seen of a store from outside, whether a process uses it or not. Nothing is changed.

use super::inspection;
use crate::store::{
    StoreError,
    sled::{
        data_dir::{self, cannot_open},
        watermark::WatermarkRecord,
    },
};
use std::{io, path::Path};

/// What can be seen of a store from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryState {
    /// A process uses it; then nothing else is looked at.
    pub is_held: bool,
    /// What is missing or damaged, as text that follows "the data directory".
    pub losses: Vec<String>,
    /// What is to be said of the format of its files, if it is not the one that is written now.
    pub format: Option<&'static str>,
}

/// Looks at the store in `dir`: at its lock, and at journal and watermark where no process uses it.
///
/// # Errors
/// [`StoreError::CannotOpen`] where it cannot be read.
pub fn look_at_directory(dir: &Path) -> Result<DirectoryState, StoreError> {
    let unreadable = |error: io::Error| cannot_open(dir, format!("cannot be read: {error}"));
    if data_dir::is_in_use(dir).map_err(unreadable)? {
        return Ok(DirectoryState { is_held: true, ..DirectoryState::default() });
    }
    let losses = inspection::inspect_files(dir).map_err(unreadable)?.losses;
    let old = "was written by an earlier version of the software, without the list of its trees";
    let format = WatermarkRecord::is_old(dir).then_some(old);
    Ok(DirectoryState { is_held: false, losses, format })
}
