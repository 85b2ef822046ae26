//! The store on disk: what a restart finds, and what opening answers for directories that are not as they should be.

mod lost_commits;

use holdfast::store::{
    Batch, Commit, CommitVerdict, Epoch, Options, Row, Scan, SledStore, Store, StoreError, TreeId,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};
use tempfile::TempDir;

fn dir() -> (TempDir, PathBuf) {
    let keep = tempfile::tempdir().expect("a temporary directory");
    let path = keep.path().join("data");
    (keep, path)
}

fn open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, &Options::default())
}

fn open_accepting_loss(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, &Options { accept_data_loss: true, ..Options::default() })
}

fn active(store: &SledStore) -> (TreeId, Epoch) {
    let tree = store.open_tree("bookrent.rent").expect("opens");
    (tree, store.activate(tree).expect("activates"))
}

fn put(store: &SledStore, (tree, epoch): (TreeId, Epoch), key: u32, record: &[u8]) -> Commit {
    let writes = vec![(key.to_be_bytes().to_vec(), Some(record.to_vec()))];
    let batch = Batch { tree, epoch, expects: Vec::new(), writes };
    loop {
        match store.submit(batch.clone()) {
            Ok(CommitVerdict::Accepted(commit)) => return commit,
            Err(StoreError::Overloaded) => std::thread::yield_now(),
            other => panic!("{other:?}"),
        }
    }
}

fn settle(store: &SledStore, commit: Commit) {
    let (word, heard) = mpsc::channel();
    store.on_durable(commit, Box::new(move |result| word.send(result).expect("the test listens")));
    assert_eq!(heard.recv(), Ok(Ok(())));
}

/// Has more rows than it may keep in memory: most of them are in runs.
fn open_narrow(path: &Path) -> SledStore {
    SledStore::open(path, &Options { unwritten_limit_bytes: 128 << 10, ..Options::default() })
        .expect("opens")
}

/// A store with some rows, closed: large enough for more than one of sled's segments and of the journal's files. Most
/// rows are in runs, the last ones in the journal only.
fn filled(path: &Path) -> Commit {
    let record = |key: u32| key.to_le_bytes().repeat(1 + (key as usize * 7) % 1500);
    let store = open_narrow(path);
    let other = store.open_tree("bookrent.book").expect("opens");
    let other = (other, store.activate(other).expect("activates"));
    for key in 0..700 {
        put(&store, other, key, &[7; 7000]);
    }
    let owner = active(&store);
    for key in 0..590_u32 {
        let last = put(&store, owner, key, &record(key));
        if key % 20 == 0 {
            settle(&store, last);
        }
    }
    drop(store);
    let store = open(path).expect("opens");
    let owner = active(&store);
    (590..600).map(|key| put(&store, owner, key, &record(key))).last().unwrap_or_default()
}

fn rows(store: &SledStore) -> Vec<(Vec<u8>, Row)> {
    let tree = store.open_tree("bookrent.rent").expect("opens");
    let all = Scan { from: vec![0], to: vec![u8::MAX; 5], backwards: false, limit: usize::MAX };
    store.scan(tree, &all).expect("scans")
}

/// Why the directory cannot be opened, having seen that the words name it.
#[track_caller]
fn refusal(path: &Path) -> String {
    match open(path) {
        Err(StoreError::CannotOpen(words)) => {
            assert!(words.contains(&path.display().to_string()), "{words}");
            words
        }
        other => panic!("should not have opened: {other:?}"),
    }
}

fn snapshot(path: &Path) -> PathBuf {
    let mut entries =
        fs::read_dir(path).expect("is a directory").map(|entry| entry.expect("an entry").path());
    let is_one = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))
    };
    entries.find(is_one).expect("sled leaves a snapshot")
}

#[test]
fn everything_is_there_after_a_restart_and_numbers_go_on() {
    let (_keep, path) = dir();
    let last = filled(&path);
    let store = open(&path).expect("opens again");
    assert_eq!((store.durable_commit(), store.health().accepted_commit), (last, last));
    let rows = rows(&store);
    assert_eq!(rows.len(), 600);
    for (place, (key, row)) in rows.iter().enumerate() {
        assert_eq!(
            (key.as_slice(), row.commit),
            (&(place as u32).to_be_bytes()[..], place as Commit + 701)
        );
    }
    assert_eq!(put(&store, active(&store), 7, b"later"), last + 1);
}

#[test]
fn a_store_in_which_a_tree_has_no_runs_yet_opens_again_and_again() {
    let (_keep, path) = dir();
    let store = open_narrow(&path);
    store.open_tree("bookrent.view").expect("opens");
    let owner = active(&store);
    let last = (0..300).map(|key| put(&store, owner, key, &[7; 2000])).last().expect("some");
    settle(&store, last);
    drop(store);
    for _ in 0..3 {
        let store = open(&path).expect("opens");
        store.open_tree("bookrent.view").expect("opens");
        assert_eq!(rows(&store).len(), 300);
    }
}

#[test]
fn closing_writes_what_was_accepted_and_takes_no_more() {
    let (_keep, path) = dir();
    let store = open(&path).expect("opens");
    let owner = active(&store);
    let last = (0..100).map(|key| put(&store, owner, key, b"1")).last().unwrap_or_default();
    store.close();
    assert_eq!(store.durable_commit(), last);
    let late = Batch { tree: owner.0, epoch: owner.1, expects: Vec::new(), writes: Vec::new() };
    assert!(matches!(store.submit(late), Err(StoreError::Failed(_))));
    let scan = store.scan(owner.0, &Scan::prefix(b"", usize::MAX));
    assert!(matches!(scan, Err(StoreError::Failed(_))), "another process may have it now");
    let (word, heard) = mpsc::channel();
    store
        .on_durable(last + 1, Box::new(move |result| word.send(result).expect("the test listens")));
    assert!(
        matches!(heard.recv(), Ok(Err(StoreError::Failed(_)))),
        "no caller waits for what will not come"
    );
    assert_eq!(rows(&open(&path).expect("opens again")).len(), 100);
}

#[test]
fn a_directory_has_one_process() {
    let (_keep, path) = dir();
    let store = open(&path).expect("opens");
    assert!(refusal(&path).contains("in use by another holdfast"));
    drop(store);
    assert!(open(&path).is_ok(), "and is free afterwards");
}

#[test]
fn a_file_is_no_data_directory() {
    let (_keep, path) = dir();
    fs::write(&path, "not a directory").expect("writes");
    assert!(refusal(&path).contains("is not a directory"));
    assert!(refusal(&path.join("below")).contains("cannot be created"));
}

#[test]
fn a_directory_that_may_not_be_written_is_named() {
    let (_keep, path) = dir();
    fs::create_dir(&path).expect("creates");
    let mut rights = fs::metadata(&path).expect("is there").permissions();
    rights.set_readonly(true);
    fs::set_permissions(&path, rights).expect("sets");
    if fs::write(path.join("probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    assert!(refusal(&path).contains("is not writable"));
}

#[test]
fn a_snapshot_left_half_made_is_removed() {
    let (_keep, path) = dir();
    let last = filled(&path);
    let left = path.join("snap.0000000000001234.generating");
    fs::write(&left, "half").expect("writes");
    assert_eq!(open(&path).expect("opens").durable_commit(), last);
    assert!(!left.exists());
}

#[test]
fn a_damaged_snapshot_is_set_aside_and_nothing_is_lost() {
    let (_keep, path) = dir();
    let last = filled(&path);
    drop(open(&path).expect("opens, and leaves a snapshot of what it found"));
    let snapshot = snapshot(&path);
    let bytes = fs::read(&snapshot).expect("reads");
    fs::write(&snapshot, &bytes[..bytes.len() / 2]).expect("writes");
    let store = open(&path).expect("opens without the snapshot");
    assert_eq!((store.durable_commit(), rows(&store).len()), (last, 600));
}

/// The file of the journal that was written last, by the number of its segment.
fn journal(path: &Path) -> PathBuf {
    let entries =
        fs::read_dir(path).expect("is a directory").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal."))
    });
    let segment = |path: &PathBuf| {
        let content = fs::read(path).expect("reads");
        u64::from_le_bytes(content[20..28].try_into().expect("eight bytes"))
    };
    files.max_by_key(segment).expect("there is a journal")
}

/// How much of a file has been written.
fn written(bytes: &[u8]) -> usize {
    bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count()
}

/// What a store in a damaged directory answers: all rows, or why not.
fn try_rows(path: &Path) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
    let store = open(path)?;
    let tree = store.open_tree("bookrent.rent")?;
    store.scan(
        tree,
        &Scan { from: vec![0], to: vec![u8::MAX; 5], backwards: false, limit: usize::MAX },
    )
}

/// What is done to a file: its name, whether it cannot go unnoticed, and how.
type Damage = (String, bool, Box<dyn Fn(&mut Vec<u8>)>);

fn damages(len: usize) -> Vec<Damage> {
    let half = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let hole = |bytes: &mut Vec<u8>| bytes.iter_mut().take(512 * 1024).for_each(|byte| *byte = 0);
    let noise = |at: usize| {
        move |bytes: &mut Vec<u8>| {
            bytes.iter_mut().skip(at).take(len / 30).for_each(|byte| *byte ^= 0xa5)
        }
    };
    let mut damages: Vec<Damage> = vec![
        ("half".into(), false, Box::new(half)),
        ("hole".into(), false, Box::new(hole)),
        ("empty".into(), true, Box::new(Vec::clear)),
    ];
    // Noise may also hit what has been replaced since; then everything must still be there.
    for at in (0..len).step_by((len / 15).max(1)) {
        damages.push((format!("noise at {at}"), false, Box::new(noise(at))));
    }
    damages
}

#[test]
fn a_damaged_database_or_journal_is_an_error_with_advice_and_never_a_panic_or_a_wrong_row() {
    for with_snapshot in [true, false] {
        let (keep, path) = dir();
        filled(&path);
        if with_snapshot {
            drop(open(&path).expect("opens, and leaves a snapshot of what it found"));
            assert!(snapshot(&path).exists());
        }
        let copy = keep.path().join("copy");
        copy_files(&path, &copy);
        let whole = try_rows(&copy).expect("the copy is sound");
        let journal = journal(&path);
        let journal = journal.file_name().and_then(|name| name.to_str()).expect("has a name");
        for file in ["db", journal] {
            let mut seen = 0;
            // Behind the last rows, the journal's file has what it held before.
            let written = if file == "db" {
                written(&fs::read(path.join(file)).expect("reads"))
            } else {
                40_000
            };
            for (name, must_show, damage) in damages(written) {
                fs::remove_dir_all(&copy).expect("removes");
                copy_files(&path, &copy);
                let mut bytes = fs::read(copy.join(file)).expect("reads");
                damage(&mut bytes);
                fs::write(copy.join(file), bytes).expect("writes");
                match try_rows(&copy) {
                    Err(StoreError::CannotOpen(words)) => {
                        assert!(
                            words.to_lowercase().contains("restore a backup"),
                            "{name}: {words}"
                        );
                        seen += 1;
                    }
                    // sled opens without looking at all pages; then it is reading them that fails.
                    Err(StoreError::Damaged(_)) if file == "db" => seen += 1,
                    Ok(rows) if !must_show && rows == whole => {}
                    other => panic!(
                        "{file}, {name}, snapshot {with_snapshot}: {:?}",
                        other.map(|rows| (rows.len(), rows == whole))
                    ),
                }
            }
            assert!(seen > 3, "{file}: the damage did not matter");
        }
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to).expect("creates");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
        }
    }
}
