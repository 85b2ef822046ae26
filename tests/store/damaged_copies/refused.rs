//! What a refused store leaves, and what finds damage that no request reads.

use super::{
    PATIENCE,
    original::{Outcome, TREES, Truth, contents, copy, judge, names, options, small},
};
use holdfast::store::{Audit, Row, SledStore, Store, check_store};
use std::{fs, path::Path, thread};

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("reads");
    change(&mut bytes);
    fs::write(path, bytes).expect("writes");
}

/// What is done to a directory.
type Harm<'a> = (&'a str, &'a dyn Fn(&Path));

#[test]
fn a_store_that_is_refused_is_left_as_it_was() {
    let keep = tempfile::tempdir().expect("a temporary directory");
    let original = keep.path().join("original");
    let other = keep.path().join("other");
    let truth = small(&original);
    small(&other);
    // Written over whole, because a watermark knows neither of the other.
    let newest = |dir: &Path| {
        let files = names(dir).into_iter().filter(|name| name.starts_with("journal."));
        let segment = |name: &String| fs::read(dir.join(name)).expect("reads")[20..28].to_vec();
        dir.join(
            files
                .max_by_key(|name| segment(name).into_iter().rev().collect::<Vec<_>>())
                .expect("has a journal"),
        )
    };
    let zeros = |bytes: &mut Vec<u8>| bytes.iter_mut().for_each(|byte| *byte = 0);
    let harms: [Harm<'_>; 10] = [
        ("a damaged journal", &|dir| change(&newest(dir), |bytes| bytes[300] ^= 1)),
        ("a journal that is cut short", &|dir| change(&newest(dir), |bytes| bytes.truncate(2_000))),
        ("a journal that is missing", &|dir| fs::remove_file(newest(dir)).expect("removes")),
        ("another store's journal", &|dir| {
            fs::copy(newest(&other), newest(dir)).expect("copies");
        }),
        ("a damaged watermark", &|dir| change(&dir.join("watermark"), |bytes| bytes[30] ^= 1)),
        ("another store's watermark", &|dir| {
            fs::copy(other.join("watermark"), dir.join("watermark")).expect("copies");
        }),
        ("a watermark of a newer format", &|dir| {
            change(&dir.join("watermark"), |bytes| bytes[3] = b'9')
        }),
        ("a database that is missing", &|dir| fs::remove_file(dir.join("db")).expect("removes")),
        ("a database of zeros", &|dir| change(&dir.join("db"), zeros)),
        ("another store's database", &|dir| {
            for name in names(dir).into_iter().filter(|name| name.starts_with("snap.")) {
                fs::remove_file(dir.join(name)).expect("removes");
            }
            for name in
                names(&other).into_iter().filter(|name| name == "db" || name.starts_with("snap."))
            {
                fs::copy(other.join(&name), dir.join(&name)).expect("copies");
            }
        }),
    ];
    for (what, harm) in harms {
        let dir = keep.path().join("harmed");
        copy(&original, &dir);
        harm(&dir);
        let before = contents(&dir);
        for _ in 0..2 {
            match judge(&dir, &truth) {
                Outcome::Refused(words) => {
                    assert!(words.to_lowercase().contains("restore a backup"), "{what}: {words}")
                }
                other => panic!("{what}: {other:?}"),
            }
            let after = contents(&dir);
            assert!(after.keys().eq(before.keys()), "{what}: {:?}", after.keys());
            for (name, bytes) in &after {
                assert!(before[name] == *bytes, "{what}: `{name}` was changed");
            }
        }
        fs::remove_dir_all(&dir).expect("removes");
    }
}

/// Changes a byte of a row that is in a run, wherever it lies; what sled reads as it opens is after that.
fn damage_a_block(dir: &Path, truth: &Truth) -> bool {
    let path = dir.join("db");
    let bytes = fs::read(&path).expect("reads");
    // Those in front share a page with the manifest.
    let rows = truth[TREES.len() - 1].iter().rev();
    for (_, (_, record)) in rows.filter(|(key, (_, record))| key[0] == b's' && record.len() > 300) {
        let mut changed = bytes.clone();
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&bytes[from..], &record[20..200]) {
            changed[from + at + 30] ^= 0x10;
            from += at + 1;
        }
        if from == 0 {
            continue;
        }
        let copied = dir.with_extension("tried");
        copy(dir, &copied);
        fs::write(copied.join("db"), &changed).expect("writes");
        let outcome = judge(&copied, truth);
        fs::remove_dir_all(&copied).expect("removes");
        if matches!(outcome, Outcome::Reported(_)) {
            fs::write(&path, &changed).expect("writes");
            return true;
        }
    }
    false
}

#[test]
fn damage_in_unread_blocks_is_found_by_the_scrub_and_by_a_check_which_changes_nothing() {
    let keep = tempfile::tempdir().expect("a temporary directory");
    let dir = keep.path().join("data");
    let scratch = keep.path().join("scratch");
    fs::create_dir(&scratch).expect("creates");
    let truth = small(&dir);
    // From now on sled begins after what it has.
    drop(SledStore::open(&dir, &options()).expect("opens"));
    let nothing = || check_store(&dir, &scratch, &mut NoAudit).expect("checks");
    let sound = nothing();
    assert_eq!(sound.problems, []);
    let rows: u64 = truth.iter().map(|rows| rows.len() as u64).sum();
    assert_eq!(sound.trees.iter().map(|tree| tree.rows).sum::<u64>(), rows);
    assert!(
        sound
            .trees
            .iter()
            .all(|tree| tree.runs_without_seals == 0 && (tree.runs == 0) == (tree.blocks == 0))
    );
    assert_eq!(sound.last_commit, 1_000);

    assert!(damage_a_block(&dir, &truth), "no block could be damaged");
    let before = contents(&dir);
    let damaged = nothing();
    assert_eq!(damaged.problems.len(), 1, "{:?}", damaged.problems);
    assert_eq!(damaged.problems[0].place, TREES[4]);
    assert!(contents(&dir) == before, "a check changes nothing");
    assert_eq!(fs::read_dir(&scratch).expect("lists").count(), 0, "nothing is left of it");

    let store = SledStore::open(&dir, &options()).expect("opens");
    let begun = std::time::Instant::now();
    let health = loop {
        let health = store.health();
        if health.scrubs > 0 {
            break health;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing was read");
        thread::yield_now();
    };
    assert!(
        health.damage.is_some_and(|what| what.contains(TREES[4])),
        "the scrub says what is damaged"
    );
    assert_eq!(health.failed, None, "it goes on");
}

struct NoAudit;

impl Audit for NoAudit {
    fn begin_tree(&mut self, _name: &str) {}

    fn check_row(&mut self, _key: &[u8], _row: &Row) -> Option<String> {
        None
    }
}
