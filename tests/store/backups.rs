//! Backups of the store on disk: what they have while the store goes on, what they come to, and that damage is refused.

use holdfast::store::{
    Batch, Commit, CommitVerdict, DirectoryLoader, Epoch, Options, Row, Scan, SledStore, Snapshot,
    Store, StoreError, TreeId,
    backup::{BackupError, BackupHead, BackupLabel, Base, Loader, restore, verify, write_backup},
};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    io::Cursor,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// How long what a backup begins with is.
const BEGINNING: usize = b"holdfast backup 1\n".len();
const TREES: [&str; 3] = ["bookrent.book", "bookrent.rent", "bookrent.view"];

/// All rows, by tree and key.
type Rows = BTreeMap<(String, Vec<u8>), Row>;
type Owners = Vec<(TreeId, Epoch)>;

/// So little memory that rows are written to runs and merged all the time.
fn open(dir: &Path) -> (SledStore, Owners) {
    let options = Options { unwritten_limit_bytes: 64 << 10, scrub: None, ..Options::default() };
    let store = SledStore::open(dir, &options).expect("opens");
    let owner = |name: &&str| {
        let tree = store.open_tree(name).expect("opens");
        (tree, store.activate(tree).expect("activates"))
    };
    let owners = TREES.iter().map(owner).collect();
    (store, owners)
}

fn write(
    store: &SledStore,
    (tree, epoch): (TreeId, Epoch),
    key: Vec<u8>,
    record: Option<Vec<u8>>,
) -> Commit {
    let batch = Batch { tree, epoch, expects: Vec::new(), writes: vec![(key, record)] };
    loop {
        match store.submit(batch.clone()) {
            Ok(CommitVerdict::Accepted(commit)) => return commit,
            Err(StoreError::Overloaded) => thread::yield_now(),
            other => panic!("{other:?}"),
        }
    }
}

/// All rows, read as contexts read them.
fn rows_of(store: &SledStore) -> Rows {
    let mut rows = Rows::new();
    for name in TREES {
        let tree = store.open_tree(name).expect("opens");
        let scanned = store.scan(tree, &Scan::prefix(b"", usize::MAX)).expect("scans");
        rows.extend(scanned.into_iter().map(|(key, row)| ((name.to_owned(), key), row)));
    }
    rows
}

fn back_up(snapshot: &dyn Snapshot, since: Option<Base>) -> Vec<u8> {
    let mut file = Vec::new();
    let label = BackupLabel { made: "2026-11-29T12:00:00Z".into(), since };
    write_backup(snapshot, label, &mut file).expect("is written");
    file
}

fn restore_into(files: &[Vec<u8>], dir: &Path) -> Result<(), BackupError> {
    let open = || Ok(files.iter().map(Cursor::new).collect::<Vec<_>>());
    let begin = |head: &BackupHead| -> Result<Box<dyn Loader>, BackupError> {
        Ok(Box::new(DirectoryLoader::create(dir, head.identity()?, head.commit)?))
    };
    restore(open, begin).map(drop)
}

/// What is done to a store.
#[derive(Debug, Clone)]
enum Step {
    Put { tree: usize, key: u8, length: usize },
    Remove { tree: usize, key: u8 },
    BackUp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tree = 0..TREES.len();
    let step = prop_oneof![
        20 => (tree.clone(), any::<u8>(), 0..3_000_usize)
            .prop_map(|(tree, key, length)| Step::Put { tree, key, length }),
        8 => (tree, any::<u8>()).prop_map(|(tree, key)| Step::Remove { tree, key }),
        1 => Just(Step::BackUp),
    ];
    prop::collection::vec(step, 1..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_backup_and_its_increments_come_to_the_rows_that_there_were(steps in steps()) {
        let keep = tempfile::tempdir().unwrap();
        let (store, owners) = open(&keep.path().join("data"));
        let mut chain = vec![back_up(store.snapshot().unwrap().as_ref(), None)];
        for step in steps.into_iter().chain([Step::BackUp]) {
            match step {
                Step::Put { tree, key, length } => {
                    write(&store, owners[tree], vec![b's', key], Some(vec![key; length]));
                }
                Step::Remove { tree, key } => {
                    write(&store, owners[tree], vec![b's', key], None);
                }
                Step::BackUp => {
                    let base = verify([chain.last().unwrap().as_slice()])?;
                    let base = Base { commit: base.commit, sum: Some(base.sum) };
                    chain.push(back_up(store.snapshot().unwrap().as_ref(), Some(base)));
                }
            }
        }
        let expected = (rows_of(&store), store.accepted_commit(), store.identity());
        let whole = back_up(store.snapshot().unwrap().as_ref(), None);
        for (name, files) in [("chain", chain), ("whole", vec![whole])] {
            let dir = keep.path().join(name);
            restore_into(&files, &dir)?;
            let (restored, owners) = open(&dir);
            let found = (rows_of(&restored), restored.accepted_commit(), restored.identity());
            prop_assert_eq!(&found, &expected);
            // It is a store like any other: what is written after it is there after a restart.
            let commit = write(&restored, owners[0], b"s".to_vec(), Some(vec![1]));
            drop(restored);
            let (restored, _) = open(&dir);
            prop_assert_eq!(restored.accepted_commit(), commit);
            prop_assert_eq!(rows_of(&restored).len(), expected.0.len() + 1);
        }
    }
}

#[test]
fn a_snapshot_is_one_commit_of_all_trees_however_much_is_written_meanwhile() {
    let keep = tempfile::tempdir().unwrap();
    let (store, owners) = open(&keep.path().join("data"));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for (place, owner) in owners.iter().enumerate() {
            let store = &store;
            let stop = &stop;
            scope.spawn(move || {
                let mut number = 0_u64;
                while !stop.load(Ordering::Acquire) {
                    number += 1;
                    let key = [&[b's'][..], &number.to_be_bytes()].concat();
                    write(store, *owner, key, Some(vec![place as u8; 200 + number as usize % 900]));
                }
            });
        }
        let mut last = 0;
        for _ in 0..12 {
            while store.accepted_commit() < last + 400 {
                thread::yield_now();
            }
            let snapshot = store.snapshot().unwrap();
            // Every commit wrote one row of its own, so there is one for each, and none after the last.
            let report = verify([back_up(snapshot.as_ref(), None).as_slice()]).unwrap();
            let rows: u64 = report.trees.iter().map(|tree| tree.rows).sum();
            assert_eq!((rows, report.commit), (snapshot.commit(), snapshot.commit()));
            assert!(report.commit <= store.durable_commit() && report.commit > last);
            last = report.commit;
        }
        stop.store(true, Ordering::Release);
    });
}

/// A backup of some rows, and an increment after it.
fn sample(dir: &Path) -> [Vec<u8>; 2] {
    let (store, owners) = open(dir);
    let fill = |from: u32| {
        for number in from..from + 300 {
            let key = [&[b's'][..], &number.to_be_bytes()].concat();
            write(&store, owners[number as usize % 3], key, Some(number.to_le_bytes().repeat(30)));
        }
    };
    fill(0);
    let whole = back_up(store.snapshot().unwrap().as_ref(), None);
    let sum = verify([whole.as_slice()]).unwrap().sum;
    fill(150);
    let base = Base { commit: 300, sum: Some(sum) };
    let increment = back_up(store.snapshot().unwrap().as_ref(), Some(base));
    [whole, increment]
}

#[test]
fn every_change_of_a_backup_is_refused_with_its_place_before_anything_is_made() {
    let keep = tempfile::tempdir().unwrap();
    let [whole, increment] = sample(&keep.path().join("data"));
    let dir = keep.path().join("restored");
    let mut chance = proptest::test_runner::TestRunner::deterministic();
    let places = (0..2_usize, any::<prop::sample::Index>(), 0..8_u32, any::<bool>());
    let config = places.prop_map(|(file, place, bit, cut)| (file, place, bit, cut));
    for _ in 0..200 {
        let tree = config.new_tree(&mut chance).unwrap();
        let (file, place, bit, cut) = prop::strategy::ValueTree::current(&tree);
        let mut files = [whole.clone(), increment.clone()];
        let place = place.index(files[file].len());
        if cut {
            files[file].truncate(place);
        } else {
            files[file][place] ^= 1 << bit;
        }
        let refused = restore_into(&files, &dir).unwrap_err();
        match &refused {
            BackupError::Damaged { at, .. } => {
                assert!(*at <= place as u64, "byte {place} of file {file}: {refused}");
            }
            // By its first bytes a file is a backup.
            BackupError::Foreign => assert!(place < BEGINNING, "byte {place} of file {file}"),
            _ => panic!("byte {place} of file {file}: {refused}"),
        }
        assert!(!dir.exists(), "byte {place} of file {file}");
    }
    for junk in [&b""[..], b"junk", b"something that is longer than what a backup begins with"] {
        let said = verify([junk]).unwrap_err();
        assert!(matches!(said, BackupError::Foreign), "{said}");
        assert_eq!(said.to_string(), "it is no backup of Holdfast");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(verify([longer.as_slice()]), Err(BackupError::Damaged { .. })));
    restore_into(&[whole, increment], &dir).unwrap();
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let keep = tempfile::tempdir().unwrap();
    let [whole, increment] = sample(&keep.path().join("data"));
    let [other, other_increment] = sample(&keep.path().join("other"));
    let dir = keep.path().join("restored");
    let refused = |files: &[&Vec<u8>], words: &str| {
        let files: Vec<_> = files.iter().map(|file| (*file).clone()).collect();
        let said = restore_into(&files, &dir).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
        assert!(!dir.exists());
    };
    refused(&[&increment], "name the backup that it was made after");
    refused(&[&whole, &other_increment], "two stores");
    refused(&[&whole, &whole], "restore it alone");
    refused(&[&other, &increment], "two stores");
    // A store that went on from a copy has other rows under the same commits.
    let went_on = keep.path().join("went_on");
    restore_into(std::slice::from_ref(&whole), &went_on).unwrap();
    let (store, owners) = open(&went_on);
    write(&store, owners[0], b"s".to_vec(), Some(vec![9]));
    let astray = back_up(store.snapshot().unwrap().as_ref(), Some(Base { commit: 300, sum: None }));
    drop(store);
    refused(&[&whole, &increment, &astray], "in which they were made");
    let sum = Some("0".repeat(64));
    let (store, _) = open(&went_on);
    let unlike = back_up(store.snapshot().unwrap().as_ref(), Some(Base { commit: 300, sum }));
    refused(&[&whole, &unlike], "another backup");
    let after = Base { commit: 9_999, sum: None };
    let label = BackupLabel { since: Some(after), ..BackupLabel::default() };
    let said = write_backup(store.snapshot().unwrap().as_ref(), label, &mut Vec::new());
    assert!(matches!(said, Err(BackupError::Unfit(_))), "{said:?}");
}

#[test]
fn a_directory_that_was_not_finished_is_no_store_and_one_with_something_in_it_is_left_alone() {
    let keep = tempfile::tempdir().unwrap();
    let [whole, _] = sample(&keep.path().join("data"));
    let dir = keep.path().join("restored");
    let mut loader = DirectoryLoader::create(&dir, 7, 300).unwrap();
    let row = (vec![b's', 1], Row { commit: 3, record: vec![1] });
    loader.load_tree("bookrent.book", &mut [Ok(row)].into_iter()).unwrap();
    drop(loader);
    let refused = SledStore::open(&dir, &Options::default()).unwrap_err();
    assert!(refused.to_string().contains("commits 1 to 300 are missing"), "{refused}");
    let refused = restore_into(&[whole], &dir).unwrap_err();
    assert!(refused.to_string().contains("is not empty"), "{refused}");
}
