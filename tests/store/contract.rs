//! What every adapter of the store's port keeps to, shown for each of them.

use holdfast::store::{
    Batch, Commit, CommitVerdict, Epoch, MemoryStore, Options, Scan, SledStore, Store, StoreError,
    TreeId,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::mpsc};
use tempfile::TempDir;

/// A store, and the directory that lives as long as it.
fn sled() -> (SledStore, TempDir) {
    sled_with(Options::default().unwritten_limit_bytes)
}

/// A store that keeps hardly anything in memory, so that rows are in runs as soon as they are durable.
fn sled_of_runs() -> (SledStore, TempDir) {
    sled_with(400)
}

fn sled_with(unwritten_limit_bytes: u64) -> (SledStore, TempDir) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { unwritten_limit_bytes, ..Options::default() };
    (SledStore::open(dir.path().join("data"), &options).expect("a fresh directory opens"), dir)
}

fn batch(tree: TreeId, epoch: Epoch, writes: &[(&[u8], Option<&[u8]>)]) -> Batch {
    let writes =
        writes.iter().map(|(key, record)| (key.to_vec(), record.map(<[u8]>::to_vec))).collect();
    Batch { tree, epoch, expects: Vec::new(), writes }
}

fn accepted(verdict: Result<CommitVerdict, StoreError>) -> Commit {
    match verdict {
        Ok(CommitVerdict::Accepted(commit)) => commit,
        other => panic!("should have been accepted: {other:?}"),
    }
}

/// Submits, again and again while the store is slow.
fn submit(store: &impl Store, batch: Batch) -> Result<CommitVerdict, StoreError> {
    loop {
        match store.submit(batch.clone()) {
            Err(StoreError::Overloaded) => std::thread::yield_now(),
            other => return other,
        }
    }
}

fn until_durable(store: &impl Store, commit: Commit) {
    let (word, heard) = mpsc::channel();
    store.on_durable(commit, Box::new(move |result| word.send(result).expect("the test listens")));
    assert_eq!(heard.recv(), Ok(Ok(())));
}

/// The tests of the contract, for one adapter.
macro_rules! contract {
    ($adapter:ident, $make:expr) => {
        mod $adapter {
            use super::*;

            #[test]
            fn what_has_been_accepted_is_read_at_once() {
                let (store, _keep) = $make;
                super::reads_its_own_writes(&store);
            }
            #[test]
            fn trees_do_not_see_each_other() {
                let (store, _keep) = $make;
                super::keeps_trees_apart(&store);
            }
            #[test]
            fn an_older_activation_is_superseded() {
                let (store, _keep) = $make;
                super::refuses_older_epochs(&store);
            }
            #[test]
            #[cfg(debug_assertions)]
            fn a_batch_that_rests_on_what_has_changed_conflicts() {
                let (store, _keep) = $make;
                super::conflicts(&store);
            }
            #[test]
            fn commits_become_durable_in_order() {
                let (store, _keep) = $make;
                super::releases_in_order(&store);
            }
            #[test]
            fn a_malformed_batch_is_invalid_and_changes_nothing() {
                let (store, _keep) = $make;
                super::refuses_the_invalid(&store);
            }
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(24))]
                #[test]
                fn scans_agree_with_a_sorted_map(steps in prop::collection::vec(step(), 1..60)) {
                    let (store, _keep) = $make;
                    super::scans_like_a_map(&store, &steps)?;
                }
            }
        }
    };
}
contract!(memory, (MemoryStore::new(), ()));
contract!(sled, super::sled());
contract!(sled_of_runs, super::sled_of_runs());

fn reads_its_own_writes(store: &impl Store) {
    let tree = store.open_tree("a.b").expect("opens");
    assert_eq!(store.open_tree("a.b"), Ok(tree), "opening again gives the same tree");
    let epoch = store.activate(tree).expect("activates");
    let first =
        accepted(submit(store, batch(tree, epoch, &[(b"x", Some(b"1")), (b"y", Some(b"2"))])));
    let second = accepted(submit(
        store,
        batch(tree, epoch, &[(b"x", None), (b"y", Some(b"3")), (b"z", Some(b""))]),
    ));
    assert_eq!((first, second), (1, 2));
    for durable in [false, true] {
        if durable {
            until_durable(store, second);
        }
        let rows = store.read(tree, &[b"z", b"y", b"x", b"w"]).expect("reads");
        let seen: Vec<_> = rows
            .iter()
            .map(|row| row.as_ref().map(|row| (row.commit, row.record.as_slice())))
            .collect();
        assert_eq!(
            seen,
            [Some((2, &b""[..])), Some((2, &b"3"[..])), None, None],
            "durable: {durable}"
        );
    }
}

fn keeps_trees_apart(store: &impl Store) {
    let a = store.open_tree("a").expect("opens");
    let b = store.open_tree("b").expect("opens");
    let epoch = store.activate(a).expect("activates");
    accepted(submit(store, batch(a, epoch, &[(b"x", Some(b"1"))])));
    assert_eq!(store.read(b, &[b"x"]), Ok(vec![None]));
}

fn refuses_older_epochs(store: &impl Store) {
    let tree = store.open_tree("a").expect("opens");
    let other = store.open_tree("b").expect("opens");
    let old = store.activate(tree).expect("activates");
    let others = store.activate(other).expect("activates");
    let new = store.activate(tree).expect("activates");
    assert!(new > old);
    let late = store.submit(batch(tree, old, &[(b"x", Some(b"late"))]));
    assert_eq!(late.expect_err("an older epoch"), StoreError::Superseded);
    assert_eq!(store.read(tree, &[b"x"]), Ok(vec![None]));
    accepted(submit(store, batch(tree, new, &[(b"x", Some(b"1"))])));
    accepted(submit(store, batch(other, others, &[(b"x", Some(b"1"))])));
}

#[cfg(debug_assertions)]
fn conflicts(store: &impl Store) {
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let with = |expects: &[(&[u8], Commit)], record: &[u8]| Batch {
        expects: expects.iter().map(|(key, commit)| (key.to_vec(), *commit)).collect(),
        ..batch(tree, epoch, &[(b"x", Some(record))])
    };
    assert_eq!(accepted(submit(store, with(&[(b"x", 0)], b"1"))), 1);
    for settled in [false, true] {
        if settled {
            until_durable(store, 1);
        }
        for stale in [&[(&b"x"[..], 0)][..], &[(b"x", 7)], &[(b"x", 1), (b"y", 1)]] {
            assert!(
                matches!(submit(store, with(stale, b"stale")), Ok(CommitVerdict::Conflict)),
                "{stale:?}"
            );
        }
    }
    let row = store.read(tree, &[b"x"]).expect("reads").remove(0).expect("is there");
    assert_eq!((row.commit, row.record.as_slice()), (1, &b"1"[..]));
    assert_eq!(
        accepted(submit(store, with(&[(b"x", 1), (b"y", 0)], b"2"))),
        2,
        "a conflict spends no number"
    );
}

fn releases_in_order(store: &impl Store) {
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let (word, heard) = mpsc::channel();
    // Asked for before they are accepted, and in the wrong order: so none can be called at once.
    for commit in (1..=50).rev() {
        let word = word.clone();
        let told = move |result| word.send((commit, result)).expect("the test listens");
        store.on_durable(commit, Box::new(told));
    }
    for number in 0..50_u8 {
        accepted(submit(store, batch(tree, epoch, &[(&[number], Some(b"1"))])));
    }
    for commit in 1..=50 {
        assert_eq!(heard.recv(), Ok((commit, Ok(()))));
    }
    assert_eq!((store.durable_commit(), store.health().accepted_commit), (50, 50));
    assert!(store.health().syncs >= 1);
}

fn refuses_the_invalid(store: &impl Store) {
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let huge = vec![0; holdfast::store::codec::MAX_RECORD + 1];
    let result = store.submit(batch(tree, epoch, &[(b"x", Some(b"1")), (b"y", Some(&huge))]));
    assert!(matches!(result, Err(StoreError::Invalid(_))), "{result:?}");
    assert_eq!(store.read(tree, &[b"x"]), Ok(vec![None]));
    let nowhere = TreeId(99);
    assert!(matches!(store.activate(nowhere), Err(StoreError::Invalid(_))));
    assert!(matches!(store.read(nowhere, &[b"x"]), Err(StoreError::Invalid(_))));
    assert!(matches!(store.submit(batch(nowhere, epoch, &[])), Err(StoreError::Invalid(_))));
    accepted(submit(store, batch(tree, epoch, &[(b"x", Some(&huge[1..]))])));
}

/// Something done to a tree.
#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, Option<u8>)>),
    Settle,
    Scan { from: u8, to: u8, backwards: bool, limit: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..24_u8, prop::option::weighted(0.6, any::<u8>()));
    prop_oneof![
        3 => prop::collection::vec(write, 1..6).prop_map(Step::Write),
        1 => Just(Step::Settle),
        4 => (0..25_u8, 0..25_u8, any::<bool>(), 0..9_usize)
            .prop_map(|(from, to, backwards, limit)| Step::Scan { from, to, backwards, limit }),
    ]
}

fn scans_like_a_map(store: &impl Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let mut model = BTreeMap::new();
    let mut last = 0;
    for step in steps {
        match step {
            Step::Write(writes) => {
                let writes: BTreeMap<_, _> = writes.iter().copied().collect();
                let rows =
                    writes.iter().map(|(key, record)| (vec![*key], record.map(|byte| vec![byte])));
                last = accepted(submit(
                    store,
                    Batch { writes: rows.collect(), ..batch(tree, epoch, &[]) },
                ));
                for (key, record) in writes {
                    match record {
                        Some(record) => drop(model.insert(key, (last, record))),
                        None => drop(model.remove(&key)),
                    }
                }
            }
            Step::Settle => until_durable(store, last),
            Step::Scan { from, to, backwards, limit } => {
                let scan =
                    Scan { from: vec![*from], to: vec![*to], backwards: *backwards, limit: *limit };
                let seen = store.scan(tree, &scan).expect("scans");
                let seen: Vec<_> = seen
                    .into_iter()
                    .map(|(key, row)| (key[0], (row.commit, row.record[0])))
                    .collect();
                let inside = model
                    .iter()
                    .filter(|(key, _)| (from..to).contains(key))
                    .map(|(key, row)| (*key, *row));
                let mut right: Vec<_> = inside.collect();
                if *backwards {
                    right.reverse();
                }
                right.truncate(*limit);
                prop_assert_eq!(seen, right);
            }
        }
    }
    Ok(())
}

#[test]
fn a_store_under_pressure_refuses_writes_and_accepts_them_once_it_has_caught_up() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { unwritten_limit_bytes: 1, ..Options::default() };
    let store = SledStore::open(dir.path(), &options).expect("opens");
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let mut behind = 0;
    let mut taken = 0;
    while behind == 0 || taken < 3 {
        match store.submit(batch(tree, epoch, &[(b"x", Some(b"1"))])) {
            Ok(CommitVerdict::Accepted(_)) => taken += 1,
            Err(StoreError::Overloaded) => behind += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.health().accepted_commit, taken, "what was refused has no number");
}

#[test]
fn the_last_handle_may_go_on_the_thread_that_calls_back() {
    let (store, _keep) = sled();
    let store = std::sync::Arc::new(store);
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    let (word, heard) = mpsc::channel();
    let held = store.clone();
    let (free, freed) = mpsc::channel::<()>();
    store.on_durable(
        1,
        Box::new(move |_| {
            freed.recv().expect("the test lets go first");
            drop(held);
            word.send(()).expect("the test listens");
        }),
    );
    accepted(submit(&*store, batch(tree, epoch, &[(b"x", Some(b"1"))])));
    drop(store);
    free.send(()).expect("the callback waits");
    assert_eq!(heard.recv(), Ok(()));
}

#[test]
fn a_reader_beside_the_committer_never_misses_a_row_and_never_sees_half_a_batch() {
    let (store, _keep) = sled();
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    accepted(submit(&store, batch(tree, epoch, &[(b"a", Some(&[0])), (b"b", Some(&[0]))])));
    let whole = Scan { from: b"a".to_vec(), to: b"c".to_vec(), backwards: false, limit: 9 };
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for round in 1..2000_u32 {
                let record = [round as u8];
                // The pair moves between two places, so a scan that mixed two moments would find three rows, or one.
                let (put, gone): (&[u8], &[u8]) =
                    if round % 2 == 0 { (b"a", b"aa") } else { (b"aa", b"a") };
                let writes = [(put, Some(&record[..])), (gone, None), (b"b", Some(&record[..]))];
                accepted(submit(&store, batch(tree, epoch, &writes)));
            }
        });
        while !writer.is_finished() {
            let rows = store.scan(tree, &whole).expect("scans");
            assert_eq!(rows.len(), 2, "{rows:?}");
            assert_eq!(rows[0].1, rows[1].1);
            assert!(store.read(tree, &[b"b"]).expect("reads")[0].is_some());
        }
    });
}
