//! The sled adapter: one sled tree a context, an overlay of what is not written yet, and one committer for all.
//!
//! | module | what |
//! |---|---|
//! | [`open`] | a data directory, alone, and not without noticing a loss |
//! | [`mark`] | which store this is and how far it got |
//! | [`overlay`] | accepted and not yet written |
//! | [`pipe`] | from acceptance to the disk, in order |
//! | [`disk`] | how a group is written and synced |

mod disk;
mod guard;
mod mark;
mod open;
mod overlay;
mod pipe;
mod row;

use self::{
    disk::{Disk, Trees},
    guard::guarded,
    overlay::Overlay,
    pipe::{Incoming, Pipe},
};
use super::{
    Batch, Commit, Epoch, Row, Scan, Store, StoreError, StoreHealth, TreeId, Verdict, WhenDurable, codec::MAX_RECORD,
    lock,
};
use std::{
    fmt,
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
    time::Instant,
};

/// How to open a [`SledStore`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for sled's cache of pages.
    pub cache_bytes: u64,
    /// Accepted and unwritten batches take at most this much; more are refused with [`StoreError::Behind`].
    pub unwritten_limit_bytes: u64,
    /// Opens although acknowledged commits are missing.
    pub accept_data_loss: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, unwritten_limit_bytes: 64 << 20, accept_data_loss: false }
    }
}

/// What a test of the tests leaves out. A server has none of it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Hazards {
    /// Trusts sled's own flush, which a power cut takes back.
    pub flush_only: bool,
}

/// One context's tree.
#[derive(Debug)]
struct Tree {
    name: String,
    sled: sled::Tree,
    overlay: Arc<Overlay>,
}

/// A store on disk.
///
/// *Expectations.* A tree has one owner at a time: an activation ends all earlier ones, and only batches of the current
/// epoch get in. Whatever the owner has read or written since it was activated, nobody else can have changed, so the
/// epoch is the check, and it costs nothing. What the overlay knows is compared too, and in debug builds the tree is
/// asked as well, so that an owner that contradicts itself is found in tests.
///
/// *Scans* hold back the writing of groups while they run, so that they see one moment; whoever needs much reads it in
/// pages.
pub struct SledStore {
    pipe: Arc<Pipe>,
    trees: Trees,
    writing: Arc<RwLock<()>>,
    committer: Mutex<Option<JoinHandle<()>>>,
    db: sled::Db,
    identity: u128,
    /// Declared last, so that the directory is free only when sled has let go of it.
    _lock: File,
}

impl SledStore {
    /// Opens the store in `dir`, which is created where there is none.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`]: the directory is in use, not writable, damaged, or lacks acknowledged commits; the
    /// words say what to do.
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<Self, StoreError> {
        Self::open_with(dir, options, Hazards::default())
    }

    /// Opens a store that leaves something out.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    #[doc(hidden)]
    pub fn open_with(dir: impl AsRef<Path>, options: &Options, hazards: Hazards) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        let open::Opened { db, mark, lock } = open::open(dir, options)?;
        let cannot = |error: std::io::Error| StoreError::CannotOpen(format!("`{}`: {error}", dir.display()));
        let trees = Trees::default();
        let writing = Arc::new(RwLock::new(()));
        let disk = Disk {
            db: db.clone(),
            trees: trees.clone(),
            writing: writing.clone(),
            file: File::open(dir.join("db")).map_err(cannot)?,
            dir: dir.to_owned(),
            store: mark.store,
            noted: (mark.commit, Instant::now()),
            hazards,
        };
        let identity = mark.store;
        let pipe = Arc::new(Pipe::new(mark.commit, options.unwritten_limit_bytes));
        let end = pipe.clone();
        let committer =
            std::thread::Builder::new().name("committer".into()).spawn(move || end.commit_all(disk)).map_err(cannot)?;
        Ok(Self { pipe, trees, writing, committer: Mutex::new(Some(committer)), db, identity, _lock: lock })
    }

    /// Which store this is, for as long as it exists: the same after restarts, and in a restored backup.
    pub fn identity(&self) -> u128 {
        self.identity
    }

    /// Writes and syncs what has been accepted, and takes no more. Reading goes on.
    pub fn close(&self) {
        self.pipe.close();
        let committer = lock(&self.committer).take();
        // A callback may have held the last handle of the store: then this is the committer, which ends by itself.
        if let Some(committer) = committer.filter(|committer| committer.thread().id() != std::thread::current().id())
            && committer.join().is_err()
        {
            tracing::error!("the committer has panicked");
        }
    }

    fn tree(&self, tree: TreeId) -> Result<Arc<Tree>, StoreError> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        trees.get(tree.0 as usize).cloned().ok_or_else(|| StoreError::Invalid("this tree was never opened".into()))
    }
}

impl Tree {
    fn read(&self, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        // An entry leaves the overlay only once the tree has it, so whoever asks the overlay first misses nothing.
        if let [key] = keys {
            let value = match self.overlay.get_one(key) {
                Some(value) => value,
                None => guarded(|| self.sled.get(key))?,
            };
            return Ok(vec![value.as_deref().map(row::row).transpose()?]);
        }
        let over = self.overlay.get(keys);
        let read = |(key, over): (&&[u8], Option<Option<sled::IVec>>)| match over {
            Some(value) => value.as_deref().map(row::row).transpose(),
            None => guarded(|| self.sled.get(key))?.as_deref().map(row::row).transpose(),
        };
        keys.iter().zip(over).map(read).collect()
    }

    fn stands(&self, expects: &[(Vec<u8>, Commit)]) -> Result<bool, StoreError> {
        let keys: Vec<&[u8]> = expects.iter().map(|(key, _)| key.as_slice()).collect();
        if cfg!(debug_assertions) {
            let rows = self.read(&keys)?;
            return Ok(expects.iter().zip(rows).all(|((_, commit), row)| row.map_or(0, |row| row.commit) == *commit));
        }
        for ((_, commit), over) in expects.iter().zip(self.overlay.get(&keys)) {
            let Some(value) = over else { continue };
            if value.as_deref().map(row::row).transpose()?.map_or(0, |row| row.commit) != *commit {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Store for SledStore {
    fn open_tree(&self, name: &str) -> Result<TreeId, StoreError> {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = trees.iter().position(|tree| tree.name == name) {
            return Ok(TreeId(place as u32));
        }
        let sled = guarded(|| self.db.open_tree(name))?;
        trees.push(Arc::new(Tree { name: name.into(), sled, overlay: Arc::default() }));
        Ok(TreeId(trees.len() as u32 - 1))
    }

    fn activate(&self, tree: TreeId) -> Result<Epoch, StoreError> {
        self.tree(tree)?;
        Ok(self.pipe.activate(tree))
    }

    fn read(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Row>>, StoreError> {
        self.tree(tree)?.read(keys)
    }

    fn scan(&self, tree: TreeId, scan: &Scan) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
        let tree = self.tree(tree)?;
        if scan.from >= scan.to || scan.limit == 0 {
            return Ok(Vec::new());
        }
        // No group is written meanwhile, so what the overlay and the tree say belongs together.
        let _still = self.writing.read().unwrap_or_else(PoisonError::into_inner);
        let over = tree.overlay.range(scan);
        let range = || tree.sled.range(scan.from.as_slice()..scan.to.as_slice());
        let stored = guarded(|| match scan.backwards {
            false => overlay::merge(scan, over, range()),
            true => overlay::merge(scan, over, range().rev()),
        })?;
        stored.into_iter().map(|(key, value)| Ok((key.to_vec(), row::row(&value)?))).collect()
    }

    fn submit(&self, batch: Batch) -> Result<Verdict, StoreError> {
        let tree = self.tree(batch.tree)?;
        if let Some(len) = batch.writes.iter().filter_map(|(_, record)| Some(record.as_ref()?.len())).max()
            && len > MAX_RECORD
        {
            return Err(StoreError::Invalid(format!("a record of {len} bytes is over the limit of {MAX_RECORD}")));
        }
        let mut scratch = Vec::with_capacity(256);
        let value = |(key, record): (Vec<u8>, Option<Vec<u8>>)| {
            (key.into(), record.map(|record| row::value(&record, &mut scratch)))
        };
        let writes = batch.writes.into_iter().map(value).collect();
        let incoming = Incoming { tree: batch.tree, overlay: tree.overlay.clone(), epoch: batch.epoch, writes };
        self.pipe.accept(incoming, || tree.stands(&batch.expects))
    }

    fn durable(&self) -> Commit {
        self.pipe.durability.number()
    }

    fn accepted(&self) -> Commit {
        self.pipe.figures().accepted
    }

    fn when_durable(&self, commit: Commit, then: WhenDurable) {
        self.pipe.durability.wait(commit, then);
    }

    fn failure(&self) -> Option<String> {
        self.pipe.durability.failure().map(|error| error.to_string())
    }

    fn health(&self) -> StoreHealth {
        let figures = self.pipe.figures();
        StoreHealth {
            failed: self.failure(),
            accepted: figures.accepted,
            durable: self.durable(),
            syncs: figures.syncs,
            unwritten_bytes: figures.unwritten,
            disk_bytes: guarded(|| self.db.size_on_disk()).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.close();
    }
}
