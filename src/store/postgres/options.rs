//! How a store in PostgreSQL is opened.

use rustls::ClientConfig;
use std::{sync::Arc, time::Duration};

/// How to open a [`PostgresStore`](super::PostgresStore).
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The URL of the database, which may name several hosts.
    pub url: String,
    /// What encrypted connections are opened with; without it there are none.
    pub encryption: Option<Arc<ClientConfig>>,
    /// The name of this node.
    pub node: String,
    /// Under which URL other nodes reach this one.
    pub node_url: String,
    /// The systems that this node writes.
    pub systems: Vec<String>,
    /// Memory for batches that are accepted and not written; more are refused with
    /// [`StoreError::Overloaded`](crate::store::StoreError::Overloaded).
    pub unwritten_limit_bytes: u64,
    /// Memory for rows that are in the database too.
    pub cache_bytes: u64,
    /// How many rows of a tree, or of a key space of it, are read at once when its owner is activated.
    pub first_rows: usize,
    /// Opens a database that may forget what it has acknowledged when its machine stops.
    pub accept_data_loss: bool,
    /// How long the lease of another process is waited for.
    pub patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            encryption: None,
            node: "node".into(),
            node_url: String::new(),
            systems: Vec::new(),
            unwritten_limit_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            first_rows: 1000,
            accept_data_loss: false,
            patience: Duration::from_secs(60),
        }
    }
}
