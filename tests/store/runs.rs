//! A store that has little memory: rows go into runs, runs are merged, the journal is written over, and all the time it
//! reads as a sorted map does.

use holdfast::store::{
    Batch, Commit, CommitVerdict, Epoch, FailPoints, Options, Scan, SledStore, Store, StoreError,
    TreeId,
};
use std::{collections::BTreeMap, path::Path, sync::mpsc};

use support::chance::Chance;

type Model = BTreeMap<Vec<u8>, (Commit, Vec<u8>)>;
type Entry = (Vec<u8>, (Commit, Vec<u8>));

struct Shelf {
    store: SledStore,
    tree: TreeId,
    epoch: Epoch,
}

fn open(dir: &Path, unwritten_limit_bytes: u64) -> Shelf {
    let options = Options { unwritten_limit_bytes, ..Options::default() };
    let store = SledStore::open(dir, &options).expect("opens");
    let tree = store.open_tree("a.b").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    Shelf { store, tree, epoch }
}

impl Shelf {
    fn write(&self, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Commit {
        let batch = Batch { tree: self.tree, epoch: self.epoch, expects: Vec::new(), writes };
        loop {
            match self.store.submit(batch.clone()) {
                Ok(CommitVerdict::Accepted(commit)) => return commit,
                Err(StoreError::Overloaded) => std::thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn settle(&self, commit: Commit) {
        let (word, heard) = mpsc::channel();
        self.store.on_durable(
            commit,
            Box::new(move |result| word.send(result).expect("the test listens")),
        );
        assert_eq!(heard.recv(), Ok(Ok(())));
    }

    fn scan(&self, scan: &Scan) -> Vec<Entry> {
        let rows = self.store.scan(self.tree, scan).expect("scans");
        rows.into_iter().map(|(key, row)| (key, (row.commit, row.record))).collect()
    }

    fn read(&self, key: &[u8]) -> Option<(Commit, Vec<u8>)> {
        let row = self.store.read(self.tree, &[key]).expect("reads").remove(0);
        row.map(|row| (row.commit, row.record))
    }
}

/// Keys of several spaces, with common beginnings, some of them longer than a span remembers.
fn key(chance: &mut Chance) -> Vec<u8> {
    let number = chance.between(0, 400);
    let mut key = vec![b's' + (number % 3) as u8];
    if number.is_multiple_of(7) {
        key.extend_from_slice(&[b'x'; 90]);
    }
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn writes(chance: &mut Chance) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let one = |chance: &mut Chance| {
        let record = chance.between(0, 5) != 0;
        let len = if chance.between(0, 20) == 0 { 7000 } else { chance.between(0, 300) } as usize;
        (key(chance), record.then(|| vec![chance.between(0, 256) as u8; len]))
    };
    (0..1 + chance.between(0, 6)).map(|_| one(chance)).collect()
}

fn compare(shelf: &Shelf, model: &Model, chance: &mut Chance) {
    for _ in 0..5 {
        let key = key(chance);
        assert_eq!(shelf.read(&key).as_ref(), model.get(&key), "{key:?}");
    }
    let one = key(chance);
    let other = key(chance);
    let (from, to) = if one < other { (one, other) } else { (other, one) };
    let backwards = chance.between(0, 2) == 0;
    let limit = [1, 3, 1000][chance.between(0, 3) as usize];
    let seen = shelf.scan(&Scan { from: from.clone(), to: to.clone(), backwards, limit });
    let inside = model.range(from..to).map(|(key, row)| (key.clone(), row.clone()));
    let right: Vec<_> =
        if backwards { inside.rev().take(limit).collect() } else { inside.take(limit).collect() };
    assert_eq!(seen, right);
}

#[test]
fn rows_in_memory_in_runs_and_after_restarts_are_what_a_sorted_map_has() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (seed, limit) in [(1, 24 << 10), (2, 96 << 10), (3, 3 << 10)] {
        let dir = dir.path().join(seed.to_string());
        let mut chance = Chance::new(seed);
        let mut model = Model::new();
        for _ in 0..4 {
            let shelf = open(&dir, limit);
            compare(&shelf, &model, &mut chance);
            let mut last = 0;
            for _ in 0..600 {
                let writes = writes(&mut chance);
                last = shelf.write(writes.clone().into_iter().collect());
                for (key, record) in writes {
                    match record {
                        Some(record) => drop(model.insert(key, (last, record))),
                        None => drop(model.remove(&key)),
                    }
                }
                if chance.between(0, 8) == 0 {
                    compare(&shelf, &model, &mut chance);
                }
                if chance.between(0, 60) == 0 {
                    shelf.settle(last);
                }
            }
            let all =
                Scan { from: vec![0], to: vec![u8::MAX; 100], backwards: false, limit: usize::MAX };
            assert!(shelf.scan(&all).into_iter().eq(model.clone()), "seed {seed}");
            shelf.settle(last);
        }
    }
}

#[test]
fn the_journal_is_written_over_and_not_kept() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shelf = open(dir.path(), 8 << 20);
    let record = vec![7; 7000];
    let mut last = 0;
    // 140 MB of journal, for rows that take up 350 KB.
    for number in 0..20_000_u64 {
        last = shelf.write(vec![((number % 50).to_be_bytes().to_vec(), Some(record.clone()))]);
        if number.is_multiple_of(100) {
            shelf.settle(last);
        }
    }
    shelf.settle(last);
    let files = std::fs::read_dir(dir.path()).expect("lists").map(|entry| entry.expect("an entry"));
    let journal = files.filter(|file| file.file_name().to_string_lossy().starts_with("journal."));
    let bytes: u64 = journal.map(|file| file.metadata().expect("is there").len()).sum();
    assert!(bytes <= 14 * (8 << 20), "{bytes} bytes of journal");
    drop(shelf);
    let shelf = open(dir.path(), 8 << 20);
    assert_eq!(shelf.read(&7_u64.to_be_bytes()).map(|(commit, _)| commit), Some(19_958));
}

#[test]
fn while_merging_falls_behind_writers_are_refused_and_reads_cost_no_more() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { unwritten_limit_bytes: 8 << 10, ..Options::default() };
    let hazards = FailPoints { skip_merges: true, ..FailPoints::default() };
    let store = SledStore::open_with(dir.path(), &options, hazards).expect("opens");
    let tree = store.open_tree("a.b").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let write = |store: &SledStore, epoch, number: u64| {
        let writes = vec![(number.to_be_bytes().to_vec(), Some(vec![7; 1000]))];
        store.submit(Batch { tree, epoch, expects: Vec::new(), writes })
    };
    // Nothing is merged, so that runs would gather without end: a writer who is refused and comes again for a while.
    let mut number = 0;
    let mut refused = 0;
    while refused < 500 || (refused < 60_000 && store.health().most_runs < 20) {
        match write(&store, epoch, number) {
            Ok(_) => (number, refused) = (number + 1, 0),
            Err(StoreError::Overloaded) => {
                refused += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            other => panic!("{other:?}"),
        }
        assert!(number < 4000, "{} runs, and still no batch is refused", store.health().most_runs);
    }
    let runs = store.health().most_runs;
    assert!((20..=26).contains(&runs), "{runs} runs");
    let all = Scan { from: vec![0], to: vec![u8::MAX; 9], backwards: false, limit: usize::MAX };
    assert_eq!(store.scan(tree, &all).expect("scans").len() as u64, number);
    drop(store);

    // Merging comes along: nothing is missing, and writers are taken again by themselves.
    let shelf = open(dir.path(), 8 << 10);
    for further in number..number + 200 {
        shelf.write(vec![(further.to_be_bytes().to_vec(), Some(vec![7; 1000]))]);
    }
    assert_eq!(shelf.scan(&all).len() as u64, number + 200);
    assert!(shelf.store.health().most_runs < runs, "{} runs", shelf.store.health().most_runs);
}
