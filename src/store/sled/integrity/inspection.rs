//! Inspecting a store that is about to be opened: whether all is there that should be. Nothing is
//! changed.
//!
//! What lies outside sled (journal and watermark) is inspected before sled is opened, because sled
//! writes as it opens. Inside, each tree must have the manifest that the roots name or a later one,
//! and the roots must be those of the watermark or later ones; each run that a manifest names must
//! have a summary. Blocks are verified when they are read.

use super::{
    roots::{Root, Roots},
    store_mark::{MARK, StoreMark},
};
use crate::store::{
    Commit, StoreError,
    sled::{
        manifest::Manifest,
        panic,
        recovery::{JournalContents, JournalFiles},
        sorted_run::SortedRun,
        watermark::WatermarkRecord,
    },
};
use std::{io, path::Path};

/// What stores had that kept each row in sled by itself.
const LEGACY_KEY: &[u8] = b"begun";
/// The tree that sled always has.
pub const DEFAULT_TREE: &[u8] = b"__sled__default";

/// What there is, and what is missing.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Up to which commit all is in runs, as the mark in sled has it.
    pub runs: Option<StoreMark>,
    pub watermark: Option<WatermarkRecord>,
    pub files: JournalFiles,
    pub journal: JournalContents,
    /// The roots as they are.
    pub roots: Roots,
    /// Trees have got further than the roots that were written: the process was killed in between.
    pub trees_ahead: bool,
    /// What is missing, as text that follows "the data directory".
    pub losses: Vec<String>,
    /// Why the watermark cannot be read.
    watermark_error: Option<String>,
    /// Why it cannot be opened at all.
    pub fatal: Option<String>,
}

/// Judges the journal and the watermark in `dir`.
pub fn inspect_files(dir: &Path) -> io::Result<Inspection> {
    let mut judged = Inspection { files: JournalFiles::read(dir)?, ..Inspection::default() };
    match WatermarkRecord::read(dir) {
        Ok(beside) => judged.watermark = beside,
        Err(error) => {
            let why = format!(
                "has a watermark that cannot be read ({error}), so whether commits are missing is unknown"
            );
            (judged.watermark_error, judged.losses) = (Some(why.clone()), vec![why]);
        }
    }
    // Before there were roots, the watermark did not record from which commit on the journal
    // matters.
    if let Some(beside) = judged.watermark.filter(|beside| beside.roots.generation > 0) {
        judged.journal = judged.files.contents_after(beside.through);
        // The journal has everything from there on: it is truncated only after the watermark has
        // moved.
        let runs = Some(StoreMark { store: beside.store, commit: beside.through });
        judged.losses.extend(journal_losses(runs, &judged.journal));
        if judged.journal.store.is_some() {
            judged
                .losses
                .extend(missing_commits(find_mark(runs, &judged.journal), judged.watermark));
        }
        if !dir.join("db").exists() {
            let all =
                missing_commits(None, judged.watermark).filter(|_| judged.journal.store.is_none());
            judged
                .losses
                .push(all.unwrap_or_else(|| "has lost its database, the file `db`".into()));
        }
    }
    Ok(judged)
}

impl Inspection {
    /// Judges what is in sled too, and all together.
    pub fn with_contents(mut self, db: &sled::Db) -> Self {
        if let Err(error) = self.read_database(db) {
            self.fatal = Some(format!(
                "cannot be read: {error}; restore a backup into an empty directory and start with that one"
            ));
        }
        self
    }

    fn read_database(&mut self, db: &sled::Db) -> Result<(), StoreError> {
        let stored = |key: &[u8]| panic::catch_panic_silently(|| db.get(key));
        if stored(LEGACY_KEY)?.is_some() {
            let why = "was written by an earlier version, which kept rows differently; go on with that one, or name \
                       another directory";
            self.fatal = Some(why.into());
            return Ok(());
        }
        self.runs = match stored(MARK)?.map(|bytes| StoreMark::from_bytes(&bytes)) {
            Some(None) => {
                self.fatal =
                    Some("is damaged: its own mark cannot be read; restore a backup".into());
                return Ok(());
            }
            mark => mark.flatten(),
        };
        self.journal = self.files.contents_after(self.runs.map_or(0, |mark| mark.commit));
        // The findings from before sled was opened are made again here, or no longer hold: sled may
        // have more in runs.
        self.losses = std::mem::take(&mut self.watermark_error).into_iter().collect();
        let losses = journal_losses(self.runs, &self.journal);
        if gap_before_journal(self.runs, &self.journal).is_some() {
            // What follows a gap lacks what it depends on.
            self.journal.batches.clear();
        }
        self.losses.extend(losses);
        self.losses.extend(missing_commits(find_mark(self.runs, &self.journal), self.watermark));
        self.check_trees(db)
    }

    fn check_trees(&mut self, db: &sled::Db) -> Result<(), StoreError> {
        let named = Roots::read(db).unwrap_or_else(|error| {
            self.losses.push(format!("is damaged: {error}"));
            None
        });
        let known = self.watermark.map_or_else(Root::default, |beside| beside.roots);
        let named = named.unwrap_or_default();
        if named.generation < known.generation {
            self.losses.push(match (named.generation, known.generation) {
                (0, _) => "has lost what was in its database, the file `db`".into(),
                (is, was) => format!(
                    "has an older state of its database than was written (change {is} of {was})"
                ),
            });
        } else if named.generation == known.generation
            && known.generation > 0
            && named.compute_root() != known
        {
            self.losses.push("has a list of trees that is not the one which was written".into());
        }
        let names: Vec<_> = panic::catch_panic_silently(|| Ok(db.tree_names()))?;
        let lost =
            named.trees.keys().filter(|name| !names.iter().any(|there| there == name.as_bytes()));
        self.losses.extend(lost.map(|name| format!("has lost all of `{name}`")));
        self.roots.generation = named.generation;
        for name in names.iter().filter(|name| *name != DEFAULT_TREE) {
            let tree = panic::catch_panic_silently(|| db.open_tree(name))?;
            let name = String::from_utf8_lossy(name).into_owned();
            let manifest = Manifest::read(&tree)?;
            let is = Root::from_manifest(&manifest, &tree.name());
            let root = named.trees.get(&name).copied().unwrap_or_default();
            if is.generation < root.generation {
                let is = is.generation;
                let was = root.generation;
                self.losses.push(format!(
                    "has an older state of `{name}` than was written (change {is} of {was})"
                ));
            } else if is.generation == root.generation && root.generation > 0 && is != root {
                self.losses.push(format!("has another `{name}` than the one which was written"));
            }
            for member in &manifest.runs {
                SortedRun::open(&tree, *member)?;
            }
            // What is looked at when it is opened is to be readable before anything is changed.
            SortedRun::highest_number(&tree)?;
            SortedRun::run_numbers(&tree)?;
            if is.generation > 0 {
                self.roots.trees.insert(name, is);
            }
        }
        self.trees_ahead = self.roots.trees != named.trees;
        Ok(())
    }
}

/// What runs and journal have together.
pub fn find_mark(runs: Option<StoreMark>, journal: &JournalContents) -> Option<StoreMark> {
    let inside = runs.or(journal.store.map(|store| StoreMark { store, commit: 0 }));
    inside.map(|mark| StoreMark { commit: mark.commit.max(journal.last), ..mark })
}

fn journal_losses(
    runs: Option<StoreMark>,
    journal: &JournalContents,
) -> impl Iterator<Item = String> + use<> {
    let damage = journal.damage.as_ref().map(|damage| format!("is damaged: {damage}"));
    damage.into_iter().chain(gap_before_journal(runs, journal))
}

/// The commits between runs and journal that are in neither, as text.
fn gap_before_journal(runs: Option<StoreMark>, journal: &JournalContents) -> Option<String> {
    let store = journal.store?;
    match runs {
        Some(runs) if runs.store != store => Some("holds the journal of another store".into()),
        _ => {
            let through = runs.map_or(0, |mark| mark.commit);
            (through < journal.after).then(|| lost_commits(through, journal.after))
        }
    }
}

/// What the watermark remembers and the store lacks, as text.
fn missing_commits(inside: Option<StoreMark>, beside: Option<WatermarkRecord>) -> Option<String> {
    let beside = beside?;
    match inside {
        None if beside.commit == 0 => None,
        None => Some(format!("has lost its store: commits 1 to {} are missing", beside.commit)),
        Some(inside) if inside.store != beside.store => Some(format!(
            "holds another store than its watermark speaks of: that one had {} commits, this one has {}",
            beside.commit, inside.commit
        )),
        Some(inside) if inside.commit < beside.commit => {
            Some(lost_commits(inside.commit, beside.commit))
        }
        Some(_) => None,
    }
}

fn lost_commits(after: Commit, last: Commit) -> String {
    format!("has lost commits {} to {last}, which were acknowledged", after + 1)
}
