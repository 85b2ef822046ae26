//! Opening a data directory: alone, through a damaged snapshot, and not without noticing that something is missing.

use super::{
    Options,
    before::FileBackup,
    guard,
    judge::{self, Inspection},
    mark::StoreMark,
    recover::JournalContents,
    roots::OpenRoots,
    space,
    watermark::{Watermark, WatermarkRecord},
};
use crate::store::{Commit, StoreError};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Where the store keeps its mark, in sled's default tree: which store it is, and up to which commit all is in runs.
pub(super) const MARK: &[u8] = b"mark";
const LOCK: &str = "lock";
/// How long a lock of sled's that nobody can have is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
const ASIDE: &str = "aside.";

/// An open data directory.
#[derive(Debug)]
pub(super) struct OpenedDirectory {
    pub(super) db: sled::Db,
    /// Which store it is, and the last commit that it or its watermark knows of.
    pub(super) mark: StoreMark,
    pub(super) journal: JournalContents,
    pub(super) roots: OpenRoots,
    pub(super) watermark: Watermark,
    /// Acknowledged commits are missing, and it was opened all the same.
    pub(super) incomplete: bool,
    /// What the files were; dropped once the trees have been opened.
    pub(super) before: FileBackup,
    /// Keeps other processes out; given up last.
    pub(super) lock_directory: File,
}

fn cannot_open(dir: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError::CannotOpen(format!("the data directory `{}` {what}", dir.display()))
}

/// Opens or creates the store in `dir`. Until all has been judged and found well, nothing in it is changed.
pub(super) fn open(dir: &Path, options: &Options) -> Result<OpenedDirectory, StoreError> {
    create(dir)?;
    let lock = lock_directory(dir)?;
    let judged = judge::inspect_files(dir).map_err(|error| unreadable(dir, &error))?;
    refuse(dir, judged.losses.iter(), options)?;
    let untidy = |error| cannot_open(dir, format!("cannot be tidied: {error}"));
    space::release_reserve_file(dir, options.reserve).map_err(untidy)?;
    let before = FileBackup::create(dir, options.reserve).map_err(untidy)?;
    match open_inside(dir, judged, options) {
        Ok((db, judged)) => {
            judged.losses.iter().for_each(|loss| {
                tracing::warn!("the data directory {loss}; opened all the same, as asked")
            });
            finish_open(dir, db, judged, lock, before).map_err(|error| unreadable(dir, &error))
        }
        Err(refusal) => {
            if let Err(error) = before.restore() {
                tracing::error!(%error, "what the database was before it was opened could not be put back");
            }
            Err(refusal)
        }
    }
}

/// Opens sled, and judges what is in it.
fn open_inside(
    dir: &Path,
    judged: Inspection,
    options: &Options,
) -> Result<(sled::Db, Inspection), StoreError> {
    remove_unfinished_snapshots(dir)
        .map_err(|error| cannot_open(dir, format!("cannot be tidied: {error}")))?;
    let db = open_database(dir, options)?;
    let judged = judged.inside(&db);
    if let Some(why) = &judged.fatal {
        return Err(cannot_open(dir, why));
    }
    refuse(dir, judged.losses.iter(), options)?;
    Ok((db, judged))
}

/// Refuses a store that has lost something, unless it is to be opened all the same.
fn refuse<'a>(
    dir: &Path,
    mut losses: impl Iterator<Item = &'a String>,
    options: &Options,
) -> Result<(), StoreError> {
    match losses.next().filter(|_| !options.accept_data_loss) {
        Some(loss) => Err(cannot_open(dir, format!("{loss}{REMEDY}"))),
        None => Ok(()),
    }
}

/// Says of a store whose trees cannot be opened what to do.
pub(super) fn unreadable(dir: &Path, error: &dyn std::fmt::Display) -> StoreError {
    cannot_open(
        dir,
        format!(
            "cannot be read: {error}; restore a backup into an empty directory and start with that one"
        ),
    )
}

const REMEDY: &str = ". Restore a backup into an empty directory, or start once with `--accept-data-loss` to go on \
                      without what is missing";

fn create(dir: &Path) -> Result<(), StoreError> {
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
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn lock_directory(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK)).map_err(|error| {
        cannot_open(dir, format!("is not writable ({error}); give the user that runs holdfast the right to write there"))
    })?;
    try_lock(dir, file)
}

/// Keeps other processes out of a directory in which nothing is to be changed. Where there is no file for it, nobody has
/// ever been there.
pub(super) fn lock_unchanged(dir: &Path) -> Result<Option<File>, StoreError> {
    match File::open(dir.join(LOCK)) {
        Ok(file) => try_lock(dir, file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(dir, format!("cannot be read: {error}"))),
    }
}

/// The files in `dir` that sled reads and writes, and its snapshots that were set aside.
pub(super) fn list_sled_files(dir: &Path) -> io::Result<Vec<String>> {
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
fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    snapshots(dir, true)?.into_iter().try_for_each(fs::remove_file)
}

pub(super) fn open_database(dir: &Path, options: &Options) -> Result<sled::Db, StoreError> {
    let config = || {
        sled::Config::new()
            .path(dir)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(None)
            .use_compression(false)
            .mode(sled::Mode::HighThroughput)
    };
    let attempt = || guard::catch_panic_silently(|| retry_while_locked(|| config().open()));
    let damage = match attempt() {
        Ok(db) => return Ok(db),
        Err(StoreError::Damaged(what)) => what,
        Err(error) => return Err(cannot_open(dir, format!("cannot be opened: {error}"))),
    };
    // A snapshot only saves sled the reading of its whole log; without one it reads that.
    let moved = set_snapshots_aside(dir)
        .map_err(|error| cannot_open(dir, format!("is damaged ({damage}; {error})")))?;
    let second =
        if moved.is_empty() { Err(StoreError::Damaged(damage.clone())) } else { attempt() };
    second.inspect(|_| tracing::warn!(%damage, "a damaged snapshot was set aside; nothing is lost by it")).map_err(|_| {
        for (from, aside) in &moved {
            if let Err(error) = fs::rename(aside, from) {
                tracing::error!(%error, file = %aside.display(), "could not be moved back");
            }
        }
        cannot_open(
            dir,
            format!(
                "is damaged ({damage}) and cannot be opened; restore a backup into an empty directory and start with \
                 that one. Nothing was removed here: keep it until the restored one runs"
            ),
        )
    })
}

/// The directory is ours. If sled's own lock is taken all the same, a store that this process has just closed is about
/// to let go of it: sled's threads end a moment after what they did is done.
fn retry_while_locked<T>(open: impl Fn() -> sled::Result<T>) -> sled::Result<T> {
    let begun = Instant::now();
    loop {
        match open() {
            Err(sled::Error::Io(error))
                if error.to_string().starts_with("could not acquire lock")
                    && begun.elapsed() < LOCK_TIMEOUT =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn set_snapshots_aside(dir: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut moved = Vec::new();
    for from in snapshots(dir, false)? {
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = dir.join(format!("{ASIDE}{name}"));
        fs::rename(&from, &aside)?;
        moved.push((from, aside));
    }
    Ok(moved)
}

/// Makes what was judged durable, inside first, and gives a new store its identity.
fn finish_open(
    dir: &Path,
    db: sled::Db,
    judged: Inspection,
    lock_directory: File,
    before: FileBackup,
) -> Result<OpenedDirectory, String> {
    let Inspection {
        runs,
        watermark: beside,
        files,
        journal,
        mut roots,
        trees_ahead: ahead,
        losses,
        ..
    } = judged;
    if (runs.is_some() || journal.store.is_some()) && beside.is_none() {
        tracing::warn!("there is no watermark beside the store; a new one is made");
    }
    let inside = judge::inside(runs, &journal);
    let known = beside.map(|beside| StoreMark { store: beside.store, commit: beside.commit });
    let mark = StoreMark {
        store: inside.map_or_else(|| uuid::Uuid::now_v7().as_u128(), |mark| mark.store),
        // Numbers go on behind those that were lost, which somebody outside may remember.
        commit: inside
            .into_iter()
            .chain(known)
            .map(|mark| mark.commit)
            .fold(journal.highest, Commit::max),
    };
    let incomplete = !losses.is_empty();
    if incomplete {
        // What is there is the whole from now on.
        roots.generation = roots.generation.max(beside.map_or(0, |beside| beside.roots.generation));
    }
    let kept =
        OpenRoots::open(&db, roots, incomplete || ahead).map_err(|error| error.to_string())?;
    guard::catch_panic(|| {
        if runs.is_none() {
            db.insert(MARK, &StoreMark { commit: 0, ..mark }.to_bytes())?;
        }
        db.flush()
    })
    .map_err(|error| error.to_string())?;
    let through = runs.map_or(0, |runs| runs.commit);
    let sync = || {
        files.rewrite_last_segment(dir, &journal)?;
        File::open(dir.join("db"))?.sync_data()?;
        // sled writes this once and never syncs it, and does not open with half of it.
        File::open(dir.join("conf"))?.sync_all()?;
        let reached =
            WatermarkRecord { store: mark.store, commit: mark.commit, through, roots: kept.root() };
        let watermark = Watermark::create(dir, reached)?;
        sync_dir(dir)?;
        Ok(watermark)
    };
    let watermark = sync().map_err(|error: io::Error| error.to_string())?;
    Ok(OpenedDirectory {
        db,
        mark,
        journal,
        roots: kept,
        watermark,
        incomplete,
        before,
        lock_directory,
    })
}
