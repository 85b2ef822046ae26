//! Backups: all rows of a store at one commit, in a file.
//!
//! A backup is a stream of [blocks](block), so that it can be written and read in a little memory, on its way through a
//! network too. It has no more than rows: a store of any kind can be restored from it. An *increment* has the rows that were
//! written after a commit, and the keys of the others; it is restored over what it was made after.
//!
//! | module | what |
//! |---|---|
//! | [`block`] | blocks, each with its checksum and its place |
//! | [`contents`] | what the blocks say |
//! | [`writer`], [`reader`] | a snapshot as blocks, and back |
//! | [`chain`] | a backup and its increments as one |
//! | [`restore`] | verifying and restoring |
//! | [`error`] | what is wrong, and where |

mod block;
mod chain;
mod contents;
mod error;
mod reader;
mod restore;
mod writer;

pub use self::{
    contents::{BackupEnd, BackupHead, Base, TreeEnd},
    error::BackupError,
    reader::read_head,
    restore::{BackupReport, Loader, restore, verify},
    writer::{BackupLabel, write_backup},
};
