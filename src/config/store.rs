//! `[store]`: the data directory.

use super::{
    check::{Invalid, require_setting},
    secret::Secret,
};
use crate::store::check_database_url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The data directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// Data directory (flag `--data`).
    pub dir: PathBuf,
    /// URL of a PostgreSQL database that keeps everything in place of the data directory, such as
    /// `postgres://holdfast:password@db1,db2/holdfast`. With several hosts, the one that takes writes is used. Connections that
    /// leave the machine are encrypted and verified unless it says `?sslmode=disable`.
    #[schemars(extend("x-expected" = "a URL such as `postgres://user:password@host:5432/database`"))]
    pub url: Option<Secret>,
    /// File that contains the URL.
    pub url_file: Option<PathBuf>,
    /// How long a start waits for the database, and for another process on it to end.
    #[schemars(range(min = 0, max = 3600))]
    pub wait_s: u64,
    /// Memory for what was read: pages, or rows of a database.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub cache_mb: u64,
    /// Memory for rows that are in the journal only, or not yet in the database; beyond it requests get 503.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub unwritten_mb: u64,
    /// Space on the disk that is kept free for what was accepted: with less, new commands get 503 `disk-full` and reads
    /// go on. A file of this size, `reserve`, is given up to open a store on a full disk.
    #[schemars(range(min = 8, max = 1 << 20))]
    #[schemars(extend("x-default" = "`64`, or a tenth of the file system if that is less, at least `8`"))]
    pub reserve_mb: Option<u64>,
    /// Opens a store that lacks acknowledged data, or a database that may forget some (flag `--accept-data-loss`).
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
            url: None,
            url_file: None,
            wait_s: 30,
            cache_mb: 16,
            unwritten_mb: 64,
            reserve_mb: None,
            accept_data_loss: false,
            scrub_hours: 24,
            scrub_mb_per_second: 16,
        }
    }
}

impl StoreSection {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let wrong = self.url.as_ref().and_then(|url| check_database_url(url.reveal()).err());
        require_setting(wrong.is_none(), "store.url", || {
            let wrong = wrong.unwrap_or_default();
            format!(
                "it {wrong}; expected the URL of a database such as `postgres://user:password@host:5432/database`"
            )
        })
    }
}
