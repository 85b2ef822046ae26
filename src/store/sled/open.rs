//! Opening a data directory: alone, through a damaged snapshot, and not without noticing that something is missing.

use super::{
    Options, guard,
    mark::Mark,
    recover::{self, Contents},
    space,
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
/// What stores had that kept each row in sled by itself.
const BEGUN: &[u8] = b"begun";
const LOCK: &str = "lock";
/// How long a lock of sled's that nobody can have is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const ASIDE: &str = "aside.";

/// An open data directory.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) db: sled::Db,
    /// Which store it is, and the last commit that it or its watermark knows of.
    pub(super) mark: Mark,
    pub(super) journal: Contents,
    /// Acknowledged commits are missing, and it was opened all the same.
    pub(super) incomplete: bool,
    /// Keeps other processes out; given up last.
    pub(super) lock: File,
}

fn cannot(dir: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError::CannotOpen(format!("the data directory `{}` {what}", dir.display()))
}

/// Opens or creates the store in `dir`.
pub(super) fn open(dir: &Path, options: &Options) -> Result<Opened, StoreError> {
    create(dir)?;
    let lock = lock(dir)?;
    space::give_up_reserve(dir, options.reserve).map_err(|error| cannot(dir, format!("cannot be tidied: {error}")))?;
    remove_unfinished_snapshots(dir).map_err(|error| cannot(dir, format!("cannot be tidied: {error}")))?;
    let db = open_database(dir, options)?;
    let (mark, journal, incomplete) = identify(dir, &db, options)?;
    Ok(Opened { db, mark, journal, incomplete, lock })
}

fn create(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    if dir.exists() {
        return Err(cannot(dir, "is not a directory; name one, or a place where one can be made"));
    }
    fs::create_dir_all(dir).map_err(|error| cannot(dir, format!("cannot be created: {error}")))?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync_dir(parent).map_err(|error| cannot(dir, format!("cannot be made durable: {error}")))
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK)).map_err(|error| {
        cannot(dir, format!("is not writable ({error}); give the user that runs holdfast the right to write there"))
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(cannot(dir, "is in use by another holdfast; stop that one first, or name another directory"))
        }
        Err(TryLockError::Error(error)) => Err(cannot(dir, format!("cannot be locked: {error}"))),
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

fn open_database(dir: &Path, options: &Options) -> Result<sled::Db, StoreError> {
    let config = || {
        sled::Config::new()
            .path(dir)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(None)
            .use_compression(false)
            .mode(sled::Mode::HighThroughput)
    };
    let attempt = || guard::quietly(|| patiently(|| config().open()));
    let damage = match attempt() {
        Ok(db) => return Ok(db),
        Err(StoreError::Damaged(what)) => what,
        Err(error) => return Err(cannot(dir, format!("cannot be opened: {error}"))),
    };
    // A snapshot only saves sled the reading of its whole log; without one it reads that.
    let moved = set_snapshots_aside(dir).map_err(|error| cannot(dir, format!("is damaged ({damage}; {error})")))?;
    let second = if moved.is_empty() { Err(StoreError::Damaged(damage.clone())) } else { attempt() };
    second.inspect(|_| tracing::warn!(%damage, "a damaged snapshot was set aside; nothing is lost by it")).map_err(|_| {
        for (from, aside) in &moved {
            if let Err(error) = fs::rename(aside, from) {
                tracing::error!(%error, file = %aside.display(), "could not be moved back");
            }
        }
        cannot(
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
fn patiently<T>(open: impl Fn() -> sled::Result<T>) -> sled::Result<T> {
    let begun = Instant::now();
    loop {
        match open() {
            Err(sled::Error::Io(error))
                if error.to_string().starts_with("could not acquire lock") && begun.elapsed() < PATIENCE =>
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

/// Compares the runs, the journal and the file beside them, and gives a new store its identity.
fn identify(dir: &Path, db: &sled::Db, options: &Options) -> Result<(Mark, Contents, bool), StoreError> {
    let failed = |error: &dyn std::fmt::Display| {
        cannot(
            dir,
            format!("cannot be read: {error}; restore a backup into an empty directory and start with that one"),
        )
    };
    let stored = |key: &[u8]| guard::quietly(|| db.get(key)).map_err(|error| failed(&error));
    if stored(BEGUN)?.is_some() {
        return Err(cannot(
            dir,
            "was written by an earlier version, which kept rows differently; go on with that one, or name another directory",
        ));
    }
    let runs = match stored(MARK)?.map(|bytes| Mark::from_bytes(&bytes)) {
        None => None,
        Some(Some(mark)) => Some(mark),
        Some(None) => return Err(cannot(dir, "is damaged: its own mark cannot be read; restore a backup")),
    };
    let mut journal = recover::read(dir, runs.map_or(0, |mark| mark.commit)).map_err(|error| failed(&error))?;
    let beside = Mark::read(dir);
    let mut losses: Vec<String> = Vec::new();
    losses.extend(journal.damage.as_ref().map(|damage| format!("is damaged: {damage}")));
    if let Some(loss) = unlinked(runs, &journal) {
        // What follows a gap would stand without what it rests on.
        journal.batches.clear();
        losses.push(loss);
    }
    let inside = runs.or(journal.store.map(|store| Mark { store, commit: 0 }));
    let inside = inside.map(|mark| Mark { commit: mark.commit.max(journal.last), ..mark });
    match &beside {
        Ok(beside) => losses.extend(missing(inside, *beside)),
        Err(error) => losses
            .push(format!("has a watermark that cannot be read ({error}), so whether commits are missing is unknown")),
    }
    if let Some(loss) = losses.first() {
        if !options.accept_data_loss {
            return Err(cannot(dir, loss.clone() + REMEDY));
        }
        losses.iter().for_each(|loss| tracing::warn!("the data directory {loss}; opened all the same, as asked"));
    }
    let beside = beside.unwrap_or_default();
    if inside.is_some() && beside.is_none() {
        tracing::warn!("there is no watermark beside the store; a new one is made");
    }
    let mark = Mark {
        store: inside.map_or_else(|| uuid::Uuid::now_v7().as_u128(), |mark| mark.store),
        // Numbers go on behind those that were lost, which somebody outside may remember.
        commit: inside.into_iter().chain(beside).map(|mark| mark.commit).fold(journal.highest, Commit::max),
    };
    establish(dir, db, runs.is_none(), mark).map_err(|error| failed(&error))?;
    Ok((mark, journal, !losses.is_empty()))
}

/// What lies between the runs and the journal and is in neither, in words.
fn unlinked(runs: Option<Mark>, journal: &Contents) -> Option<String> {
    let store = journal.store?;
    match runs {
        Some(runs) if runs.store != store => Some("holds the journal of another store".into()),
        _ => {
            let through = runs.map_or(0, |mark| mark.commit);
            (through < journal.after)
                .then(|| format!("has lost commits {} to {}, which were acknowledged", through + 1, journal.after))
        }
    }
}

const REMEDY: &str = ". Restore a backup into an empty directory, or start once with `--accept-data-loss` to go on \
                      without what is missing";

/// What the store lacks of what the file beside it remembers, in words.
fn missing(inside: Option<Mark>, beside: Option<Mark>) -> Option<String> {
    let beside = beside?;
    match inside {
        None if beside.commit == 0 => None,
        None => Some(format!("has lost its store: commits 1 to {} are missing", beside.commit)),
        Some(inside) if inside.store != beside.store => Some(format!(
            "holds another store than its watermark speaks of: that one had {} commits, this one has {}",
            beside.commit, inside.commit
        )),
        Some(inside) if inside.commit < beside.commit => {
            Some(format!("has lost commits {} to {}, which were acknowledged", inside.commit + 1, beside.commit))
        }
        Some(_) => None,
    }
}

/// Makes the mark durable, inside first.
fn establish(dir: &Path, db: &sled::Db, is_new: bool, mark: Mark) -> Result<(), String> {
    guard::guarded(|| {
        if is_new {
            db.insert(MARK, &Mark { commit: 0, ..mark }.to_bytes())?;
        }
        db.flush()
    })
    .map_err(|error| error.to_string())?;
    let sync = || {
        File::open(dir.join("db"))?.sync_data()?;
        // sled writes this once and never syncs it, and does not open with half of it.
        File::open(dir.join("conf"))?.sync_all()?;
        mark.write(dir)?;
        sync_dir(dir)
    };
    sync().map_err(|error: io::Error| error.to_string())
}
