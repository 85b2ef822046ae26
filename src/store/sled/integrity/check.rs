//! Checking a store that is not in use: all of it is read, and nothing is changed. sled writes when
//! it opens, so it is opened on a copy of its files.

use super::inspection::{self, DEFAULT_TREE, Inspection};
use crate::store::{
    Commit, Row, Scan, StoreError,
    paging::Pages,
    sled::{
        data_dir, manifest::Manifest, open, options::Options, panic::catch_panic,
        recovery::RecoveredBatch, run_range::verify_run, sorted_run::SortedRun, table::Table,
    },
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Judges rows by what they mean, which the store does not know.
pub trait Audit {
    /// Those that come now are of this tree.
    fn begin_tree(&mut self, name: &str);
    /// Checks a row; rows come in the order of their keys. Gives what is wrong.
    fn check_row(&mut self, key: &[u8], row: &Row) -> Option<String>;
}

/// What there is, and what is wrong.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Which store it is.
    pub store: Option<String>,
    /// The last commit.
    pub last_commit: Commit,
    /// Commits that the journal has: those that are in no run yet, and some that are.
    pub journal_commits: u64,
    /// Its trees.
    pub trees: Vec<TreeReport>,
    /// What is wrong, and where.
    pub problems: Vec<StoreProblem>,
    /// How many more there are than are listed.
    pub more_problems: u64,
}

/// A tree.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeReport {
    /// Its name: that of a context.
    pub name: String,
    /// Rows that there are.
    pub rows: u64,
    /// Runs that count.
    pub runs: u64,
    /// Those among them that were written before there were seals.
    pub runs_without_seals: u64,
    /// Blocks in them.
    pub blocks: u64,
    /// Rows in them, those included that were replaced or removed since.
    pub rows_in_runs: u64,
    /// The highest commit that wrote one of the rows.
    pub last_commit: Commit,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreProblem {
    /// Where: a tree, or the directory.
    pub place: String,
    /// What.
    pub what: String,
}

/// The most problems that are listed.
const MAX_LISTED: usize = 1000;
/// Rows that are read at once.
const PAGE: usize = 1000;

impl CheckReport {
    fn add_problem(&mut self, place: &str, what: impl Into<String>) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(StoreProblem { place: place.into(), what: what.into() })
        } else {
            self.more_problems += 1
        }
    }
}

/// Reads all of the store in `dir`. The copy is made in a directory of its own below `scratch`, and removed again.
///
/// # Errors
/// [`StoreError::CannotOpen`] when there is no store, it is in use, or it cannot be copied.
pub fn check_store(
    dir: &Path,
    scratch: &Path,
    audit: &mut dyn Audit,
) -> Result<CheckReport, StoreError> {
    let cannot = |what: String| {
        StoreError::CannotOpen(format!("the data directory `{}` {what}", dir.display()))
    };
    if !dir.is_dir() {
        return Err(cannot("does not exist".into()));
    }
    let _lock = data_dir::lock_unchanged(dir)?;
    let there = fs::read_dir(dir).map_err(|error| cannot(format!("cannot be read: {error}")))?;
    if !there.flatten().any(|entry| is_of_a_store(&entry.file_name().to_string_lossy())) {
        return Err(cannot("holds no store; name the one that `serve` is given".into()));
    }
    let mut checked = CheckReport::default();
    let judged = inspection::inspect_files(dir)
        .map_err(|error| cannot(format!("cannot be read: {error}")))?;
    let copy = Copy::of(dir, scratch).map_err(|error| {
        cannot(format!(
            "cannot be copied to `{}` ({error}); name a place with --scratch",
            scratch.display()
        ))
    })?;
    let options = Options { scrub: None, ..Options::default() };
    let db = match open::open_database(&copy.0, &options) {
        Ok(db) => db,
        Err(error) => {
            judged.losses.iter().for_each(|loss| checked.add_problem("data", loss));
            let words = error
                .to_string()
                .replace(&copy.0.display().to_string(), &dir.display().to_string());
            let own = format!("the data directory `{}` ", dir.display());
            checked.add_problem("data", words.strip_prefix(&own).unwrap_or(&words));
            return Ok(checked);
        }
    };
    let judged = judged.with_contents(&db);
    for what in judged.losses.iter().chain(&judged.fatal) {
        checked.add_problem("data", what);
    }
    let inside = inspection::find_mark(judged.runs, &judged.journal);
    checked.store = inside.map(|mark| uuid::Uuid::from_u128(mark.store).to_string());
    checked.last_commit = inside.map_or(0, |mark| mark.commit);
    let Inspection { journal, .. } = judged;
    checked.journal_commits = journal.batches.len() as u64;
    let mut unwritten: BTreeMap<String, Vec<RecoveredBatch>> = BTreeMap::new();
    for batch in journal.batches {
        unwritten.entry(batch.tree.clone()).or_default().push(batch);
    }
    let names = catch_panic(|| Ok(db.tree_names()))?;
    let names = names
        .iter()
        .filter(|name| *name != DEFAULT_TREE)
        .map(|name| String::from_utf8_lossy(name).into_owned());
    let all: std::collections::BTreeSet<String> = names.chain(unwritten.keys().cloned()).collect();
    for name in all {
        let batches = unwritten.remove(&name).unwrap_or_default();
        if let Err(error) = check_tree(&db, &name, batches, audit, &mut checked) {
            checked.add_problem(&name, error.to_string());
        }
    }
    Ok(checked)
}

fn is_of_a_store(file: &str) -> bool {
    matches!(file, "db" | "watermark") || file.starts_with("journal.")
}

fn check_tree(
    db: &sled::Db,
    name: &str,
    batches: Vec<RecoveredBatch>,
    audit: &mut dyn Audit,
    checked: &mut CheckReport,
) -> Result<(), StoreError> {
    let tree = catch_panic(|| db.open_tree(name))?;
    let mut seen = TreeReport { name: name.into(), ..TreeReport::default() };
    let mut readable = true;
    for member in Manifest::read(&tree)?.runs {
        seen.runs += 1;
        seen.runs_without_seals += u64::from(member.id.is_none());
        match SortedRun::open(&tree, member).and_then(|run| verify_run(&run, &tree, |_| true)) {
            Ok(counted) => {
                seen.blocks += counted.blocks;
                seen.rows_in_runs += counted.rows;
            }
            Err(error) => {
                readable = false;
                checked.add_problem(name, error.to_string());
            }
        }
    }
    // Where a run has a hole, relations between rows mean nothing.
    if readable {
        let table = Table::open(name, tree, Arc::default())?;
        for batch in batches.into_iter().filter(|batch| batch.commit > table.flushed_through()) {
            table.apply_writes(batch.commit, batch.writes);
        }
        audit.begin_tree(name);
        read_rows(&table, audit, &mut seen, checked)?;
    }
    checked.trees.push(seen);
    Ok(())
}

fn read_rows(
    table: &Table,
    audit: &mut dyn Audit,
    seen: &mut TreeReport,
    checked: &mut CheckReport,
) -> Result<(), StoreError> {
    let mut pages = Pages::over_scan(Scan::prefix(&[], PAGE));
    while let Some(rows) = pages.next(|scan| table.scan_rows(scan))? {
        for (key, row) in &rows {
            seen.rows += 1;
            seen.last_commit = seen.last_commit.max(row.commit);
            if let Some(what) = audit.check_row(key, row) {
                checked.add_problem(&seen.name, what);
            }
        }
    }
    Ok(())
}

/// A copy of sled's files. Dropped, it is gone.
struct Copy(PathBuf);

impl Copy {
    fn of(dir: &Path, scratch: &Path) -> io::Result<Self> {
        let copy = Self(scratch.join(format!("holdfast-check-{}", uuid::Uuid::now_v7())));
        fs::create_dir(&copy.0)?;
        for file in data_dir::list_sled_files(dir)?
            .into_iter()
            .filter(|name| !name.ends_with(".generating"))
        {
            fs::copy(dir.join(&file), copy.0.join(&file))?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, directory = %self.0.display(), "the copy could not be removed");
        }
    }
}
