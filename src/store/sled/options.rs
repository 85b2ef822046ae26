//! How a store is opened.

use super::{disk_space::Reserve, integrity::scrub::ScrubSettings};

/// How to open a [`SledStore`](super::SledStore).
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for sled's cache of pages.
    pub cache_bytes: u64,
    /// Memory for rows that no run holds yet. Half of it full, rows are flushed; all of it full,
    /// batches are refused with [`StoreError::Overloaded`](crate::store::StoreError::Overloaded).
    pub unwritten_limit_bytes: u64,
    /// Opens although acknowledged commits are missing.
    pub accept_data_loss: bool,
    /// How much of the disk is kept free for what has been accepted.
    pub reserve: Reserve,
    /// Reads everything from time to time, to notice damage.
    pub scrub: Option<ScrubSettings>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            unwritten_limit_bytes: 64 << 20,
            accept_data_loss: false,
            reserve: Reserve::None,
            scrub: Some(ScrubSettings::default()),
        }
    }
}

/// Steps that a test leaves out, to see that other tests notice. A server leaves none out.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct FailPoints {
    /// Writes the journal and does not sync it.
    pub skip_sync: bool,
    /// Merges no runs.
    pub skip_merges: bool,
}
