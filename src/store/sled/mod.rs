//! The sled adapter: a journal for what has just been accepted, and one sled tree a context for the
//! rest.
//!
//! An accepted batch is in memory at once and in the journal with the next sync; from then on it is
//! durable. Rows are flushed from memory to the sled tree of their context, many at a time, as
//! sorted runs, and runs are merged: a log-structured merge tree, for which sled keeps the blocks.
//! Written row by row, sled needs 5 to 7 µs for each, and a rent writes a dozen.
//!
//! | module | what |
//! |---|---|
//! | [`options`], [`open`], [`data_dir`], [`recovery`] | opening a data directory |
//! | [`watermark`] | how far the store has got, in a file beside it |
//! | [`commit_queue`] | from acceptance to the journal, in order |
//! | [`journal`], [`journal_format`], [`journal_ring`] | a ring of files that are synced |
//! | [`table`], [`table_state`], [`table_view`], [`memtable`] | one context's tree: rows in memory over runs |
//! | [`manifest`], [`sorted_run`] | rows in sled, in [blocks](super::row_block) |
//! | [`run_writer`], [`run_range`], [`merge`] | writing a run, reading one, reading several |
//! | [`maintenance`] | flushes, merges, and truncation of the journal |
//! | [`snapshot`], [`loader`] | all rows at one commit, and a directory made of them |
//! | [`disk_space`] | the room that is left on the disk |
//! | [`integrity`] | what shows that something is missing or damaged |

mod commit_queue;
mod data_dir;
mod disk_space;
mod integrity;
mod journal;
mod journal_format;
mod journal_ring;
mod loader;
mod maintenance;
mod manifest;
mod memtable;
mod merge;
mod open;
mod options;
mod panic;
mod recovery;
mod run_range;
mod run_writer;
mod sled_store;
mod snapshot;
mod sorted_run;
mod table;
mod table_state;
mod table_view;
mod watermark;

pub use self::{
    data_dir::{create_dir as prepare_directory, has_store},
    disk_space::Reserve,
    integrity::{
        check::{Audit, CheckReport, StoreProblem, TreeReport, check_store},
        look::{DirectoryState, look_at_directory},
        scrub::ScrubSettings,
    },
    loader::DirectoryLoader,
    options::{FailPoints, Options},
    recovery::Recovery,
    sled_store::SledStore,
};
