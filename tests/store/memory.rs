//! What the in-memory store does on demand.

use holdfast::store::{
    Batch, Commit, CommitVerdict, Epoch, MemoryStore, Store, StoreError, TreeId,
};
use std::sync::mpsc;

fn rig() -> (MemoryStore, TreeId, Epoch) {
    let store = MemoryStore::new();
    let tree = store.open_tree("a").expect("opens");
    let epoch = store.activate(tree).expect("activates");
    (store, tree, epoch)
}

fn put(tree: TreeId, epoch: Epoch, record: u8, expected: Commit) -> Batch {
    Batch {
        tree,
        epoch,
        expects: vec![(vec![1], expected)],
        writes: vec![(vec![1], Some(vec![record]))],
    }
}

fn record(store: &MemoryStore, tree: TreeId) -> Option<u8> {
    store.read(tree, &[&[1]]).expect("reads").remove(0).map(|row| row.record[0])
}

#[test]
fn held_durability_is_released_in_one_go() {
    let (store, tree, epoch) = rig();
    store.hold_durability();
    assert!(matches!(store.submit(put(tree, epoch, 1, 0)), Ok(CommitVerdict::Accepted(1))));
    let (word, heard) = mpsc::channel();
    store.on_durable(1, Box::new(move |result| word.send(result).expect("the test listens")));
    assert!(heard.try_recv().is_err());
    assert_eq!((store.durable_commit(), record(&store, tree)), (0, Some(1)));
    store.release_durability();
    assert_eq!(heard.recv(), Ok(Ok(())));
    assert_eq!(store.durable_commit(), 1);
}

#[test]
fn it_conflicts_on_demand_and_only_as_often_as_asked() {
    let (store, tree, epoch) = rig();
    store.conflict_next("a", 2);
    for _ in 0..2 {
        assert!(matches!(store.submit(put(tree, epoch, 1, 0)), Ok(CommitVerdict::Conflict)));
    }
    assert!(matches!(store.submit(put(tree, epoch, 1, 0)), Ok(CommitVerdict::Accepted(1))));
}

#[test]
fn a_pending_batch_is_decided_elsewhere_either_way() {
    let (store, tree, epoch) = rig();
    store.pending_mode(true);
    let word = |expected| match store.submit(put(tree, epoch, 1, expected)) {
        Ok(CommitVerdict::Pending(word)) => word.blocking_recv().expect("a word comes"),
        other => panic!("{other:?}"),
    };
    assert!(matches!(word(0), Ok(CommitVerdict::Accepted(1))));
    assert!(matches!(word(0), Ok(CommitVerdict::Conflict)));
    assert!(matches!(word(1), Ok(CommitVerdict::Accepted(2))));
}

#[test]
fn a_crash_takes_back_what_was_not_durable_and_nothing_else() {
    let (store, tree, epoch) = rig();
    assert!(matches!(store.submit(put(tree, epoch, 1, 0)), Ok(CommitVerdict::Accepted(1))));
    store.hold_durability();
    assert!(matches!(store.submit(put(tree, epoch, 2, 1)), Ok(CommitVerdict::Accepted(2))));
    let gone =
        Batch { writes: vec![(vec![1], None), (vec![2], Some(vec![9]))], ..put(tree, epoch, 3, 2) };
    assert!(matches!(store.submit(gone), Ok(CommitVerdict::Accepted(3))));
    let (word, heard) = mpsc::channel();
    store.on_durable(2, Box::new(move |result| word.send(result).expect("the test listens")));

    let after = store.crash();

    assert!(matches!(heard.recv(), Ok(Err(StoreError::Failed(_)))));
    assert!(
        matches!(store.submit(put(tree, epoch, 4, 1)), Err(StoreError::Failed(_))),
        "the old process is no more"
    );
    let tree = after.open_tree("a").expect("opens");
    assert_eq!((record(&after, tree), after.read(tree, &[&[2]])), (Some(1), Ok(vec![None])));
    let epoch = after.activate(tree).expect("activates");
    assert!(
        matches!(after.submit(put(tree, epoch, 5, 1)), Ok(CommitVerdict::Accepted(2))),
        "numbers go on"
    );
}

#[test]
fn a_failed_disk_accepts_nothing_more_and_fails_waiting_commits() {
    let (store, tree, epoch) = rig();
    store.hold_durability();
    assert!(matches!(store.submit(put(tree, epoch, 1, 0)), Ok(CommitVerdict::Accepted(1))));
    let (word, heard) = mpsc::channel();
    store.on_durable(1, Box::new(move |result| word.send(result).expect("the test listens")));
    store.fail_now();
    assert!(matches!(heard.recv(), Ok(Err(StoreError::Failed(_)))));
    assert!(matches!(store.submit(put(tree, epoch, 1, 1)), Err(StoreError::Failed(_))));
    assert!(store.health().failed.is_some());
}
