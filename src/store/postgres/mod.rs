//! The PostgreSQL adapter: rows in one table, groups of batches that follow each other by the lease of their system.
//!
//! A batch is accepted in memory, as with sled; one committer gathers what waits into a group, and one call of a function
//! in the database writes it. The function takes group `n` only if the lease is of this epoch and group `n - 1` was the
//! last: so a group is written once, in order, and by the holder of the lease, and after a lost connection the lease says
//! whether it was written.
//!
//! | module | what |
//! |---|---|
//! | [`options`], [`url`], [`connection`], [`encryption`] | reaching the database |
//! | [`database_error`] | what its errors mean |
//! | [`schema`] | numbered migrations |
//! | [`candidate`], [`lease`], [`renewal`] | who may write: taken, renewed, given up |
//! | [`commit_queue`], [`group`], [`committer`] | from acceptance to the database |
//! | [`rows`], [`trees`] | rows in memory: what is not yet written, and a bounded part of the rest |
//! | [`reader`], [`reading`] | rows from the database, and from both |
//! | [`postgres_store`], [`opening`] | the parts put together |
//! | [`examination`] | whether it could be opened |

mod candidate;
mod commit_queue;
mod committer;
mod connection;
mod database_error;
mod encryption;
mod examination;
mod group;
mod lease;
mod opening;
mod options;
mod postgres_store;
mod reader;
mod reading;
mod renewal;
mod rows;
mod schema;
mod trees;
mod url;

pub use self::{
    candidate::{PAUSE as CANDIDATE_PAUSE, PostgresCandidate},
    lease::LeaseHolder,
    opening::Attempt,
    options::PostgresOptions,
    postgres_store::PostgresStore,
    url::{check_database_url, is_encrypted},
};
