//! `[store]`: the data directory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The data directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// Data directory (flag `--data`).
    pub dir: PathBuf,
    /// Memory for pages that were read.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub cache_mb: u64,
    /// Memory for rows that are in the journal only; beyond it requests get 503.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub unwritten_mb: u64,
    /// Space on the disk that is kept free for what was accepted: with less, new commands get 503 `disk-full` and reads
    /// go on. A file of this size, `reserve`, is given up to open a store on a full disk.
    #[schemars(range(min = 8, max = 1 << 20))]
    #[schemars(extend("x-default" = "`64`, or a tenth of the file system if that is less, at least `8`"))]
    pub reserve_mb: Option<u64>,
    /// Opens a store that lacks acknowledged data (flag `--accept-data-loss`).
    pub accept_data_loss: bool,
    /// How often the whole store is read to find damage; `0`: never.
    #[schemars(range(min = 0, max = 24 * 365))]
    pub scrub_hours: u64,
    /// How fast that reads.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub scrub_mb_per_second: u64,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            dir: "./holdfast-data".into(),
            cache_mb: 16,
            unwritten_mb: 64,
            reserve_mb: None,
            accept_data_loss: false,
            scrub_hours: 24,
            scrub_mb_per_second: 16,
        }
    }
}
