//! The files of a data directory: making it, locking it, and what of it is sled's.

use crate::store::StoreError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";
const ASIDE: &str = "aside.";

pub fn cannot_open(dir: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError::CannotOpen(format!("the data directory `{}` {what}", dir.display()))
}

pub fn create(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    if dir.exists() {
        return Err(cannot_open(
            dir,
            "is not a directory; name one, or a place where one can be made",
        ));
    }
    fs::create_dir_all(dir)
        .map_err(|error| cannot_open(dir, format!("cannot be created: {error}")))?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync_dir(parent).map_err(|error| cannot_open(dir, format!("cannot be made durable: {error}")))
}

/// Makes the names in `dir` durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

pub fn lock_directory(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK)).map_err(|error| {
        cannot_open(dir, format!("is not writable ({error}); give the user that runs holdfast the right to write there"))
    })?;
    try_lock(dir, file)
}

/// Keeps other processes out of a directory without changing it. Without a lock file there has
/// never been a store.
pub fn lock_unchanged(dir: &Path) -> Result<Option<File>, StoreError> {
    match File::open(dir.join(LOCK)) {
        Ok(file) => try_lock(dir, file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(dir, format!("cannot be read: {error}"))),
    }
}

/// The files in `dir` that sled reads and writes, and its snapshots that were set aside.
pub fn list_sled_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == "db" || name == "conf" || name.starts_with("snap.") || name.starts_with(ASIDE) {
            files.push(name);
        }
    }
    Ok(files)
}

fn try_lock(dir: &Path, file: File) -> Result<File, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(cannot_open(
            dir,
            "is in use by another holdfast; stop that one first, or name another directory",
        )),
        Err(TryLockError::Error(error)) => {
            Err(cannot_open(dir, format!("cannot be locked: {error}")))
        }
    }
}

fn snapshots(dir: &Path, unfinished: bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") == unfinished {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A kill while opening leaves a snapshot half made, which sled then takes for a whole one.
pub fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    snapshots(dir, true)?.into_iter().try_for_each(fs::remove_file)
}

pub fn set_snapshots_aside(dir: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut moved = Vec::new();
    for from in snapshots(dir, false)? {
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = dir.join(format!("{ASIDE}{name}"));
        fs::rename(&from, &aside)?;
        moved.push((from, aside));
    }
    Ok(moved)
}
