//! A data directory with work in it, and what had been acknowledged; and reading one, to compare.

use holdfast::store::{
    Batch, Commit, CommitVerdict, Epoch, Options, Scan, SledStore, Store, StoreError, TreeId, keys,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};
use support::chance::Chance;

pub const TREES: [&str; 5] =
    ["bookrent.book", "bookrent.rent", "bookrent.view", "gbike.rent", "movie.ticket"];
pub type Rows = BTreeMap<Vec<u8>, (Commit, Vec<u8>)>;
/// What has been acknowledged, by tree.
pub type Truth = [Rows; TREES.len()];

pub fn options() -> Options {
    Options { unwritten_limit_bytes: 256 << 10, ..Options::default() }
}

/// What a turn writes: a state, its event at the end of the log, an index, a counter; sometimes something goes.
pub fn turn(chance: &mut Chance, rows: &Rows, sequence: u64) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let number = chance.between(0, 1_500);
    let key = |space: keys::Space, number: u64| keys::KeyBuf::new(space).number(number).build();
    let mut noise = |least: u64, most: u64| -> Vec<u8> {
        let len = chance.between(least, most);
        (0..len).map(|_| chance.between(0, 256) as u8).collect()
    };
    let mut writes = BTreeMap::new();
    writes.insert(key(keys::Space::State, number), Some(noise(80, 500)));
    writes.insert(key(keys::Space::Log, sequence), Some(noise(100, 700)));
    writes.insert(key(keys::Space::Timer, number * 3), Some(noise(8, 40)));
    writes.insert(vec![keys::Space::Meta as u8], Some(sequence.to_be_bytes().to_vec()));
    if sequence.is_multiple_of(5)
        && let Some((key, _)) = rows
            .range(key(keys::Space::Timer, number)..keys::prefix_end(&[keys::Space::Timer as u8]))
            .next()
    {
        writes.insert(key.clone(), None);
    }
    writes
}

pub struct Shop {
    store: SledStore,
    trees: Vec<(TreeId, Epoch)>,
}

impl Shop {
    pub fn open(dir: &Path) -> Self {
        let store = SledStore::open(dir, &options()).expect("opens");
        let trees = TREES.map(|name| {
            let tree = store.open_tree(name).expect("opens");
            (tree, store.activate(tree).expect("activates"))
        });
        Self { store, trees: trees.to_vec() }
    }

    pub fn work(&self, chance: &mut Chance, truth: &mut Truth, turns: u64, sequence: &mut u64) {
        let mut last = 0;
        for _ in 0..turns {
            // One tree has most of what there is.
            let place = (chance.between(0, 9) as usize).min(TREES.len() - 1);
            *sequence += 1;
            let writes = turn(chance, &truth[place], *sequence);
            let (tree, epoch) = self.trees[place];
            let batch = Batch {
                tree,
                epoch,
                expects: Vec::new(),
                writes: writes.clone().into_iter().collect(),
            };
            last = loop {
                match self.store.submit(batch.clone()) {
                    Ok(CommitVerdict::Accepted(commit)) => break commit,
                    Err(StoreError::Overloaded) => thread::yield_now(),
                    other => panic!("{other:?}"),
                }
            };
            for (key, record) in writes {
                match (truth[place].entry(key), record) {
                    (Entry::Occupied(old), None) => drop(old.remove()),
                    (Entry::Vacant(_), None) => {}
                    (Entry::Occupied(mut old), Some(record)) => drop(old.insert((last, record))),
                    (Entry::Vacant(free), Some(record)) => drop(free.insert((last, record))),
                }
            }
        }
        let (word, heard) = mpsc::channel();
        self.store
            .on_durable(last, Box::new(move |result| word.send(result).expect("the test listens")));
        assert_eq!(heard.recv(), Ok(Ok(())));
    }
}

/// A directory after some work, a copy from earlier, and what had been acknowledged in the end.
pub struct Original {
    pub now: PathBuf,
    pub older: PathBuf,
    pub truth: Truth,
}

pub fn make(place: &Path, chance: &mut Chance) -> Original {
    let now = place.join("now");
    let older = place.join("older");
    let mut truth = Truth::default();
    let mut sequence = 0;
    for (round, turns) in [1_500, 2_500, 1_500, 200].into_iter().enumerate() {
        let shop = Shop::open(&now);
        shop.work(chance, &mut truth, turns, &mut sequence);
        drop(shop);
        if round == 1 {
            copy(&now, &older);
        }
    }
    let journal = names(&now).into_iter().filter(|name| name.starts_with("journal.")).count();
    assert!(journal > 1, "the journal is one file only");
    Original { now, older, truth }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("creates");
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).expect("copies");
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().expect("has a type").is_file());
    let mut names: Vec<_> =
        files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every file with its bytes.
pub fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    names(dir)
        .into_iter()
        .map(|name| (name.clone(), fs::read(dir.join(&name)).expect("reads")))
        .collect()
}

/// A small store with runs and a journal, closed; its files.
pub fn small(dir: &Path) -> Truth {
    let mut chance = Chance::new(3);
    let mut truth = Truth::default();
    let mut sequence = 0;
    for turns in [900, 100] {
        Shop::open(dir).work(&mut chance, &mut truth, turns, &mut sequence);
    }
    truth
}

#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// It does not open; the words.
    Refused(String),
    /// It opens, and so many reads found that what they wanted is damaged.
    Reported(usize),
    /// Everything is there.
    Whole,
    /// Something is missing, or another, without a word.
    Silent(String),
}

/// Opens the copy and reads every row there should be, in pieces and one by one.
pub fn judge(dir: &Path, truth: &Truth) -> Outcome {
    let store = match SledStore::open(dir, &options()) {
        Err(StoreError::CannotOpen(words)) => return Outcome::Refused(words),
        Err(StoreError::Damaged(words)) => return Outcome::Refused(words),
        Err(error) => return Outcome::Silent(format!("does not open: {error}")),
        Ok(store) => store,
    };
    let mut reported = 0;
    for (name, rows) in TREES.iter().zip(truth) {
        let Ok(tree) = store.open_tree(name) else {
            reported += 1;
            continue;
        };
        match read(&store, tree, rows) {
            Ok(errors) => reported += errors,
            Err(what) => return Outcome::Silent(format!("{name}: {what}")),
        }
    }
    if reported > 0 { Outcome::Reported(reported) } else { Outcome::Whole }
}

pub fn read(store: &SledStore, tree: TreeId, rows: &Rows) -> Result<usize, String> {
    let mut reported = 0;
    let keys: Vec<_> = rows.keys().collect();
    let mut from = vec![0];
    for (place, piece) in keys.chunks(150).enumerate() {
        let to = keys.get((place + 1) * 150).map_or_else(|| vec![u8::MAX; 80], |key| key.to_vec());
        for backwards in [false, true] {
            let scan = Scan { from: from.clone(), to: to.clone(), backwards, limit: usize::MAX };
            match store.scan(tree, &scan) {
                Err(StoreError::Damaged(_)) => reported += 1,
                Err(error) => return Err(error.to_string()),
                Ok(mut seen) => {
                    if backwards {
                        seen.reverse();
                    }
                    let right = piece.iter().map(|key| (key.as_slice(), &rows[*key]));
                    let same = seen.len() == piece.len()
                        && seen.iter().zip(right).all(|((key, row), (right, (commit, record)))| {
                            key == right && row.commit == *commit && row.record == *record
                        });
                    if !same {
                        return Err(format!(
                            "a scan gives {} rows of {}, or others",
                            seen.len(),
                            piece.len()
                        ));
                    }
                }
            }
        }
        from = to;
    }
    for (key, (commit, record)) in rows {
        match store.read(tree, &[key]) {
            Err(StoreError::Damaged(_)) => reported += 1,
            Err(error) => return Err(error.to_string()),
            Ok(found) => match &found[0] {
                Some(row) if row.commit == *commit && row.record == *record => {}
                other => {
                    return Err(format!(
                        "{key:?} of commit {commit} is {:?}",
                        other.as_ref().map(|row| row.commit)
                    ));
                }
            },
        }
    }
    Ok(reported)
}
