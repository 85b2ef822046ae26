//! A directory of backups: whole ones, the newest of which are kept.

use crate::{
    domain::Timestamp,
    store::{
        Commit,
        backup::{BackupError, read_head},
    },
};
use serde::Serialize;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What the names of backups end with.
const ENDING: &str = ".backup";
/// What the name of one that is being made ends with.
const UNFINISHED: &str = ".part";

/// A backup of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptBackup {
    /// The name of its file.
    pub file: String,
    /// When it was made.
    pub made: Timestamp,
    /// The last commit that it has.
    pub commit: Commit,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A directory of backups.
#[derive(Debug, Clone)]
pub struct BackupDirectory {
    path: PathBuf,
    keep: usize,
}

impl BackupDirectory {
    pub fn new(path: PathBuf, keep: usize) -> Self {
        Self { path, keep }
    }

    /// The backups of the store `store` that are there, the oldest first. What cannot be read is no backup.
    pub fn list(&self, store: u128) -> io::Result<Vec<KeptBackup>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if file.starts_with(&prefix_of(store)) && file.ends_with(ENDING) {
                found.extend(read_kept(&entry.path(), file, store));
            }
        }
        found.sort_by_key(|kept| (kept.made, kept.commit));
        Ok(found)
    }

    /// Makes a backup with `write`, and removes the oldest ones beyond those that are kept.
    pub fn add(
        &self,
        store: u128,
        made: Timestamp,
        write: impl FnOnce(&mut dyn Write) -> Result<(Commit, u64), BackupError>,
    ) -> Result<KeptBackup, BackupError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        self.remove_unfinished(store)?;
        let name = format!("{}{}", prefix_of(store), made.micros());
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let written = write_file(&file, write).and_then(|written| {
            file.sync_all()?;
            Ok(written)
        });
        let (commit, bytes) = written.inspect_err(|_| {
            if let Err(error) = fs::remove_file(&unfinished) {
                tracing::warn!(%error, file = %unfinished.display(), "failed to remove an unfinished backup");
            }
        })?;
        let file = format!("{name}-{commit}{ENDING}");
        fs::rename(&unfinished, self.path.join(&file))?;
        File::open(&self.path)?.sync_all()?;
        self.remove_old(store)?;
        Ok(KeptBackup { file, made, commit, bytes })
    }

    fn remove_old(&self, store: u128) -> io::Result<()> {
        let all = self.list(store)?;
        let old = all.len().saturating_sub(self.keep.max(1));
        all.iter().take(old).try_for_each(|kept| fs::remove_file(self.path.join(&kept.file)))
    }

    /// A kill leaves what it has not finished.
    fn remove_unfinished(&self, store: u128) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&prefix_of(store)) && name.ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Stores that share a directory have names of their own.
fn prefix_of(store: u128) -> String {
    format!("holdfast-{store:032x}-")
}

fn write_file(
    file: &File,
    write: impl FnOnce(&mut dyn Write) -> Result<(Commit, u64), BackupError>,
) -> Result<(Commit, u64), BackupError> {
    let mut to = BufWriter::new(file);
    let written = write(&mut to)?;
    to.flush()?;
    Ok(written)
}

fn read_kept(path: &Path, file: String, store: u128) -> Option<KeptBackup> {
    let opened = File::open(path).ok()?;
    let bytes = opened.metadata().ok()?.len();
    let head = read_head(BufReader::new(opened)).ok()?;
    let made = head.made.parse().ok()?;
    let is_own = head.identity().is_ok_and(|own| own == store);
    is_own.then_some(KeptBackup { file, made, commit: head.commit, bytes })
}
