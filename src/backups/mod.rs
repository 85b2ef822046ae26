//! Backups of a running server: sent to an administrator, or made in a directory, by hand or on a schedule.
//!
//! One is made at a time: what a backup reads is kept on the disk until it has been read.

mod directory;
mod paced;
mod schedule;
mod service;

pub use self::{
    directory::KeptBackup,
    schedule::Schedule,
    service::{BackupRefusal, BackupSettings, BackupStatus, Backups},
};
