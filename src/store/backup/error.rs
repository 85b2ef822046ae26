//! What is wrong with a backup, and where.

use crate::store::StoreError;
use std::io;

/// Why a backup could not be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("it is no backup of Holdfast")]
    Foreign,
    /// The file is not as it was written.
    #[error("the backup is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the block begins that shows it.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// The file is sound and is not the one that is needed.
    #[error("{0}")]
    Unfit(String),
    /// It could not be read or written.
    #[error("the backup cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
