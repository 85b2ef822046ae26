//! The store: a port that takes batches and knows versions, and its adapters.
//!
//! A context owns one tree. What one turn of its actor writes is one [`Batch`], and what the turn's
//! decisions depend on is what the batch [expects](Batch::expects). The store first *accepts* a
//! batch (from then on everything in this process sees it) and later makes it *durable* (from then
//! on a power cut cannot take it back). What leaves the process waits for [`Store::durable`].

pub mod backup;
pub mod codec;
mod durability;
mod event_part;
pub mod keys;
mod memory;
pub mod paging;
mod port;
mod postgres;
mod row_block;
mod sled;
mod varint;

pub use self::{
    event_part::EventPart,
    memory::MemoryStore,
    port::{
        Batch, Commit, CommitVerdict, DurabilityCallback, Epoch, Row, Scan, Snapshot, Store,
        StoreError, StoreHealth, TreeId,
    },
    postgres::{
        Attempt, CANDIDATE_PAUSE, LeaseHolder, PostgresCandidate, PostgresOptions, PostgresStore,
        check_database_url, is_encrypted,
    },
    sled::{
        Audit, CheckReport, DirectoryLoader, DirectoryState, FailPoints, Options, Recovery,
        Reserve, ScrubSettings, SledStore, StoreProblem, TreeReport, check_store, has_store,
        look_at_directory, prepare_directory,
    },
};
