//! A data directory made of the rows of a backup.

use super::{
    data_dir::{cannot_open, create_dir, lock_directory, sync_dir},
    integrity::{
        roots::{OpenRoots, Roots},
        store_mark::{MARK, StoreMark},
    },
    open,
    options::Options,
    panic::catch_panic,
    table::Table,
    watermark::{Watermark, WatermarkRecord},
};
use crate::store::{
    Commit, Row, StoreError,
    backup::{BackupError, Loader},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What may lie in a directory that a backup is restored into: a lock without a store, keys that were put there before, what
/// file systems make.
const HARMLESS: &[&str] = &["lock", "lost+found"];

/// A data directory that is being made.
///
/// Until it is finished its watermark speaks of commits that it does not have, so that what a kill leaves of it is refused.
#[derive(Debug)]
pub struct DirectoryLoader {
    dir: PathBuf,
    mark: StoreMark,
    db: sled::Db,
    tables: Vec<Table>,
    /// Keeps other processes out; given up last.
    _lock: File,
}

impl DirectoryLoader {
    /// Begins a data directory in `dir`, which is empty or is made, for the store `store` as it was at `commit`.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`].
    pub fn create(dir: &Path, store: u128, commit: Commit) -> Result<Self, StoreError> {
        let cannot = |error: io::Error| cannot_open(dir, format!("cannot be written: {error}"));
        create_dir(dir)?;
        for entry in fs::read_dir(dir).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            let name = name.to_string_lossy();
            if !HARMLESS.contains(&&*name) && !name.ends_with(".key") {
                return Err(cannot_open(
                    dir,
                    format!(
                        "is not empty: it has `{name}`; name an empty directory, or one that is not there yet"
                    ),
                ));
            }
        }
        let lock = lock_directory(dir)?;
        let mark = StoreMark { store, commit };
        // Without roots, so that only the numbers are compared.
        let unfinished = WatermarkRecord { store, commit, ..WatermarkRecord::default() };
        Watermark::create(dir, unfinished).map_err(cannot)?;
        sync_dir(dir).map_err(cannot)?;
        let db = open::open_database(dir, &Options::default())?;
        Ok(Self { dir: dir.to_owned(), mark, db, tables: Vec::new(), _lock: lock })
    }

    fn finish_files(&self) -> Result<(), StoreError> {
        catch_panic(|| self.db.insert(MARK, &self.mark.to_bytes()))?;
        let roots = OpenRoots::open(&self.db, Roots::default(), false)?;
        let trees = self.tables.iter().map(|table| (table.name.as_str(), table.root()));
        let root = roots.update_with(&self.db, trees)?;
        catch_panic(|| self.db.flush())?;
        let sync = || {
            File::open(self.dir.join("db"))?.sync_all()?;
            File::open(self.dir.join("conf"))?.sync_all()?;
            let StoreMark { store, commit } = self.mark;
            Watermark::create(
                &self.dir,
                WatermarkRecord { store, commit, through: commit, roots: root },
            )?;
            sync_dir(&self.dir)
        };
        sync().map_err(|error: io::Error| StoreError::Failed(error.to_string()))
    }
}

impl Loader for DirectoryLoader {
    fn load_tree(
        &mut self,
        name: &str,
        rows: &mut dyn Iterator<Item = Result<(Vec<u8>, Row), BackupError>>,
    ) -> Result<(), BackupError> {
        let tree = catch_panic(|| self.db.open_tree(name))?;
        let table = Table::open(name, tree, Arc::default())?;
        table.load_rows(rows, self.mark.commit)?;
        self.tables.push(table);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BackupError> {
        self.finish_files().map_err(BackupError::from)
    }
}
