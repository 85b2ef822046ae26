//! Copies of sled's files from before they were opened. sled writes as it opens: it clears what it
//! takes for torn, and compacts its log. If the store is then refused, the files are restored, so
//! that something can still be rescued.

use crate::store::sled::{
    data_dir::list_sled_files,
    disk_space::{self, Reserve},
    watermark::FILE as WATERMARK,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the copies are while a store is opened.
const DIRECTORY: &str = "opening";
/// A directory that sled makes and that stays empty, for records are smaller than what goes there.
const BLOBS: &str = "blobs";
/// A database larger than this is opened without a copy, so that starting stays quick.
const MAX_COPIED: u64 = 1 << 30;

/// Copies of sled's files. Dropped, they are gone.
#[derive(Debug)]
pub struct FileBackup {
    dir: PathBuf,
    /// All that there were.
    names: Vec<String>,
    /// Those that have been copied.
    copied: Vec<String>,
    had_blobs: bool,
}

impl FileBackup {
    /// Copies what there is in `dir`. Without room for that, opening goes on without.
    pub fn create(dir: &Path, reserve: Reserve) -> io::Result<Self> {
        let place = dir.join(DIRECTORY);
        if place.exists() {
            // A process ended while it opened the store.
            fs::remove_dir_all(&place)?;
        }
        let mut names = list_sled_files(dir)?;
        names.extend(Some(WATERMARK.to_owned()).filter(|name| dir.join(name).exists()));
        let had_blobs = dir.join(BLOBS).exists();
        let mut before =
            Self { dir: dir.to_owned(), names: names.clone(), copied: Vec::new(), had_blobs };
        let sizes =
            names.iter().map(|name| dir.join(name).metadata().map_or(0, |about| about.len()));
        let needed = sizes.sum::<u64>() + 2 * reserve.bytes_of(dir);
        if disk_space::free_bytes(dir).is_some_and(|free| free < needed) {
            tracing::info!(
                "the database is opened without a copy of what it was: the disk has no room for one"
            );
            return Ok(before);
        }
        if let Err(error) = fs::create_dir(&place).and_then(|()| before.copy_files(names)) {
            tracing::info!(%error, "the database is opened without a copy of what it was");
            before.copied.clear();
        }
        Ok(before)
    }

    fn copy_files(&mut self, names: Vec<String>) -> io::Result<()> {
        for name in names {
            let from = self.dir.join(&name);
            if fs::metadata(&from)?.len() > MAX_COPIED {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("`{name}` is large"),
                ));
            }
            fs::copy(&from, self.dir.join(DIRECTORY).join(&name))?;
            self.copied.push(name);
        }
        Ok(())
    }

    /// Puts the files back. sled has been closed; what it still writes goes to a file that has no name any more.
    pub fn restore_files(self) -> io::Result<()> {
        if self.copied.len() < self.names.len() {
            return Ok(());
        }
        let made =
            list_sled_files(&self.dir)?.into_iter().filter(|name| !self.names.contains(name));
        for name in made {
            fs::remove_file(self.dir.join(name))?;
        }
        for name in &self.copied {
            fs::rename(self.dir.join(DIRECTORY).join(name), self.dir.join(name))?;
        }
        let blobs = self.dir.join(BLOBS);
        if !self.had_blobs && fs::read_dir(&blobs).is_ok_and(|mut entries| entries.next().is_none())
        {
            fs::remove_dir(blobs)?;
        }
        Ok(())
    }
}

impl Drop for FileBackup {
    fn drop(&mut self) {
        let place = self.dir.join(DIRECTORY);
        if place.exists()
            && let Err(error) = fs::remove_dir_all(&place)
        {
            tracing::warn!(%error, directory = %place.display(), "the copies could not be removed");
        }
    }
}
