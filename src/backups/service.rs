//! Makes backups while the server runs.

use super::{
    directory::{BackupDirectory, KeptBackup},
    paced::{ChannelWriter, Paced},
};
use crate::{
    actors::Machine,
    domain::Timestamp,
    store::{
        Commit, Store,
        backup::{BackupError, BackupLabel, Base, write_backup},
    },
    sync,
};
use serde::Serialize;
use std::{
    fmt,
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Chunks of a backup that wait to be sent.
const WAITING: usize = 4;

/// Where backups are made, and how often.
#[derive(Debug, Clone, Default)]
pub struct BackupSettings {
    /// `None`: only such are made as are asked for and sent.
    pub directory: Option<PathBuf>,
    /// How many are kept.
    pub keep: usize,
    /// `None`: they are made by hand.
    pub every: Option<Duration>,
}

/// Why no backup is made.
#[derive(Debug, thiserror::Error)]
pub enum BackupRefusal {
    /// One is being made.
    #[error("a backup is being made")]
    Busy,
    /// The store has no snapshots.
    #[error("the store is a database (`store.url`): its own tools back it up, such as `pg_dump`")]
    NoSnapshots,
    /// There is no directory for backups.
    #[error("no directory for backups is set")]
    NoDirectory,
    /// It cannot be made after a commit that the store does not have.
    #[error("the store has no commit {since} yet, it has {accepted}")]
    UnknownCommit {
        /// What was asked for.
        since: Commit,
        /// What there is.
        accepted: Commit,
    },
    /// It could not be made.
    #[error(transparent)]
    Failed(#[from] BackupError),
}

/// How the backups in the directory are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// The newest.
    pub last: Option<KeptBackup>,
    /// Why the last attempt failed; `None`: it did not.
    pub failure: Option<String>,
    /// How many were made since the start.
    pub made: u64,
    /// How many attempts failed since the start.
    pub failed: u64,
}

/// Makes backups of a store.
#[derive(Debug)]
pub struct Backups {
    store: Arc<dyn Store>,
    identity: u128,
    machine: Machine,
    directory: Option<BackupDirectory>,
    every: Option<Duration>,
    /// One is made at a time.
    running: Arc<Semaphore>,
    status: Mutex<BackupStatus>,
    stopping: Arc<AtomicBool>,
}

impl Backups {
    /// Backups of `store`, whose identity is `identity`.
    pub fn new(
        store: Arc<dyn Store>,
        identity: u128,
        settings: BackupSettings,
        machine: Machine,
    ) -> Self {
        let BackupSettings { directory, keep, every } = settings;
        let directory = directory.map(|path| BackupDirectory::new(path, keep));
        let mut status = BackupStatus::default();
        match directory.as_ref().map(|directory| directory.list(identity)) {
            Some(Ok(kept)) => status.last = kept.into_iter().next_back(),
            Some(Err(error)) => status.failure = Some(error.to_string()),
            None => {}
        }
        let status = Mutex::new(status);
        let running = Arc::new(Semaphore::new(1));
        let stopping = Arc::default();
        Self { store, identity, machine, directory, every, running, status, stopping }
    }

    /// Ends the backup that is being made: the server stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// How often one is made by itself.
    pub fn every(&self) -> Option<Duration> {
        self.every.filter(|_| self.directory.is_some())
    }

    /// Whether there is a directory for backups.
    pub fn has_directory(&self) -> bool {
        self.directory.is_some()
    }

    /// How the backups in the directory are.
    pub fn status(&self) -> BackupStatus {
        sync::lock(&self.status).clone()
    }

    /// How long ago the newest in the directory was made.
    pub fn age(&self) -> Option<Duration> {
        let last = sync::lock(&self.status).last.as_ref().map(|last| last.made)?;
        let micros = self.machine.now().micros().saturating_sub(last.micros());
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }

    /// The backups in the directory, the oldest first.
    ///
    /// # Errors
    /// [`BackupRefusal::NoDirectory`], or [`BackupRefusal::Failed`] where it cannot be read.
    pub fn list(&self) -> Result<Vec<KeptBackup>, BackupRefusal> {
        let directory = self.directory.as_ref().ok_or(BackupRefusal::NoDirectory)?;
        Ok(directory.list(self.identity).map_err(BackupError::from)?)
    }

    /// Makes one in the directory. It takes as long as it takes to read the store: not for threads that serve.
    ///
    /// # Errors
    /// [`BackupRefusal`].
    pub fn make(&self) -> Result<KeptBackup, BackupRefusal> {
        if let Err(refusal) = self.check_snapshots() {
            // A schedule makes none either.
            if self.has_directory() {
                self.note_failure(&refusal);
            }
            return Err(refusal);
        }
        let directory = self.directory.as_ref().ok_or(BackupRefusal::NoDirectory)?;
        let _permit = self.permit()?;
        let now = self.machine.now();
        match directory.add(self.identity, now, |to| self.write(now, None, to)) {
            Ok(made) => {
                tracing::info!(
                    file = made.file,
                    commit = made.commit,
                    bytes = made.bytes,
                    "made a backup"
                );
                let mut status = sync::lock(&self.status);
                status.last = Some(made.clone());
                status.failure = None;
                status.made += 1;
                Ok(made)
            }
            Err(error) => {
                self.note_failure(&error);
                Err(error.into())
            }
        }
    }

    /// Begins to send one; what it consists of comes through the channel. Dropping that ends it.
    ///
    /// # Errors
    /// [`BackupRefusal`]. What goes wrong later is said in the backup, which then has no end.
    pub fn send(
        self: &Arc<Self>,
        since: Option<Base>,
    ) -> Result<mpsc::Receiver<Vec<u8>>, BackupRefusal> {
        self.check_snapshots()?;
        let accepted = self.store.accepted_commit();
        if let Some(since) = since.as_ref().map(|base| base.commit).filter(|at| *at > accepted) {
            return Err(BackupRefusal::UnknownCommit { since, accepted });
        }
        let permit = self.permit()?;
        let (sender, chunks) = mpsc::channel(WAITING);
        let own = Arc::clone(self);
        let send = move || {
            let _permit = permit;
            let mut to = ChannelWriter::new(sender);
            match own.write(own.machine.now(), since, &mut to) {
                Ok((commit, bytes)) => tracing::info!(commit, bytes, "sent a backup"),
                Err(error) => tracing::warn!(%error, "failed to send a backup"),
            }
        };
        thread::Builder::new().name("backup".into()).spawn(send).map_err(BackupError::from)?;
        Ok(chunks)
    }

    /// None could be made in the directory.
    fn note_failure(&self, error: &impl fmt::Display) {
        tracing::error!(%error, "failed to make a backup");
        let mut status = sync::lock(&self.status);
        status.failure = Some(error.to_string());
        status.failed += 1;
    }

    /// Refuses a store that cannot be backed up, before anything is sent.
    fn check_snapshots(&self) -> Result<(), BackupRefusal> {
        if self.store.has_snapshots() { Ok(()) } else { Err(BackupRefusal::NoSnapshots) }
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, BackupRefusal> {
        Arc::clone(&self.running).try_acquire_owned().map_err(|_| BackupRefusal::Busy)
    }

    fn write(
        &self,
        now: Timestamp,
        since: Option<Base>,
        to: &mut dyn Write,
    ) -> Result<(Commit, u64), BackupError> {
        let snapshot = self.store.snapshot()?;
        let label = BackupLabel { made: now.to_string(), since };
        let mut paced = Paced::new(to, Arc::clone(&self.stopping));
        let (head, _, bytes) = write_backup(snapshot.as_ref(), label, &mut paced)?;
        Ok((head.commit, bytes))
    }
}
