//! Opening a data directory: alone, even with a damaged snapshot, and never without noticing that
//! something is missing.

use super::{
    data_dir::{
        cannot_open, create_dir, lock_directory, remove_unfinished_snapshots, set_snapshots_aside,
        sync_dir,
    },
    disk_space,
    integrity::{
        file_backup::FileBackup,
        inspection::{self, Inspection},
        roots::OpenRoots,
        store_mark::{MARK, StoreMark},
    },
    options::Options,
    panic,
    recovery::JournalContents,
    watermark::{Watermark, WatermarkRecord},
};
use crate::store::{Commit, StoreError};
use std::{
    fs::{self, File},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long to wait for sled's own lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// An open data directory.
#[derive(Debug)]
pub struct OpenedDirectory {
    pub db: sled::Db,
    /// Which store it is, and the last commit that it or its watermark knows of.
    pub mark: StoreMark,
    pub journal: JournalContents,
    pub roots: OpenRoots,
    pub watermark: Watermark,
    /// Acknowledged commits are missing, and it was opened all the same.
    pub incomplete: bool,
    /// What the files were; dropped once the trees have been opened.
    pub before: FileBackup,
    /// Keeps other processes out; given up last.
    pub lock: File,
}

/// Opens or creates the store in `dir`. Until all has been judged and found well, nothing in it is changed.
pub fn open_directory(dir: &Path, options: &Options) -> Result<OpenedDirectory, StoreError> {
    create_dir(dir)?;
    let lock = lock_directory(dir)?;
    let judged =
        inspection::inspect_files(dir).map_err(|error| unreadable_directory(dir, &error))?;
    refuse_contents(dir, judged.losses.iter(), options)?;
    let untidy = |error| cannot_open(dir, format!("cannot be tidied: {error}"));
    disk_space::release_reserve_file(dir, options.reserve).map_err(untidy)?;
    let before = FileBackup::create(dir, options.reserve).map_err(untidy)?;
    match open_inside(dir, judged, options) {
        Ok((db, judged)) => {
            judged.losses.iter().for_each(|loss| {
                tracing::warn!("the data directory {loss}; opened all the same, as asked")
            });
            finish_open(dir, db, judged, lock, before)
                .map_err(|error| unreadable_directory(dir, &error))
        }
        Err(refusal) => {
            if let Err(error) = before.restore_files() {
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
    let judged = judged.with_contents(&db);
    if let Some(why) = &judged.fatal {
        return Err(cannot_open(dir, why));
    }
    refuse_contents(dir, judged.losses.iter(), options)?;
    Ok((db, judged))
}

/// Refuses a store that has lost something, unless it is to be opened all the same.
fn refuse_contents<'a>(
    dir: &Path,
    mut losses: impl Iterator<Item = &'a String>,
    options: &Options,
) -> Result<(), StoreError> {
    match losses.next().filter(|_| !options.accept_data_loss) {
        Some(loss) => Err(cannot_open(dir, format!("{loss}{REMEDY}"))),
        None => Ok(()),
    }
}

/// The error of a store whose trees cannot be opened, with what to do.
pub fn unreadable_directory(dir: &Path, error: &dyn std::fmt::Display) -> StoreError {
    cannot_open(
        dir,
        format!(
            "cannot be read: {error}; restore a backup into an empty directory and start with that one"
        ),
    )
}

const REMEDY: &str = ". Restore a backup into an empty directory, or start once with `--accept-data-loss` to go on \
                      without what is missing";

pub fn open_database(dir: &Path, options: &Options) -> Result<sled::Db, StoreError> {
    let config = || {
        sled::Config::new()
            .path(dir)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(None)
            .use_compression(false)
            .mode(sled::Mode::HighThroughput)
    };
    let attempt = || panic::catch_panic_silently(|| retry_while_locked(|| config().open()));
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
    second.inspect(|_| tracing::warn!(%damage, "set a damaged snapshot aside; nothing is lost by it")).map_err(|_| {
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

/// Retries while sled's own lock is held. The directory is locked by this process, so it can only be
/// a store that this process has just closed: sled's threads end a moment later.
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

/// Makes what was judged durable, inside first, and gives a new store its identity.
fn finish_open(
    dir: &Path,
    db: sled::Db,
    judged: Inspection,
    lock: File,
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
    let inside = inspection::find_mark(runs, &journal);
    let known = beside.map(|beside| StoreMark { store: beside.store, commit: beside.commit });
    let mark = StoreMark {
        store: inside.map_or_else(|| uuid::Uuid::now_v7().as_u128(), |mark| mark.store),
        // Numbers continue after those that were lost, which clients may remember.
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
    panic::catch_panic(|| {
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
    Ok(OpenedDirectory { db, mark, journal, roots: kept, watermark, incomplete, before, lock })
}
