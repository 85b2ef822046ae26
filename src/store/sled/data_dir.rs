//! The files of a data directory: making it, locking it, and what of it is sled's.

use crate::store::StoreError;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";
const ASIDE: &str = "aside.";

pub fn cannot_open(dir: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError::CannotOpen(format!("the data directory `{}` {what}", dir.display()))
}

/// What only the owner of a file or directory may do.
const OWNER_ONLY: u32 = 0o700;
/// Set where every user of the machine may write.
const WRITABLE_BY_ALL: u32 = 0o002;

/// Makes the directory, or takes away from other users what they may do in one that is there.
pub fn create_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return protect(dir);
    }
    if dir.exists() {
        return Err(cannot_open(
            dir,
            "is not a directory; name one, or a place where one can be made",
        ));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(dir)
        .map_err(|error| cannot_open(dir, format!("cannot be created: {error}")))?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync_dir(parent).map_err(|error| cannot_open(dir, format!("cannot be made durable: {error}")))
}

/// Keeps other users of the machine out of `dir`, which holds names, addresses and telephone numbers. A directory in which all
/// of them may write is refused: what is in it may be theirs.
fn protect(dir: &Path) -> Result<(), StoreError> {
    let unreadable = |error| cannot_open(dir, format!("cannot be looked at: {error}"));
    let mode = fs::metadata(dir).map_err(unreadable)?.permissions().mode();
    if mode & WRITABLE_BY_ALL != 0 {
        return Err(cannot_open(
            dir,
            format!(
                "may be written by every user of the machine; look at what is in it, then run `chmod 700 {}`, or name a \
                 directory in it that is not there yet",
                dir.display()
            ),
        ));
    }
    if mode & 0o777 & !OWNER_ONLY == 0 {
        return Ok(());
    }
    // The directory of a volume may belong to root, and be shared by its group alone.
    match fs::set_permissions(dir, Permissions::from_mode(mode & OWNER_ONLY)) {
        Ok(()) => tracing::info!(data = %dir.display(), "closed the data directory to other users"),
        Err(error) => {
            tracing::warn!(data = %dir.display(), %error, "failed to close the data directory to other users")
        }
    }
    Ok(())
}

/// Whether a store has been opened in `dir`.
pub fn has_store(dir: &Path) -> bool {
    dir.join(LOCK).is_file()
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

/// Whether a process uses the store in `dir`.
pub fn is_in_use(dir: &Path) -> io::Result<bool> {
    match File::open(dir.join(LOCK)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
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

fn find_snapshots(dir: &Path, unfinished: bool) -> io::Result<Vec<PathBuf>> {
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
    find_snapshots(dir, true)?.into_iter().try_for_each(fs::remove_file)
}

pub fn set_snapshots_aside(dir: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut moved = Vec::new();
    for from in find_snapshots(dir, false)? {
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = dir.join(format!("{ASIDE}{name}"));
        fs::rename(&from, &aside)?;
        moved.push((from, aside));
    }
    Ok(moved)
}
