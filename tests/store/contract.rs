//! What every adapter of the store's port keeps to.

use holdfast::store::{Batch, Commit, CommitVerdict, Epoch, Scan, Store, StoreError, TreeId};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::mpsc};

pub fn batch(tree: TreeId, epoch: Epoch, writes: &[(&[u8], Option<&[u8]>)]) -> Batch {
    let writes =
        writes.iter().map(|(key, record)| (key.to_vec(), record.map(<[u8]>::to_vec))).collect();
    Batch { tree, epoch, expects: Vec::new(), writes }
}

pub fn accepted(verdict: Result<CommitVerdict, StoreError>) -> Commit {
    match verdict {
        Ok(CommitVerdict::Accepted(commit)) => commit,
        other => panic!("should have been accepted: {other:?}"),
    }
}

/// Submits, again and again while the store is slow.
pub fn submit(store: &impl Store, batch: Batch) -> Result<CommitVerdict, StoreError> {
    loop {
        match store.submit(batch.clone()) {
            Err(StoreError::Overloaded) => std::thread::yield_now(),
            other => return other,
        }
    }
}

pub fn until_durable(store: &impl Store, commit: Commit) {
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
                $crate::contract::reads_its_own_writes(&store);
            }
            #[test]
            fn trees_do_not_see_each_other() {
                let (store, _keep) = $make;
                $crate::contract::keeps_trees_apart(&store);
            }
            #[test]
            fn an_older_activation_is_superseded() {
                let (store, _keep) = $make;
                $crate::contract::refuses_older_epochs(&store);
            }
            #[test]
            #[cfg(debug_assertions)]
            fn a_batch_that_rests_on_what_has_changed_conflicts() {
                let (store, _keep) = $make;
                $crate::contract::conflicts(&store);
            }
            #[test]
            fn commits_become_durable_in_order() {
                let (store, _keep) = $make;
                $crate::contract::releases_in_order(&store);
            }
            #[test]
            fn a_malformed_batch_is_invalid_and_changes_nothing() {
                let (store, _keep) = $make;
                $crate::contract::refuses_the_invalid(&store);
            }
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(24))]
                #[test]
                fn scans_agree_with_a_sorted_map(steps in prop::collection::vec($crate::contract::step(), 1..60)) {
                    let (store, _keep) = $make;
                    $crate::contract::scans_like_a_map(&store, &steps)?;
                }
            }
        }
    };
}
pub(crate) use contract;

pub fn reads_its_own_writes(store: &impl Store) {
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

pub fn keeps_trees_apart(store: &impl Store) {
    let a = store.open_tree("a").expect("opens");
    let b = store.open_tree("b").expect("opens");
    let epoch = store.activate(a).expect("activates");
    accepted(submit(store, batch(a, epoch, &[(b"x", Some(b"1"))])));
    assert_eq!(store.read(b, &[b"x"]), Ok(vec![None]));
}

pub fn refuses_older_epochs(store: &impl Store) {
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
pub fn conflicts(store: &impl Store) {
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

pub fn releases_in_order(store: &impl Store) {
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

pub fn refuses_the_invalid(store: &impl Store) {
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
pub enum Step {
    Write(Vec<(u8, Option<u8>)>),
    Settle,
    Scan { from: u8, to: u8, backwards: bool, limit: usize },
}

pub fn step() -> impl Strategy<Value = Step> {
    let write = (0..24_u8, prop::option::weighted(0.6, any::<u8>()));
    prop_oneof![
        3 => prop::collection::vec(write, 1..6).prop_map(Step::Write),
        1 => Just(Step::Settle),
        4 => (0..25_u8, 0..25_u8, any::<bool>(), 0..9_usize)
            .prop_map(|(from, to, backwards, limit)| Step::Scan { from, to, backwards, limit }),
    ]
}

pub fn scans_like_a_map(store: &impl Store, steps: &[Step]) -> Result<(), TestCaseError> {
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
